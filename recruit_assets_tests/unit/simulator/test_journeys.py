"""The ledger's own way to find the click of an application, compared with what was computed by hand."""

from collections import Counter
from datetime import UTC, datetime, timedelta

import orjson
import pytest

from recruit_assets.simulator.click_verdicts import ClickSettings, SentClicks
from recruit_assets.simulator.expected import ExpectedCredits
from recruit_assets.simulator.fragments import Action
from recruit_assets.simulator.job_rules import OWN_JOB
from recruit_assets.simulator.journeys import Visits
from recruit_assets.simulator.publish import ListSink, simulate
from recruit_assets.simulator.spec import SimulationSpec
from recruit_assets_tests.support.builders import uuid1_at
from recruit_assets_tests.support.journey_cases import CASES, DAYS, JUDGED, ORDER, AClick, Case

AT = datetime(2026, 1, 5, 7, 30, tzinfo=UTC)


def a_record(click: AClick, uid: str | None = "ann") -> bytes:
    at = AT - timedelta(minutes=click.minutes_before)
    create_time = f"00000000-0000-1000-8000-{click.order:012d}"
    return orjson.dumps(
        {"create_time": create_time, "ts": f"{at:%Y-%m-%d %H:%M:%S.%f}", "uid": uid} | {"ua": click.ua, "dl": click.dl}
    )


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.about)
def test_the_last_click_on_the_job_gets_the_credit(case: Case) -> None:
    visits = Visits(DAYS)
    visits.add(a_record(AClick(9, 0, order=ORDER)), Action.CONVERSION, (1, 9, 0, 0))
    for click in case.clicks:
        job_id = 1 if click.ed else click.job_id
        if job_id is not None:
            visits.add(a_record(click), Action.CLICK, (job_id, click.publisher_id, 0, 0))

    assert visits.rows() == [
        ("2026-01-05 07:00:00", 1, case.credited or 9, 0, 0, int(case.credited is not None), 1, 0, 0)
    ]


@pytest.mark.parametrize("case", JUDGED, ids=lambda case: case.about)
def test_the_last_valid_click_on_the_job_gets_the_credit(case: Case) -> None:
    visits, clicks = Visits(DAYS), SentClicks(ClickSettings(30, "localhost", "UTC"), {})
    visits.add(a_record(AClick(9, 0, order=ORDER)), Action.CONVERSION, (1, 9, 0, 0))
    for click in case.clicks:
        ids = click.job_id or 0, click.publisher_id, 0, 0
        visits.add(a_record(click), Action.CLICK, ids)
        clicks.add(a_record(click), ids, 0)

    credited = [row[2] for row in visits.rows(clicks.valid()) if row[5]]
    assert credited == ([] if case.credited is None else [case.credited])


def test_applications_of_nobody_are_unattributed() -> None:
    visits = Visits(DAYS)
    visits.add(a_record(AClick(11, 3), uid=None), Action.CLICK, (1, 11, 0, 0))
    visits.add(a_record(AClick(9, 0), uid=None), Action.QUALIFIED, (1, 9, 0, 0))

    assert visits.rows() == [("2026-01-05 07:00:00", 1, 9, 0, 0, 0, 0, 1, 0)]


def test_an_event_without_ts_has_the_time_of_its_create_time() -> None:
    visits = Visits(DAYS)
    visits.add(orjson.dumps({"create_time": str(uuid1_at(AT)), "ts": None}), Action.UNQUALIFIED, (1, 9, 0, 0))

    assert visits.rows() == [("2026-01-05 07:00:00", 1, 9, 0, 0, 0, 0, 0, 1)]


@pytest.mark.parametrize(("share", "expected"), [(0.0, (0, 0.2)), (0.8, (0.3, 0.8))])
def test_people_apply_for_jobs_that_they_clicked_on(share: float, expected: tuple[float, float]) -> None:
    spec = SimulationSpec(events=10_000, start=AT - timedelta(days=1), end=AT, journey_share=share)

    ledger = simulate(spec, ListSink(), downstream=[ExpectedCredits(DAYS, OWN_JOB)]).as_document()

    counts = Counter[int]()
    for *_, attributed, sent, qualified, disqualified in ledger["downstream"]["attributed_conversions"]:
        counts[attributed] += sent + qualified + disqualified
    fewest, most = expected
    assert fewest <= counts[1] / counts.total() <= most
    # disqualified, qualified and sent applications of the report
    assert counts.total() == sum(sum(row[3:6]) for row in ledger["report"])

"""The audit's own way to find the click of an application, compared with what was computed by hand."""

from collections.abc import Callable, Iterator
from uuid import UUID

import pytest

from recruit_assets.contract.attribution import attribution
from recruit_assets.contract.click_quality import ClickRules
from recruit_assets.observability.audit.attributed_rows import JourneysRecount
from recruit_assets.observability.audit.audit_db import AuditDatabase, Values, open_audit_database
from recruit_assets.stores.cassandra.audit_reads import READ_COLUMNS
from recruit_assets.transforms.click_judge import ClickJudge
from recruit_assets.transforms.found_jobs import JobFinder
from recruit_assets_tests.support.journey_cases import CASES, DAYS, JUDGED, ORDER, AClick, Case

AT_MS = 1_767_600_000_000
HOUR_MS = AT_MS - AT_MS % 3_600_000
FINDER = JobFinder(attribution(["job_id", "ed.jobId"], ""))


@pytest.fixture
def audit_db() -> Iterator[AuditDatabase]:
    with open_audit_database() as database:
        yield database


def a_row(click: AClick, track: str = "click", uid: str | None = "ann") -> Values:
    values: dict[str, object] = {
        "event_time_ms": AT_MS - round(click.minutes_before * 60_000),
        "received_at_ms": AT_MS,
        "create_time": UUID(int=click.order),
        "custom_track": track,
        "job_id": click.job_id,
        "publisher_id": click.publisher_id,
        "ed": click.ed,
        "uid": uid,
        "ua": click.ua,
        "dl": click.dl,
    }
    return tuple(values.get(name) for name in READ_COLUMNS)


APPLICATION = a_row(AClick(9, 0, order=ORDER), "conversion")


def recounted(audit_db: AuditDatabase, *rows: Values, judge: Callable[[], ClickJudge] | None = None) -> list[Values]:
    """Job, publisher, whether attributed, and the three counts."""
    recount = JourneysRecount(audit_db, FINDER, days=DAYS, judge=judge)
    for row in rows:
        recount.take(HOUR_MS, [row])
    audit_db.add_downstream("recomputed", recount.table, recount.rest())
    columns = "job_id, publisher_id, attributed, applications, qualified_applications, disqualified_applications"
    return list(audit_db.rows(f"SELECT {columns} FROM recomputed_attributed_conversions ORDER BY {columns}"))


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.about)
def test_the_last_click_on_the_job_gets_the_credit(audit_db: AuditDatabase, case: Case) -> None:
    found = recounted(audit_db, *map(a_row, case.clicks), APPLICATION)

    assert found == [(1, case.credited or 9, int(case.credited is not None), 1, 0, 0)]


@pytest.mark.parametrize("case", JUDGED, ids=lambda case: case.about)
def test_the_last_valid_click_on_the_job_gets_the_credit(audit_db: AuditDatabase, case: Case) -> None:
    found = recounted(audit_db, *map(a_row, case.clicks), APPLICATION, judge=lambda: ClickJudge(ClickRules(), {}))

    assert found == [(1, case.credited or 9, int(case.credited is not None), 1, 0, 0)]


def test_applications_of_nobody_and_of_other_people_are_unattributed(audit_db: AuditDatabase) -> None:
    clicks = [a_row(AClick(11, 3, order=number), uid=uid) for number, uid in enumerate(["ann", None, ""])]
    tracks = ["conversion", "qualified", "unqualified", "view"]
    nobodys = [a_row(AClick(9, 0, order=5 + number), track, uid=None) for number, track in enumerate(tracks)]
    others = [a_row(AClick(9, 0, order=20), "qualified", "bob"), a_row(AClick(9, 0, order=21), "conversion", "")]

    assert recounted(audit_db, *clicks, *nobodys, *others) == [(1, 9, 0, 2, 2, 1)]

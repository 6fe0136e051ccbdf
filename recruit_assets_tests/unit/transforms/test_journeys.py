"""Which click gets the credit for an application, compared with what was computed by hand."""

from datetime import date
from uuid import UUID

import pytest

from recruit_assets.contract.attribution import attribution
from recruit_assets.contract.click_quality import ClickRules
from recruit_assets.contract.events import MAX_UID_BYTES
from recruit_assets.transforms.click_judge import ClickJudge
from recruit_assets.transforms.found_jobs import JobFinder
from recruit_assets.transforms.journeys import is_person, journeys_of
from recruit_assets_tests.support.journey_cases import CASES, DAYS, JUDGED, ORDER, AClick, Case

AT_MS = 1_767_600_000_000
FINDER = JobFinder(attribution(["job_id", "ed.jobId"], ""))


def moment(minutes_before: float, order: int) -> tuple[int, UUID]:
    return AT_MS - round(minutes_before * 60_000), UUID(int=order)


def an_event(click: AClick, track: str = "click") -> tuple[tuple[int, UUID], tuple[object, ...]]:
    at = moment(click.minutes_before, click.order)
    return at, (track, click.job_id, click.publisher_id, 3, None, click.ed, click.dl, click.ua)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.about)
def test_the_last_click_on_the_job_gets_the_credit(case: Case) -> None:
    found = journeys_of("ann", map(an_event, case.clicks), FINDER).last_click(1, moment(0, ORDER), days=DAYS)

    assert (found and found.ids) == (None if case.credited is None else (1, case.credited, 3, 0))


@pytest.mark.parametrize("case", JUDGED, ids=lambda case: case.about)
def test_the_last_valid_click_on_the_job_gets_the_credit(case: Case) -> None:
    judge = ClickJudge(ClickRules(), end_dates={2: date(2020, 1, 1)})

    found = journeys_of("ann", map(an_event, case.clicks), FINDER, judge).last_click(1, moment(0, ORDER), days=DAYS)

    assert (found and found.ids) == (None if case.credited is None else (1, case.credited, 3, 0))


def test_both_spellings_of_a_click_count_and_nothing_else_does() -> None:
    tracks = ["clicks", "conversion", "view", "Click", None]

    for track in tracks:
        journeys = journeys_of("ann", [an_event(AClick(11, 3), track)], FINDER)  # type: ignore[arg-type]  # null is possible
        assert bool(journeys.last_click(1, moment(0, ORDER), days=DAYS)) == (track == "clicks")


def test_a_uid_that_the_index_may_not_have_is_nobodys() -> None:
    longest = "é" * (MAX_UID_BYTES // 2)

    assert [is_person(uid) for uid in (None, "", "a", longest, "a" + longest)] == [False, False, True, True, False]

"""Whose job an event is, against a table computed by hand (support/job_cases.py)."""

import pytest

from recruit_assets.contract.attribution import attribution
from recruit_assets.transforms.found_jobs import JobFinder
from recruit_assets.transforms.validate import Limits, read_event
from recruit_assets_tests.support.builders import an_event, as_bytes
from recruit_assets_tests.support.job_cases import CASES, PATTERN, RULES, Case

LIMITS = Limits(max_bytes=1_000_000, first_hour_ms=0)
FINDER = JobFinder(attribution(list(RULES), PATTERN))


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.own} {case.ed} {case.dl}"[:80])
def test_an_event_counts_for_the_job_of_the_first_rule_that_finds_one(case: Case) -> None:
    found = FINDER.find(case.own, case.ed, case.dl)

    assert (found and (RULES[found.rule], *found.ids)) == case.found


@pytest.mark.parametrize(
    ("rules", "fields", "misses"),
    [
        (["job_id"], {"job_id": None, "ed": '{"jobId":5}'}, True),
        (["job_id", "ed.jobId"], {"job_id": None, "ed": '{"jobId":5}'}, False),
        (["job_id", "ed.jobId"], {"job_id": None, "ed": "{}"}, True),
        (["job_id", "ed.jobId"], {"job_id": None, "ed": "{}", "custom_track": "scroll"}, False),
        (["job_id", "ed.jobId"], {"job_id": 0}, False),
    ],
)
def test_only_countable_events_can_miss_a_job(rules: list[str], fields: dict[str, object], misses: bool) -> None:
    event = read_event(as_bytes(an_event() | fields), 1_767_600_000_000, limits=LIMITS)

    assert JobFinder(attribution(rules, "")).misses(event) is misses


def test_a_rule_before_the_events_own_job_wins() -> None:
    found = JobFinder(attribution(["ed.jobId", "job_id"], "")).find((1, 2, None, None), '{"jobId":5,"groupId":8}', None)

    assert found == (0, (5, 2, 0, 8))

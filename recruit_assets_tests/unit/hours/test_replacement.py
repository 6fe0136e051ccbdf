"""The stages under forced interleavings: whatever is killed or overtaken, the report ends exact.

The last test takes out one guard at a time and replays a schedule in which that guard is the one that saves the report.
"""

import pytest

from recruit_assets.hours.replacement import write_timestamp
from recruit_assets_tests.support.interleaving import outcome, states_after_runs

SCHEDULES = 3000
HISTORIES = 300


def test_every_interleaving_ends_exact() -> None:
    wrong = {seed: found for seed in range(SCHEDULES) if (found := outcome(seed)) != "exact"}
    assert wrong == {}


def test_what_incremental_runs_leave_equals_what_full_runs_leave() -> None:
    read = {True: 0, False: 0}
    for seed in range(HISTORIES):
        (incremental, few), (full, all_) = (states_after_runs(seed, incremental=keep) for keep in (True, False))
        assert incremental == full, f"history {seed}"
        read[True] += few
        read[False] += all_
    assert read[True] < 0.8 * read[False]


def test_runs_of_the_same_millisecond_have_different_numbers() -> None:
    numbers = {write_timestamp(1_767_600_000_000, f"run {index}") for index in range(20)}

    assert len(numbers) == 20
    assert {number // 1000 for number in numbers} == {1_767_600_000_000}


@pytest.mark.parametrize(
    ("guard", "schedule"),
    [
        pytest.param("clear", 475, id="coverage is cleared before rows change"),
        pytest.param("coverage_before_rows", 669, id="the input's coverage is read before its rows"),
        pytest.param("change_after_event", 51, id="a change is announced after its event is stored"),
        pytest.param("base_is_covered", 1, id="only what was covered until now is kept"),
        pytest.param("version_after_event", 13, id="a version is told after its event is stored"),
        pytest.param("change_after_version", 385, id="a change is announced after the version is told"),
        pytest.param("versions_before_rows", 9, id="versions are read before rows"),
        pytest.param("numbers_before_rows", 786, id="of what a stage made, too"),
        pytest.param("parts_are_current", 256, id="what is added up is of what its source is now"),
    ],
)
def test_without_a_guard_a_known_schedule_ends_wrong(guard: str, schedule: int) -> None:
    assert outcome(schedule) == "exact"
    assert outcome(schedule, frozenset({guard})) == "wrong"

"""Replacing hours under forced interleavings: whichever run is killed or overtaken, whichever clock was ahead and set
back, the final report is exact.

The last test disables one safeguard at a time and replays a schedule that ends wrong without it.
"""

import pytest

from recruit_assets.hours.replacement import write_timestamp
from recruit_assets_tests.support.interleaving import outcome, states_after_runs

SCHEDULES = 3000
HISTORIES = 300


@pytest.mark.parametrize("first", range(0, SCHEDULES, SCHEDULES // 10))
def test_every_interleaving_ends_exact(first: int) -> None:
    seeds = range(first, first + SCHEDULES // 10)
    wrong = {seed: found for seed in seeds if (found := outcome(seed)) != "exact"}
    assert wrong == {}


def test_incremental_and_full_runs_leave_the_same_rows() -> None:
    read = {True: 0, False: 0}
    for seed in range(HISTORIES):
        (incremental, few), (full, all_) = (states_after_runs(seed, incremental=keep) for keep in (True, False))
        assert incremental == full, f"history {seed}"
        read[True] += few
        read[False] += all_
    assert read[True] < 0.8 * read[False]


def test_runs_that_begin_in_the_same_millisecond_have_different_write_timestamps() -> None:
    timestamps = {write_timestamp(1_767_600_000_000, f"run {index}") for index in range(20)}

    assert len(timestamps) == 20
    assert {timestamp // 1000 for timestamp in timestamps} == {1_767_600_000_000}


@pytest.mark.parametrize(
    ("safeguard", "schedule"),
    [
        pytest.param("clear", 379, id="coverage is cleared before rows change"),
        pytest.param("t_before_rows", 2447, id="the write timestamp is taken before the rows are read"),
        pytest.param("coverage_before_rows", 2173, id="an input's coverage and versions are read before its rows"),
        pytest.param("versions_before_rows", 109, id="the versions of raw events are read before them"),
        pytest.param("base_is_covered", 20, id="only rows that were covered until now are kept"),
        pytest.param("change_after_event", 16, id="a change is published after its event is stored"),
        pytest.param("version_after_event", 89, id="a version is raised after its event is stored"),
        pytest.param("change_after_version", 365, id="a change is published after the version is raised"),
        pytest.param("checkpoint_ahead", 1913, id="a checkpoint in the future isn't believed"),
        pytest.param("changes_ahead", 17, id="changes in the future are read at once"),
        pytest.param("change_ahead", 10, id="a change in the future counts as one of now"),
        pytest.param("coverage_ahead", 10, id="a coverage in the future isn't believed"),
        pytest.param("above_what_stands", 0, id="a write timestamp is greater than those that stand"),
        pytest.param("clear_notes_timestamp", 14, id="clearing a coverage leaves its timestamp readable"),
    ],
)
def test_without_a_safeguard_a_known_schedule_ends_wrong(safeguard: str, schedule: int) -> None:
    """Each schedule is the result of `find_schedule(safeguard)`; call that again after changing the scheduler."""
    assert outcome(schedule) == "exact"
    assert outcome(schedule, frozenset({safeguard})) != "exact"

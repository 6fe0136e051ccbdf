"""Offsets move only forward, only explicitly, and never silently fail for long."""

import pytest

from recruit_assets.ingest.offsets import COMMIT_GIVE_UP_S, Commits, missing
from recruit_assets.runtime.errors import StoreUnavailable
from recruit_assets_tests.support.ingest import ScriptedMember


def test_what_is_done_is_committed_once() -> None:
    member = ScriptedMember()
    commits = Commits(member)

    commits.done({0: 5, 1: 7})
    commits.done({0: 5, 1: 8})

    assert member.commits == [{0: 5, 1: 7}, {1: 8}]
    assert commits.committed == {0: 5, 1: 8}


def test_a_commit_that_failed_is_made_up_for_by_the_next() -> None:
    member = ScriptedMember()
    commits = Commits(member)
    member.commits_taken = False
    taken = commits.done({0: 5})
    member.commits_taken = True

    assert (taken, commits.done({1: 7}), member.commits) == (False, True, [{0: 5, 1: 7}])


def test_after_a_rebalance_only_what_is_done_anew_is_committed() -> None:
    """Committing what was dropped would step over records that nobody wrote."""
    member = ScriptedMember()
    commits = Commits(member)
    member.commits_taken = False
    commits.done({0: 5, 1: 9})
    member.commits_taken = True

    commits.restart({1: 3})
    commits.done({1: 4})

    assert member.commits == [{1: 4}]


def test_an_offset_never_goes_back() -> None:
    member = ScriptedMember()
    commits = Commits(member)
    commits.restart({0: 10})

    assert commits.done({0: 4})
    assert member.commits == []


def test_commits_that_fail_for_too_long_are_an_error() -> None:
    now = [0.0]
    member = ScriptedMember()
    member.commits_taken = False
    commits = Commits(member, clock=lambda: now[0])
    commits.done({0: 5})
    now[0] = COMMIT_GIVE_UP_S + 1

    with pytest.raises(StoreUnavailable, match=r"wanted to commit \{0: 6\}"):
        commits.done({0: 6})


@pytest.mark.parametrize(
    ("targets", "committed", "left"),
    [({0: 5, 1: 7}, {0: 5, 1: 3}, {1: 4}), ({0: 5}, {}, {0: 5}), ({0: 5}, {0: 9}, {}), ({}, {}, {})],
)
def test_what_is_missing_is_told_per_partition(
    targets: dict[int, int], committed: dict[int, int], left: dict[int, int]
) -> None:
    assert missing(targets, committed) == left

"""Offsets move only forward and only explicitly; commits that keep failing are an error."""

import pytest

from recruit_assets.ingest.offsets import COMMIT_GIVE_UP_S, Commits, remaining
from recruit_assets.runtime.errors import StoreUnavailable
from recruit_assets.stores.kafka.offsets import PartitionSpan
from recruit_assets_tests.support.ingest import ScriptedMember


def test_an_offset_is_committed_once() -> None:
    member = ScriptedMember()
    commits = Commits(member)

    commits.commit({0: 5, 1: 7})
    commits.commit({0: 5, 1: 8})

    assert member.commits == [{0: 5, 1: 7}, {1: 8}]
    assert commits.committed == {0: 5, 1: 8}


def test_the_next_commit_includes_the_offsets_of_a_failed_one() -> None:
    member = ScriptedMember()
    commits = Commits(member)
    member.accepts_commits = False
    succeeded = commits.commit({0: 5})
    member.accepts_commits = True

    assert (succeeded, commits.commit({1: 7}), member.commits) == (False, True, [{0: 5, 1: 7}])


def test_after_a_rebalance_earlier_failed_commits_are_forgotten() -> None:
    """Their records were dropped: committing them would skip records that were never written."""
    member = ScriptedMember()
    commits = Commits(member)
    member.accepts_commits = False
    commits.commit({0: 5, 1: 9})
    member.accepts_commits = True

    commits.reset({1: 3})
    commits.commit({1: 4})

    assert member.commits == [{1: 4}]


def test_a_lower_offset_is_not_committed() -> None:
    member = ScriptedMember()
    commits = Commits(member)
    commits.reset({0: 10})

    assert commits.commit({0: 4})
    assert member.commits == []


def test_commits_that_fail_for_too_long_are_an_error() -> None:
    now = [0.0]
    member = ScriptedMember()
    member.accepts_commits = False
    commits = Commits(member, clock=lambda: now[0])
    commits.commit({0: 5})
    now[0] = COMMIT_GIVE_UP_S + 1

    with pytest.raises(StoreUnavailable, match=r"wanted to commit \{0: 6\}"):
        commits.commit({0: 6})


@pytest.mark.parametrize(
    ("targets", "spans", "left"),
    [
        ({0: 5, 1: 7}, [PartitionSpan(0, 0, 9, committed=5), PartitionSpan(1, 0, 9, committed=3)], {1: 4}),
        ({0: 5}, [PartitionSpan(0, 0, 9, committed=None)], {0: 5}),
        ({0: 5}, [PartitionSpan(0, 0, 9, committed=9)], {}),
        ({}, [PartitionSpan(0, 0, 9, committed=3)], {}),
    ],
)
def test_remaining_offsets_are_counted_per_partition(
    targets: dict[int, int], spans: list[PartitionSpan], left: dict[int, int]
) -> None:
    assert remaining(targets, spans) == left


def test_a_commit_beyond_the_end_reaches_no_target() -> None:
    """The topic lost its records and got others: a drain used to return at once, without reading them."""
    assert remaining({0: 5}, [PartitionSpan(0, first=0, end=5, committed=900)]) == {0: 5}


def test_what_a_topic_made_anew_holds_is_the_target_of_a_drain_that_began_before() -> None:
    assert remaining({0: 900}, [PartitionSpan(0, first=0, end=5, committed=None)]) == {0: 5}
    assert remaining({0: 900}, [PartitionSpan(0, first=0, end=5, committed=5)]) == {}

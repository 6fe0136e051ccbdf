"""A member reads on at the group's commit, unless that is of other records."""

import pytest
from kafka.structs import OffsetAndMetadata

from recruit_assets.runtime.errors import UserError
from recruit_assets.runtime.settings import load_settings
from recruit_assets.stores.kafka.commit_label import CommitLabel, Owner, label_of, require_own_group
from recruit_assets.stores.kafka.starting_point import (
    LeaderEpochs,
    PartitionLog,
    RetentionGap,
    Rewind,
    StartingPoint,
    starting_point,
)

LABEL = CommitLabel("new", Owner("recruit", "id"))
LOG = PartitionLog("t", 0, first=10, end=90, position=None)


def commit(offset: int, metadata: str | None = None) -> OffsetAndMetadata:
    return OffsetAndMetadata(offset, LABEL.encode() if metadata is None else metadata, -1)


def log(position: int | None) -> PartitionLog:
    return PartitionLog("t", 0, first=10, end=90, position=position)


@pytest.mark.parametrize("offset", [10, 50, 90])
@pytest.mark.parametrize("metadata", [None, "", "another program's", '{"topic_id": 1}', "[]"])
def test_a_commit_in_the_log_is_believed_if_it_is_ours_or_has_no_label(offset: int, metadata: str | None) -> None:
    assert starting_point(LOG, commit(offset, metadata), LABEL) == StartingPoint(offset)


def test_without_a_commit_the_first_record_is_next() -> None:
    assert starting_point(LOG, None, LABEL) == StartingPoint(10)


def test_what_retention_deleted_is_a_gap() -> None:
    assert starting_point(LOG, commit(4), LABEL) == StartingPoint(10, RetentionGap(0, expected=4, first_kept=10))


@pytest.mark.parametrize(
    ("label", "why"),
    [
        (CommitLabel("old", LABEL.owner), "the topic is a new one of the same name: id new, committed for old"),
        (CommitLabel("new", Owner("theirs")), "the commit is of another keyspace: theirs, not recruit"),
        (CommitLabel("new", Owner("recruit", "other")), "the commit is of another keyspace: recruit (id other)"),
    ],
)
def test_a_commit_of_another_topic_or_keyspace_is_not_believed(label: CommitLabel, why: str) -> None:
    start = starting_point(LOG, commit(50, label.encode()), LABEL)

    assert start.offset == 10
    assert why in str(start.problem)


def test_a_commit_beyond_the_end_is_not_believed() -> None:
    start = starting_point(LOG, commit(91), LABEL)

    assert start.offset == 10
    assert str(start.problem) == (
        "t/0 is read again from offset 10: the group has committed 91, the partition ends at 90, so it has lost "
        "records, or is a new one"
    )


def test_a_log_that_was_cut_off_and_grew_again_is_read_from_the_cut() -> None:
    start = starting_point(log(40), commit(50), LABEL)

    assert (start.offset, isinstance(start.problem, Rewind)) == (40, True)
    assert starting_point(log(5), commit(50), LABEL).offset == 10
    assert starting_point(log(50), commit(50), LABEL) == StartingPoint(50)


def test_a_commit_carries_the_epoch_of_the_record_before_it() -> None:
    epochs = LeaderEpochs(3)
    for offset, epoch in ((50, 3), (59, 3), (60, 5), (70, 5)):
        epochs.note(offset, epoch)

    assert [epochs.before(offset) for offset in (50, 60, 61, 71)] == [3, 3, 5, 5]
    assert epochs.before(72) == -1, "72 is behind a transaction marker of unknown epoch"


def test_a_group_belongs_to_the_keyspace_that_committed_the_lowest_partition() -> None:
    theirs = CommitLabel("new", Owner("theirs")).encode()
    settings = load_settings(kafka_group="g", kafka_topic="t")

    require_own_group({0: commit(1, ""), 1: commit(1), 2: commit(1, theirs)}, LABEL.owner, settings)
    with pytest.raises(UserError, match=r"RECRUIT_KAFKA_GROUP g belongs to keyspace theirs.*this is keyspace recruit"):
        require_own_group({0: commit(1, ""), 1: commit(1, theirs), 2: commit(1)}, LABEL.owner, settings)


def test_keyspaces_of_the_same_name_differ_by_their_id() -> None:
    assert not Owner("recruit", "a").is_same(Owner("recruit", "b"))
    assert Owner("recruit", "a").is_same(Owner("recruit"))
    assert not Owner("recruit").is_same(Owner("other"))
    assert label_of(commit(1)) == LABEL

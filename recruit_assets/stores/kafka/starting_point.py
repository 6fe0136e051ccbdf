"""Where a member reads on: at the group's commit, if that is of the records which the partition holds now."""

from dataclasses import dataclass

from kafka.structs import OffsetAndMetadata

from recruit_assets.stores.kafka.commit_label import CommitLabel, label_of


@dataclass(frozen=True, slots=True)
class RetentionGap:
    """Records that retention deleted before the group read them."""

    partition: int
    expected: int
    first_kept: int

    @property
    def records(self) -> int:
        """An upper bound: transaction markers have offsets too."""
        return self.first_kept - self.expected


@dataclass(frozen=True, slots=True)
class Rewind:
    """A partition that is read again, because the group's commit isn't of the records that it holds now."""

    topic: str
    partition: int
    committed: int
    end: int
    resumed_at: int
    why: str

    def __str__(self) -> str:
        return (
            f"{self.topic}/{self.partition} is read again from offset {self.resumed_at}: the group has committed "
            f"{self.committed}, the partition ends at {self.end}, {self.why}"
        )


@dataclass(frozen=True, slots=True)
class PartitionLog:
    """A partition's offsets, and the client's position after a seek to the commit; None if it hasn't asked the broker.

    The position is before the commit if the log was cut off there (KIP-320).
    """

    topic: str
    partition: int
    first: int
    end: int
    position: int | None


@dataclass(frozen=True, slots=True)
class StartingPoint:
    """The offset to read from, and what is wrong with the commit, if anything."""

    offset: int
    problem: RetentionGap | Rewind | None = None


def starting_point(log: PartitionLog, commit: OffsetAndMetadata | None, label: CommitLabel) -> StartingPoint:
    """Reading a record again changes nothing, so whatever the commit can't vouch for is read again."""
    if commit is None:
        return StartingPoint(log.first)
    if not label.covers(commit):
        return _rewind(log, commit, log.first, why=_other(label_of(commit), label))
    if commit.offset > log.end:
        return _rewind(log, commit, log.first, why="so it has lost records, or is a new one")
    if log.position is not None and log.position < commit.offset:
        cut = max(log.position, log.first)
        return _rewind(log, commit, cut, why=f"and it has lost its records from offset {cut} on and got others")
    if commit.offset < log.first:
        return StartingPoint(log.first, RetentionGap(log.partition, expected=commit.offset, first_kept=log.first))
    return StartingPoint(commit.offset)


def _other(found: CommitLabel | None, label: CommitLabel) -> str:
    if found is None or found.topic_id == label.topic_id:
        return f"and the commit is of another keyspace: {found.owner if found else 'none'}, not {label.owner}"
    return f"and the topic is a new one of the same name: id {label.topic_id}, committed for {found.topic_id}"


def _rewind(log: PartitionLog, commit: OffsetAndMetadata, offset: int, *, why: str) -> StartingPoint:
    return StartingPoint(offset, Rewind(log.topic, log.partition, commit.offset, log.end, offset, why))


class LeaderEpochs:
    """From which offset on the polled records of a partition have which leader epoch.

    A commit carries the epoch of its last record, so that the broker can tell later whether that record is still there.
    """

    def __init__(self, commit_epoch: int = -1) -> None:
        self._since = [(-1, commit_epoch)]
        self._next = 0

    def note(self, offset: int, epoch: int) -> None:
        """A record was polled."""
        if epoch != self._since[-1][1]:
            self._since.append((offset, epoch))
        self._next = offset + 1

    def before(self, offset: int) -> int:
        """The epoch of the record before the offset; -1 if it isn't known, as behind a transaction marker."""
        if offset > self._next > 0:
            return -1
        return next(epoch for since, epoch in reversed(self._since) if since < offset)

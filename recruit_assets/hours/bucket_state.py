"""For each partition: which version of its input its rows were computed from, and whether that is still current.

Ingest raises a bucket's version after events of it are durable and before it publishes the change. So rows that are
read after a version contain every event behind that version. If a later run finds the same version, the rows lack no
change published until then, however late the change becomes visible. Deleting rows by hand raises no version, so only
runs that read everything notice it. In a table that runs write, the version is the write timestamp.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import zip_longest
from typing import NamedTuple


class Partition(NamedTuple):
    """A partition of a table's hour; `bucket` is None where the hour is one partition."""

    hour: datetime
    bucket: int | None = None


@dataclass(frozen=True, slots=True)
class RowCounts:
    """The number of stored rows, of the events in them, and of countable events without a job, which aren't stored.

    `by_rule` has the rows that each rule of RECRUIT_ATTRIBUTION found; it is empty where job_id is the only one.
    """

    row_count: int = 0
    event_count: int = 0
    unattributed: int = 0
    by_rule: tuple[int, ...] = ()

    @classmethod
    def of_numbers(cls, row_count: int, event_count: int, unattributed: int, *by_rule: int) -> "RowCounts":
        """The counts with these `numbers`."""
        return cls(row_count, event_count, unattributed, by_rule)

    @property
    def numbers(self) -> tuple[int, ...]:
        return self.row_count, self.event_count, self.unattributed, *self.by_rule

    def __add__(self, other: "RowCounts") -> "RowCounts":
        return RowCounts(
            self.row_count + other.row_count,
            self.event_count + other.event_count,
            self.unattributed + other.unattributed,
            tuple(map(sum, zip_longest(self.by_rule, other.by_rule, fillvalue=0))),
        )


@dataclass(frozen=True, slots=True)
class BucketState:
    """The rows of one partition: their write timestamp, the input's version they were computed from, their counts."""

    write_timestamp: int = 0
    version: int = 0
    """0 if ingest or a run never wrote to the input's bucket."""
    counts: RowCounts = field(default_factory=RowCounts)


EMPTY = BucketState()


def unchanged(
    previous: Mapping[datetime, Mapping[Partition, BucketState]],
    partitions: Sequence[Partition],
    versions: Mapping[datetime, Mapping[Partition, int]],
) -> dict[Partition, BucketState]:
    """The partitions whose rows were computed from the version that their input has now, with their state.

    Leaves out hours without versions, and hours whose `previous` has partitions that don't exist now.
    """
    existing = frozenset(partitions)
    usable = {hour: previous[hour] for hour in versions if hour in previous and existing.issuperset(previous[hour])}
    known = {one: usable[one.hour].get(one, EMPTY) for one in partitions if one.hour in usable}
    return {one: state for one, state in known.items() if state.version == versions[one.hour].get(one, 0)}


def counts_by_hour(counts: Mapping[Partition, RowCounts], hours: Iterable[datetime]) -> dict[datetime, RowCounts]:
    """The sum over the partitions of each hour; zeros for an hour without rows."""
    by_hour = dict.fromkeys(hours, RowCounts())
    for partition, found in counts.items():
        by_hour[partition.hour] += found
    return by_hour

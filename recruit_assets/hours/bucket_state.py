"""What the rows of one partition were made of, and whether its input still holds exactly that.

Ingest gives a bucket a new version after events of it are durable and before it publishes the change. A version that is
read before the bucket's rows therefore stands for events that are among these rows. If a later run finds the same
version, the rows lack no change that was published until then, however late it becomes visible. An erasure by hand
raises no version: only runs that read everything find it. The version of what a run wrote is its write timestamp.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple


class Partition(NamedTuple):
    """A partition of a table's hour; `bucket` is None where the hour is one partition."""

    hour: datetime
    bucket: int | None = None


@dataclass(frozen=True, slots=True)
class RowCounts:
    """Stored rows, the events that they stand for, and the countable events without a job, which aren't stored."""

    row_count: int = 0
    event_count: int = 0
    unattributed: int = 0

    def __add__(self, other: "RowCounts") -> "RowCounts":
        return RowCounts(
            self.row_count + other.row_count,
            self.event_count + other.event_count,
            self.unattributed + other.unattributed,
        )


@dataclass(frozen=True, slots=True)
class BucketState:
    """The rows of one partition: when they were written (write timestamp), what of, and how many they are."""

    t: int = 0
    version: int = 0
    """Of the input; 0 if nothing is known to have been written."""
    counts: RowCounts = field(default_factory=RowCounts)


EMPTY = BucketState()


def unchanged(
    base: Mapping[datetime, Mapping[Partition, BucketState]],
    partitions: Sequence[Partition],
    versions: Mapping[datetime, Mapping[Partition, int]],
) -> dict[Partition, BucketState]:
    """The partitions whose rows were made of the version that their input has now.

    An hour without versions has none. An hour whose base names partitions that it no longer has was cut by another
    bucket layout: it has none either.
    """
    existing = frozenset(partitions)
    usable = {hour: base[hour] for hour in versions if hour in base and existing.issuperset(base[hour])}
    known = {one: usable[one.hour].get(one, EMPTY) for one in partitions if one.hour in usable}
    return {one: state for one, state in known.items() if state.version == versions[one.hour].get(one, 0)}


def counts_by_hour(counts: Mapping[Partition, RowCounts], hours: Iterable[datetime]) -> dict[datetime, RowCounts]:
    """The sum over the partitions of each hour; zeros for an hour without rows."""
    by_hour = dict.fromkeys(hours, RowCounts())
    for partition, found in counts.items():
        by_hour[partition.hour] += found
    return by_hour

"""What is known of one partition of an hour: what its rows were made of, and whether its input still holds just that.

A change can be announced long after its event is stored, so the change feed can't tell which buckets changed. The raw
events themselves do: a row of raw_events is only replaced by one that was received later (its write timestamp is the
Kafka record's), so a new or replaced event raises the bucket's count or its sum of received_at, and an erasure lowers
them. What this can't see, two differing records of one event from the same millisecond, audit lists as a conflict.

Belongs here: that comparison, and adding portions up. Not here: the order of the steps (`stages`), reading (`stores`).
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple


class Partition(NamedTuple):
    """A partition of a table's hour; `bucket` is None where the hour is one partition."""

    hour: datetime
    bucket: int | None = None


class Fingerprint(NamedTuple):
    """How many events a bucket of raw_events holds, and the sum of their received_at in ms after the hour's start."""

    events: int = 0
    received_ms: int = 0


NOTHING = Fingerprint()


@dataclass(frozen=True, slots=True)
class Tally:
    """How much a stage holds: its rows, and the countable events that these stand for."""

    row_count: int = 0
    event_count: int = 0
    unattributed: int = 0

    def __add__(self, other: "Tally") -> "Tally":
        return Tally(
            self.row_count + other.row_count,
            self.event_count + other.event_count,
            self.unattributed + other.unattributed,
        )


@dataclass(frozen=True, slots=True)
class Portion:
    """The rows of one partition: the number T of the run that wrote them, what of, and how much that gave."""

    t: int = 0
    made_of: Fingerprint = NOTHING
    tally: Tally = field(default_factory=Tally)


EMPTY = Portion()
"""Of a partition in which there was nothing to read."""


def unchanged(
    base: Mapping[datetime, Mapping[Partition, Portion]],
    partitions: Sequence[Partition],
    read_fingerprints: Callable[[Sequence[Partition]], Mapping[Partition, Fingerprint]],
) -> dict[Partition, Portion]:
    """Those of the partitions whose rows were made of what their input holds now; asks only where there is a base.

    An hour whose base names partitions that it no longer has was cut by another bucket layout, and has no base.
    """
    existing = frozenset(partitions)
    usable = {hour: portions for hour, portions in base.items() if existing.issuperset(portions)}
    known = [partition for partition in partitions if partition.hour in usable]
    now = read_fingerprints(known) if known else {}
    was = {partition: usable[partition.hour].get(partition, EMPTY) for partition in known}
    return {partition: portion for partition, portion in was.items() if portion.made_of == now[partition]}


def tally_by_hour(portions: Mapping[Partition, Portion], hours: Iterable[datetime]) -> dict[datetime, Tally]:
    """The tallies of each hour's partitions, added up."""
    tallies = dict.fromkeys(hours, Tally())
    for partition, portion in portions.items():
        tallies[partition.hour] += portion.tally
    return tallies

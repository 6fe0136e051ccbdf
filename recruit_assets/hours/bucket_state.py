"""What is known of one partition of an hour: what its rows were made of, and whether its input still holds just that.

Ingest gives a bucket a new version after events of it are durable and before it announces the change. So the version
that is read before a bucket's rows is of events that these rows hold; and where a later run finds the same version, no
change that was announced until then is missing in them, however late it becomes visible. What doesn't come through
ingest, an erasure by hand for one, raises no version: runs that read everything find it. What a stage made has the
number T of its run for a version.

Belongs here: that comparison, and adding portions up. Not here: the order of the steps (`stages`), reading (`stores`).
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
    version: int = 0
    """Of the input; 0 where nothing is known to have been written."""
    tally: Tally = field(default_factory=Tally)


NOTHING = Portion()


def unchanged(
    base: Mapping[datetime, Mapping[Partition, Portion]],
    partitions: Sequence[Partition],
    versions: Mapping[datetime, Mapping[Partition, int]],
) -> dict[Partition, Portion]:
    """Those of the partitions whose rows were made of the version that their input has now, if that is known.

    An hour whose base names partitions that it no longer has was cut by another bucket layout, and has no base.
    """
    existing = frozenset(partitions)
    usable = {hour: base[hour] for hour in versions if hour in base and existing.issuperset(base[hour])}
    was = {one: usable[one.hour].get(one, NOTHING) for one in partitions if one.hour in usable}
    return {one: portion for one, portion in was.items() if portion.version == versions[one.hour].get(one, 0)}


def tally_by_hour(tallies: Mapping[Partition, Tally], hours: Iterable[datetime]) -> dict[datetime, Tally]:
    """Those of each hour's partitions, added up."""
    by_hour = dict.fromkeys(hours, Tally())
    for partition, tally in tallies.items():
        by_hour[partition.hour] += tally
    return by_hour

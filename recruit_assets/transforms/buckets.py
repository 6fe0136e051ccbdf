"""The partition of raw_events that an event belongs to: its hour, and a bucket within the hour."""

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from uuid import UUID
from zlib import crc32

from recruit_assets.contract.tables import CHANGE_SHARDS

HOUR_MS = 3_600_000


@dataclass(frozen=True, slots=True)
class Layout:
    """How an hour is split: into `slices` by event time, and each slice into `shards` by a hash of create_time."""

    slices: int
    shards: int

    def __post_init__(self) -> None:
        if self.slices < 1 or self.shards < 1:
            raise ValueError(f"a layout has at least one slice and one shard, not {self.slices} x {self.shards}")

    @property
    def buckets(self) -> range:
        """Every bucket number of an hour."""
        return range(self.slices * self.shards)


FIRST_LAYOUT = Layout(24, 2)
"""48 partitions hold 4.8 million events an hour, under 100,000 rows each.

A run that the sensor requests reads the whole current slice: more slices make the report fresher, but each bucket adds
to the cost of every hour.
"""
ONE_BUCKET = Layout(1, 1)
HISTORY_HOURS = 24
ONE_BUCKET_EVENTS = 10_000
"""An hour that seems to have no more may be one bucket: the estimate may be wrong tenfold before that is too large."""
ORDERED_HOURS = 3
"""The first events of a history in order of time must show so many hours: then at least one of them is complete."""


class Layouts:
    """Layouts by the hour (ms since the epoch) from which each is valid; the first also covers all earlier hours."""

    def __init__(self, by_first_hour: Iterable[tuple[int, Layout]]) -> None:
        by_hour = dict(by_first_hour)
        if not by_hour:
            raise ValueError("no bucket layout")
        self._hours = sorted(by_hour)
        self._layouts = [by_hour[hour] for hour in self._hours]

    def at(self, hour_ms: int) -> Layout:
        """The layout of an hour."""
        return self._layouts[max(bisect_right(self._hours, hour_ms) - 1, 0)]


def one_bucket_before(hours: Sequence[int], *, waiting: int, now_ms: int) -> int | None:
    """The hour that ends a sparse history: earlier hours get one bucket each. None if there is no such history.

    `hours` are those of the first events (ms since the epoch), in the order of their records; `waiting` is the number
    of records that wait, with theirs. Every bucket costs a write and reads, so an hour of few events should have few.
    """
    current = event_hour(now_ms)
    past = [hour for hour in hours if hour < current]
    if not past:
        return None
    counts = Counter(past)
    largest = max(counts.values())
    if _is_in_order(past):
        # the waiting records belong to the hours from here to the current one: their average is the estimate
        oldest = sorted(past)[len(past) // 10]  # a few older events don't make the history longer
        length = (current - oldest) // HOUR_MS
        is_sparse = len(counts) >= ORDERED_HOURS and max(largest, waiting / length) <= ONE_BUCKET_EVENTS
    else:
        # the waiting records belong to the same hours
        length = len(counts)
        is_sparse = largest * max(waiting / len(hours), 1) <= ONE_BUCKET_EVENTS
    return current if is_sparse and length >= HISTORY_HOURS else None


def _is_in_order(hours: Sequence[int]) -> bool:
    """Whether most events have the same hour as the event before them."""
    return sum(hour != before for before, hour in pairwise(hours)) < len(hours) / 2


def event_hour(event_time_ms: int) -> int:
    """Start of the event's hour in UTC, ms since the epoch."""
    return event_time_ms - event_time_ms % HOUR_MS


def change_shard(hour_ms: int) -> int:
    """The part of the change feed that announces changes of this hour."""
    return hour_ms // HOUR_MS % CHANGE_SHARDS


def bucket_of(create_time: UUID, event_time_ms: int, layout: Layout) -> int:
    """The bucket: slice x shards + shard. The hash is CRC-32 of the UUID's 16 bytes, the same in every language."""
    return bucket_of_key(create_time.bytes, event_time_ms, layout)


def bucket_of_key(key: bytes, event_time_ms: int, layout: Layout) -> int:
    """`bucket_of` for the 16 bytes of create_time. Ingest has no UUID object, which would cost more than the bucket."""
    slice_ = event_time_ms % HOUR_MS * layout.slices // HOUR_MS
    return slice_ * layout.shards + crc32(key) % layout.shards

"""The partition of raw_events that an event belongs to: its hour, and a bucket within the hour."""

from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID
from zlib import crc32

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


def event_hour(event_time_ms: int) -> int:
    """Start of the event's hour in UTC, ms since the epoch."""
    return event_time_ms - event_time_ms % HOUR_MS


def bucket_of(create_time: UUID, event_time_ms: int, layout: Layout) -> int:
    """The bucket: slice x shards + shard. The hash is CRC-32 of the UUID's 16 bytes, the same in every language."""
    return bucket_of_key(create_time.bytes, event_time_ms, layout)


def bucket_of_key(key: bytes, event_time_ms: int, layout: Layout) -> int:
    """`bucket_of` for the 16 bytes of create_time. Ingest has no UUID object, which would cost more than the bucket."""
    slice_ = event_time_ms % HOUR_MS * layout.slices // HOUR_MS
    return slice_ * layout.shards + crc32(key) % layout.shards

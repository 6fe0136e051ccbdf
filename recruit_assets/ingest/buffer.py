"""Records that were polled and not yet submitted, and how many make a micro-batch."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from recruit_assets.stores.kafka.record import Record
from recruit_assets.stores.kafka.record_batches import HEADER_COST_BYTES

MICRO_BATCH_RECORDS = 16_000
"""While catching up, records spread over many hours and buckets: with 8,000, half as many rows share a batch."""
MICRO_BATCH_BYTES = 16 * 1024 * 1024
SCATTERED_FACTOR = 3
"""How much larger a micro-batch may be while events are scattered, as those of a history in random order."""


@dataclass(slots=True)
class Buffer:
    """The records and their size."""

    records: list[Record] = field(default_factory=list)
    size_bytes: int = 0
    since: float = 0.0

    def add(self, records: Sequence[Record], *, now: float) -> None:
        if not self.records:
            self.since = now
        self.records.extend(records)
        self.size_bytes += sum(
            len(record.value or b"") + len(record.key or b"") + (_size(record.headers) if record.headers else 0)
            for record in records
        )

    def is_full(self, *, factor: int) -> bool:
        return len(self.records) >= factor * MICRO_BATCH_RECORDS or self.size_bytes >= factor * MICRO_BATCH_BYTES


def _size(headers: Iterable[tuple[str, bytes | None]]) -> int:
    return sum(HEADER_COST_BYTES + len(name) + len(found or b"") for name, found in headers)

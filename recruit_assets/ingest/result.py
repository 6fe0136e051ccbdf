"""Counts of an ingest run."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime

from recruit_assets.contract.dead_letters import DeadLetterReason


@dataclass(frozen=True, slots=True)
class IngestResult:
    """What this process made durable; a redelivered record counts again.

    `offsets` are the group's committed offsets at the end, those committed by other members included. `gaps` counts
    records that the topic's retention deleted before ingest read them: they are lost.
    """

    records: int
    events: int
    unattributed: int
    dead_letters: dict[DeadLetterReason, int]
    hours: dict[datetime, int]
    offsets: dict[int, int]
    gaps: int
    seconds: float


@dataclass(slots=True)
class IngestCounts:
    """The counts of an IngestResult while ingest runs; hours in ms since the epoch."""

    records: int = 0
    events: int = 0
    unattributed: int = 0
    gaps: int = 0
    dead_letters: Counter[DeadLetterReason] = field(default_factory=Counter)
    hours: Counter[int] = field(default_factory=Counter)

    def result(self, *, offsets: dict[int, int], seconds: float) -> IngestResult:
        return IngestResult(
            records=self.records,
            events=self.events,
            unattributed=self.unattributed,
            dead_letters=dict(sorted(self.dead_letters.items())),
            hours={datetime.fromtimestamp(hour / 1000, UTC): count for hour, count in sorted(self.hours.items())},
            offsets=dict(sorted(offsets.items())),
            gaps=self.gaps,
            seconds=seconds,
        )


def total(results: Iterable[IngestResult]) -> IngestCounts:
    """The summed counts of several processes."""
    counts = IngestCounts()
    for one in results:
        counts.records += one.records
        counts.events += one.events
        counts.unattributed += one.unattributed
        counts.gaps += one.gaps
        counts.dead_letters.update(one.dead_letters)
        counts.hours.update({round(hour.timestamp() * 1000): count for hour, count in one.hours.items()})
    return counts

"""What an ingest run did, counted as it went."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime

from recruit_assets.contract.dead_letters import DeadLetterReason


@dataclass(frozen=True, slots=True)
class IngestResult:
    """Counts of what this process made durable; a record that was delivered again is counted again.

    `offsets` is what the group had committed at the end, also by others. `gaps` records were dropped by the topic's
    retention before ingest had them: an alert.
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
class Tally:
    """The counts while they grow."""

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
            hours={_time(hour): count for hour, count in sorted(self.hours.items())},
            offsets=dict(sorted(offsets.items())),
            gaps=self.gaps,
            seconds=seconds,
        )


def total(results: Iterable[IngestResult]) -> Tally:
    """Several processes' counts in one."""
    tally = Tally()
    for one in results:
        tally.records += one.records
        tally.events += one.events
        tally.unattributed += one.unattributed
        tally.gaps += one.gaps
        tally.dead_letters.update(one.dead_letters)
        tally.hours.update({round(hour.timestamp() * 1000): count for hour, count in one.hours.items()})
    return tally


def _time(moment_ms: int) -> datetime:
    return datetime.fromtimestamp(moment_ms / 1000, UTC)

"""Sorts the event topic's records into valid events and rejected ones, and reads the dead letter topic.

Uses the pipeline's own `transforms`; the independent check is the simulator's ledger.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from recruit_assets.contract.dead_letters import DeadLetterHeader, DeadLetterReason
from recruit_assets.observability.audit.audit_db import AuditDatabase, Values
from recruit_assets.observability.audit.event_digest import content_of
from recruit_assets.observability.audit.results import EXAMPLES, Progress, Sample
from recruit_assets.runtime.errors import Inconsistent, RejectedEvent
from recruit_assets.stores.kafka.dead_letter_topic import dead_letter_of, origin_in
from recruit_assets.stores.kafka.group_member import Record
from recruit_assets.transforms.buckets import Layouts, bucket_of, event_hour
from recruit_assets.transforms.validate import Event, Limits, read_event

Batches = Iterable[tuple[int, Sequence[Record]]]

EXTERNAL_REASONS = frozenset(
    {
        DeadLetterReason.REJECTED_BY_STORE,
        DeadLetterReason.BEFORE_FIRST_HOUR,
        DeadLetterReason.TOO_LATE,
        DeadLetterReason.TOO_LARGE,
    }
)
"""Reasons that depend on Cassandra, or on a setting that may have changed since. Here the dead letter is trusted."""


@dataclass(slots=True)
class RecordCounts:
    """Counts of the event topic's records."""

    records: int = 0
    rejected: int = 0
    replayed: int = 0
    """Records that `dead-letters replay` sent."""
    first_received_ms: dict[int, int] = field(default_factory=dict)
    """Time of each partition's first record."""
    last_received_ms: int = 0

    @property
    def valid(self) -> int:
        return self.records - self.rejected


class RecordReader:
    """Copies the topic's records into the audit database and counts them."""

    def __init__(self, audit_db: AuditDatabase, *, topic: str, layouts: Layouts, limits: Limits) -> None:
        self._audit_db = audit_db
        self._topic = topic
        self._layouts = layouts
        self._limits = limits
        self.counts = RecordCounts()

    def take(self, batches: Batches, *, total: int, progress: Progress) -> RecordCounts:
        """Take all batches. The dead letters must be in the audit database already."""
        for partition, records in batches:
            if records:
                self._take(partition, records)
                progress("records in Kafka", self.counts.records, total)
        return self.counts

    def _take(self, partition: int, records: Sequence[Record]) -> None:
        known_reasons = self._audit_db.dead_letters_of(partition, records[0].offset, records[-1].offset)
        events: list[Values] = []
        rejected: list[Values] = []
        for record in records:
            try:
                event = read_event(record.value, record.timestamp, limits=self._limits)
            except RejectedEvent as rejection:
                rejected.append((*self._origin(record), rejection.reason.value))
                continue
            if known_reasons.get(record.offset) in EXTERNAL_REASONS:
                rejected.append((partition, record.offset, known_reasons[record.offset]))
            else:
                events.append(self._values(event, record))
        self._audit_db.add_events(events)
        self._audit_db.add_rejected(rejected)
        counts = self.counts
        counts.records += len(records)
        counts.rejected += len(rejected)
        counts.replayed += sum(1 for record in records if record.headers and _is_replay(record))
        counts.first_received_ms.setdefault(partition, records[0].timestamp)
        counts.last_received_ms = max(counts.last_received_ms, records[-1].timestamp)

    def _values(self, event: Event, record: Record) -> Values:
        hour_ms = event_hour(event.event_time_ms)
        return (
            hour_ms,
            bucket_of(event.create_time, event.event_time_ms, self._layouts.at(hour_ms)),
            event.key,
            event.event_time_ms,
            content_of(event.values[1:], event.extra),
            record.timestamp,
            event.action is not None and not event.is_unattributed,
            event.is_unattributed,
            record.partition,
            record.offset,
        )

    def _origin(self, record: Record) -> tuple[int, int]:
        """Partition and offset of the record, or of the one that it replays."""
        if record.headers and _is_replay(record):
            origin = origin_in(dict(record.headers))
            if origin.topic == self._topic:
                return origin.partition, origin.offset
        return record.partition, record.offset


def take_dead_letters(audit_db: AuditDatabase, batches: Batches, *, topic: str, progress: Progress) -> Sample:
    """Copy the topic's dead letters into the audit database; returns a sample of the records that are none."""
    foreign_records, read = Sample(), 0
    for _, records in batches:
        known: list[Values] = []
        for record in records:
            try:
                letter = dead_letter_of(record)
            except Inconsistent as error:
                foreign_records = _one_more(foreign_records, str(error))
                continue
            if letter.origin.topic == topic:
                known.append((letter.origin.partition, letter.origin.offset, letter.reason.value))
            else:
                foreign_records = _one_more(foreign_records, f"unexpected: dead letter of {letter.origin}")
        audit_db.add_dead_letters(known)
        read += len(records)
        progress("dead letters in Kafka", read, 0)
    return foreign_records


def _is_replay(record: Record) -> bool:
    """True if the headers name the record that was rejected before."""
    headers = dict(record.headers)
    try:
        origin_in(headers)
    except (KeyError, ValueError):
        return False  # the sender's own headers
    return DeadLetterHeader.ATTEMPTS in headers


def _one_more(sample: Sample, example: str) -> Sample:
    return Sample(sample.count + 1, (*sample.examples, example)[:EXAMPLES])

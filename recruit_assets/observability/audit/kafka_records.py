"""Sorts the event topic's records into valid events and rejected ones, and reads the dead letter topic.

Uses the pipeline's own `transforms`; the independent check is the simulator's ledger.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from recruit_assets.contract.dead_letters import DeadLetterHeader, DeadLetterReason, Origin
from recruit_assets.observability.audit.audit_db import AuditDatabase, Values
from recruit_assets.observability.audit.event_digest import EventDigest
from recruit_assets.observability.audit.results import EXAMPLES, Progress, Sample
from recruit_assets.runtime.errors import RejectedEvent
from recruit_assets.stores.kafka.dead_letter_topic import ForeignRecord, dead_letter_of
from recruit_assets.stores.kafka.record import Record
from recruit_assets.transforms.buckets import Layouts, bucket_of, event_hour
from recruit_assets.transforms.erasure import ErasedPeople
from recruit_assets.transforms.found_jobs import OWN_JOBS, JobFinder
from recruit_assets.transforms.privacy import KEEP_PEOPLE, Privacy
from recruit_assets.transforms.validate import Event, Limits, read_event

Batches = Iterable[tuple[int, Sequence[Record]]]

EXTERNAL_REASONS = frozenset(
    {
        DeadLetterReason.REJECTED_BY_STORE,
        DeadLetterReason.BEFORE_FIRST_HOUR,
        DeadLetterReason.TOO_LATE,
        DeadLetterReason.TOO_LARGE,
        DeadLetterReason.INTERNAL_ERROR,
    }
)
"""Reasons that depend on Cassandra, on a setting that may have changed since, or on the version of ingest. Here the
dead letter is trusted."""


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

    def __init__(
        self,
        audit_db: AuditDatabase,
        *,
        layouts: Layouts,
        limits: Limits,
        digest: EventDigest,
        erased: ErasedPeople,
        jobs: JobFinder = OWN_JOBS,
        privacy: Privacy = KEEP_PEOPLE,
    ) -> None:
        self._audit_db = audit_db
        self._layouts = layouts
        self._limits = limits
        self._digest = digest
        self._erased = erased
        self._jobs = jobs
        self._privacy = privacy
        self.counts = RecordCounts()

    def take(self, batches: Batches, *, total: int, progress: Progress) -> RecordCounts:
        """Take all batches. The replays and dead letters must be in the audit database already."""
        for partition, records in batches:
            if records:
                self._take(partition, records)
                progress("records in Kafka", self.counts.records, total)
        return self.counts

    def _take(self, partition: int, records: Sequence[Record]) -> None:
        span = (partition, records[0].offset, records[-1].offset)
        known_reasons, replays = self._audit_db.dead_letters_of(*span), self._audit_db.replays_of(*span)
        events: list[Values] = []
        rejected: list[Values] = []
        for record in records:
            place = (record.offset, record.timestamp)
            try:
                event = self._erased.of_event(read_event(record.value, record.timestamp, limits=self._limits))
            except RejectedEvent as rejection:
                rejected.append((partition, *place, rejection.reason.value))
                continue
            except Exception:
                if known_reasons.get(place) != DeadLetterReason.INTERNAL_ERROR:
                    raise
                rejected.append((partition, *place, known_reasons[place]))
                continue
            if known_reasons.get(place) in EXTERNAL_REASONS:
                rejected.append((partition, *place, known_reasons[place]))
            else:
                events.append(self._values(event, record))
        self._audit_db.add_events(events)
        self._audit_db.add_rejected(rejected)
        counts = self.counts
        counts.records += len(records)
        counts.rejected += len(rejected)
        counts.replayed += sum(1 for one in records if (one.offset, one.timestamp) in replays or _is_old_replay(one))
        counts.first_received_ms.setdefault(partition, records[0].timestamp)
        counts.last_received_ms = max(counts.last_received_ms, records[-1].timestamp)

    def _values(self, event: Event, record: Record) -> Values:
        hour_ms = event_hour(event.event_time_ms)
        found_by = None if event.action is None else self._found_by(event)
        return (
            hour_ms,
            bucket_of(event.create_time, event.event_time_ms, self._layouts.at(hour_ms)),
            event.key,
            event.event_time_ms,
            self._digest.of(event.values[1:], event.extra),
            record.timestamp,
            0 if found_by is None else found_by + 1,
            event.action is not None and found_by is None,
            record.partition,
            record.offset,
        )

    def _found_by(self, event: Event) -> int | None:
        """The position of the rule that finds the event's job in what is stored of it."""
        if self._jobs.attribution.is_default:
            return None if event.is_unattributed else 0
        found = self._jobs.of_event(self._privacy.of_event(event))
        return None if found is None else found.rule


def take_dead_letters(audit_db: AuditDatabase, batches: Batches, *, progress: Progress) -> Sample:
    """Copy the topic's dead letters into the audit database; returns a sample of the records that are none."""
    foreign_records, read = Sample(), 0
    for _, records in batches:
        letters = []
        for record in records:
            letter = dead_letter_of(record)
            if isinstance(letter, ForeignRecord):
                foreign_records = _one_more(foreign_records, str(letter))
            else:
                letters.append(letter)
        audit_db.add_dead_letters((*_place(letter.origin), letter.reason.value) for letter in letters)
        audit_db.add_replays(_place(letter.origin) for letter in letters if letter.attempts > 1)
        read += len(records)
        progress("dead letters in Kafka", read, 0)
    return foreign_records


def _place(origin: Origin) -> tuple[int, int, int]:
    return origin.partition, origin.offset, origin.timestamp_ms


def _is_old_replay(record: Record) -> bool:
    """True if the record has the headers that replays had before schema version 2; only the ledger depends on it."""
    return any(name == DeadLetterHeader.ATTEMPTS for name, _ in record.headers)


def _one_more(sample: Sample, example: str) -> Sample:
    return Sample(sample.count + 1, (*sample.examples, example)[:EXAMPLES])

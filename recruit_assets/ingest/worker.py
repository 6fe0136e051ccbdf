"""One consumer process: the loop that turns Kafka records into durable rows or dead letters, and then moves offsets.

Belongs here: the order of steps, how much is read ahead, what a rebalance drops. Not here: how rows are written
(`ingest.writer`), when the loop runs and ends (`ingest.service`).

At most one flight of rows is in the air while the next one is read and checked, so that memory is bounded whatever the
lag. A flight's offsets move after its rows, its change feed entries and its dead letters are acknowledged.
"""

import gc
import logging
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Protocol

from recruit_assets.contract.dead_letters import DeadLetter, DeadLetterReason
from recruit_assets.ingest.dead_letters import refusal
from recruit_assets.ingest.metrics import IngestMetrics
from recruit_assets.ingest.offsets import Commits
from recruit_assets.ingest.result import Tally
from recruit_assets.ingest.steps import OnStep, Step, no_step
from recruit_assets.ingest.writer import EventWriter, Flight, Row
from recruit_assets.runtime.errors import RejectedEvent
from recruit_assets.runtime.settings import Settings
from recruit_assets.stores.cassandra.batch_encoder import Partition, raw_row
from recruit_assets.stores.cassandra.event_writes import EventWrites
from recruit_assets.stores.cassandra.session import open_session
from recruit_assets.stores.kafka.clients import open_admin
from recruit_assets.stores.kafka.dead_letter_topic import open_dead_letter_topic
from recruit_assets.stores.kafka.group_member import GroupMember, Record, RetentionGap
from recruit_assets.stores.kafka.topics import check_topic_times
from recruit_assets.transforms.buckets import Layouts, bucket_of_key, event_hour
from recruit_assets.transforms.validate import Limits, read_event

log = logging.getLogger(__name__)

MAX_POLL_RECORDS = 1_000
FLIGHT_RECORDS = 16_000
"""Twice as many rows share a batch as with 8,000, where a lag spreads records over hours and buckets."""
FLIGHT_BYTES = 16 * 1024 * 1024
LINGER_S = 1.0
"""How long a flight that isn't full waits for more: each flight costs the change feed a row per hour it touches."""
DRAIN_PATIENCE_S = 0.05
"""How long a drain, which doesn't wait for more, waits for the next answer of the broker."""
IDLE_POLL_S = 0.2
GC_THRESHOLDS = (200_000, 20, 50)
"""Above what a flight allocates. With Python's own (700, 10, 10), a third of the time went into looking through records
that are no garbage."""
LAYOUTS_MAX_AGE_S = 60
"""A new layout begins at least two hours after it is stored, and an event is at most five minutes early."""


class Member(Protocol):
    """What the loop needs of `stores.kafka_group.GroupMember`."""

    @property
    def rebalanced(self) -> bool: ...
    def poll(self, timeout_s: float) -> list[Record]: ...
    def assignment(self) -> frozenset[int]: ...
    def positions(self) -> dict[int, int]: ...
    def ends(self) -> dict[int, int]: ...
    def resume(self) -> dict[int, int]: ...
    def take_retention_gaps(self) -> list[RetentionGap]: ...
    def commit(self, offsets: dict[int, int]) -> bool: ...


class DeadLetters(Protocol):
    """What the loop needs of `stores.dead_letter_topic.DeadLetterTopic`."""

    def send(self, letter: DeadLetter) -> None: ...
    def acknowledged(self) -> None: ...


@dataclass(slots=True)
class Load:
    """A flight with what must be known when it lands."""

    records: Sequence[Record]
    positions: Mapping[int, int]
    started_at: float
    flight: Flight = field(default_factory=lambda: Flight([], rows=0))
    letters: list[DeadLetter] = field(default_factory=list)
    unattributed: int = 0


@dataclass(slots=True)
class Intake:
    """Records that were polled and not yet launched."""

    records: list[Record] = field(default_factory=list)
    size_bytes: int = 0
    since: float = 0.0

    def add(self, records: Sequence[Record], *, now: float) -> None:
        if not self.records:
            self.since = now
        self.records.extend(records)
        self.size_bytes += sum(len(record.value or b"") for record in records)

    @property
    def is_full(self) -> bool:
        return len(self.records) >= FLIGHT_RECORDS or self.size_bytes >= FLIGHT_BYTES


class Worker:
    """Call `turn` until done, then `finish`."""

    def __init__(
        self,
        member: Member,
        writer: EventWriter,
        dead_letters: DeadLetters,
        *,
        limits: Limits,
        layouts: Callable[[], Layouts],
        metrics: IngestMetrics,
        drains: bool = False,
        on_step: OnStep = no_step,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._member = member
        self._writer = writer
        self._dead_letters = dead_letters
        self._limits = limits
        self._read_layouts = layouts
        self._layouts = layouts()
        self._layouts_read_at = clock()
        self._metrics = metrics
        self._drains = drains
        self._on_step = on_step
        self._clock = clock
        self._intake = Intake()
        self._load: Load | None = None
        self.commits = Commits(member, clock=clock)
        self.tally = Tally()

    @property
    def is_idle(self) -> bool:
        """Nothing is read ahead and nothing is in the air."""
        return self._load is None and not self._intake.records

    def turn(self) -> None:
        """Read once; launch what is due, land what was launched before."""
        polled = self._member.poll(self._patience_s())
        if self._member.rebalanced:
            self._start_over()
            return
        if polled:
            self._intake.add(polled, now=self._clock())
        if self._is_due(more_is_there=bool(polled)):
            load = self._launch()
            self._land()
            self._load = load
        elif not polled:
            self._land()
            if self.is_idle:
                self._commit(self._member.positions())

    def finish(self) -> None:
        """Land what is in the air; what was only read ahead will be delivered again."""
        self._intake = Intake()
        self._land()

    def _patience_s(self) -> float:
        if self._load is not None:
            return 0
        if self._drains:
            return DRAIN_PATIENCE_S
        if self._intake.records:
            return max(self._intake.since + LINGER_S - self._clock(), 0)
        return IDLE_POLL_S

    def _is_due(self, *, more_is_there: bool) -> bool:
        if not self._intake.records:
            return False
        if self._drains and not more_is_there and self._load is None:
            return True
        return self._intake.is_full or self._clock() - self._intake.since >= LINGER_S

    def _start_over(self) -> None:
        """Drop what isn't committed and read it again: partitions may be another's by now, or their positions wrong."""
        if self._load is not None:
            self._writer.settle(self._load.flight)
            self._dead_letters.acknowledged()
        self._load, self._intake = None, Intake()
        self.commits.restart(self._member.resume())
        self._metrics.rebalances.inc()
        self._alert_gaps()

    def _alert_gaps(self) -> None:
        for gaps in self._member.take_retention_gaps():
            log.error(
                "records lost: partition %s begins at offset %s, expected %s; retention was shorter than the lag",
                gaps.partition,
                gaps.first_kept,
                gaps.expected,
            )
            self.tally.gaps += gaps.records
            self._metrics.gaps.inc(gaps.records)

    def _launch(self) -> Load:
        records, self._intake = self._intake.records, Intake()
        self._alert_gaps()
        started_at = self._clock()
        load = Load(records, _last_done(records), started_at)
        load.flight = self._writer.launch(self._rows(records, load))
        # after the events: a dead letter topic that doesn't answer stops the offsets and not the data
        for letter in load.letters:
            self._dead_letters.send(letter)
        return load

    def _rows(self, records: Sequence[Record], load: Load) -> list[tuple[Partition, Row]]:
        """The records' rows; what isn't an event goes to the dead letters."""
        layouts = self._current_layouts()
        limits = self._limits
        rows: list[tuple[Partition, Row]] = []
        for source, record in enumerate(records):
            try:
                event = read_event(record.value, record.timestamp, limits=limits)
            except RejectedEvent as refused:
                load.letters.append(refusal(record, refused))
                continue
            load.unattributed += event.is_unattributed
            hour = event_hour(event.event_time_ms)
            partition = hour, bucket_of_key(event.key, event.event_time_ms, layouts.of(hour))
            rows.append((partition, Row(source, raw_row(event, partition, received_at_ms=record.timestamp))))
        return rows

    def _land(self) -> None:
        """Wait until the launched flight is durable in every respect, then commit its offsets."""
        load, self._load = self._load, None
        if load is None:
            return
        written = self._writer.land(load.flight)
        for row in written.refused:
            why = RejectedEvent(DeadLetterReason.REJECTED_BY_STORE, str(row.why))
            load.letters.append(refusal(load.records[row.source], why))
            self._dead_letters.send(load.letters[-1])
        self._dead_letters.acknowledged()
        self._count(load, written.hours)
        if self._commit(load.positions):
            self._on_step(Step.COMMITTED)
        self._metrics.batch_seconds.observe(self._clock() - load.started_at)

    def _commit(self, positions: Mapping[int, int]) -> bool:
        """Not in a rebalance: the partitions may be another's. The next turn starts over then."""
        if self._member.rebalanced or not self.commits.done(positions):
            return False
        self._metrics.last_commit.set_to_current_time()
        for partition, end in self._member.ends().items():
            behind = end - self.commits.committed.get(partition, 0)
            self._metrics.lag.labels(partition).set(max(behind, 0))
        return True

    def _count(self, load: Load, hours: Mapping[int, int]) -> None:
        events = sum(hours.values())
        refused = Counter(letter.reason for letter in load.letters)
        self.tally.records += len(load.records)
        self.tally.events += events
        self.tally.unattributed += load.unattributed
        self.tally.dead_letters.update(refused)
        self.tally.hours.update(hours)
        self._metrics.records.inc(len(load.records))
        self._metrics.events.inc(events)
        for reason, count in refused.items():
            self._metrics.dead_letters.labels(reason.value).inc(count)
        why = ", ".join(f"{count} {reason}" for reason, count in sorted(refused.items())) or "none"
        log.info("%s records: %s events in %s hours; dead letters: %s", len(load.records), events, len(hours), why)

    def _current_layouts(self) -> Layouts:
        if self._clock() - self._layouts_read_at > LAYOUTS_MAX_AGE_S:
            self._layouts = self._read_layouts()
            self._layouts_read_at = self._clock()
        return self._layouts


@contextmanager
def open_worker(
    settings: Settings,
    *,
    metrics: IngestMetrics,
    drains: bool = False,
    writes: EventWrites | None = None,
    on_step: OnStep = no_step,
) -> Iterator[Worker]:
    """A worker that is a member of the ingest group; leaving closes everything and commits nothing.

    Without `writes`, it opens a Cassandra session of its own.
    """
    with ExitStack() as stack:
        stack.enter_context(_rare_collections())
        with open_admin(settings) as admin:
            check_topic_times(admin, settings)
        writes = writes or EventWrites(stack.enter_context(open_session(settings)))
        dead_letters = stack.enter_context(open_dead_letter_topic(settings))
        member = GroupMember(settings, max_poll_records=MAX_POLL_RECORDS)
        stack.callback(member.close)
        yield Worker(
            member,
            EventWriter(writes, on_step=on_step),
            dead_letters,
            limits=Limits(settings.max_event_bytes, round(settings.first_hour.timestamp() * 1000)),
            layouts=writes.layouts,
            metrics=metrics,
            drains=drains,
            on_step=on_step,
        )


@contextmanager
def _rare_collections() -> Iterator[None]:
    """Collect garbage less often; what holds no cycle is freed at once anyway."""
    before = gc.get_threshold()
    gc.set_threshold(*GC_THRESHOLDS)
    try:
        yield
    finally:
        gc.set_threshold(*before)


def _last_done(records: Sequence[Record]) -> dict[int, int]:
    """Per partition, the offset after the last of these records."""
    return {record.partition: record.offset + 1 for record in records}

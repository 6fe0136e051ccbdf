"""One consumer process: turns Kafka records into durable rows or dead letters, then commits their offsets.

While one micro-batch is in flight, the next one is read and checked, so memory is bounded whatever the lag. Offsets are
committed after the micro-batch's rows, change feed entries and dead letters are acknowledged.
"""

import gc
import logging
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from typing import Protocol

from recruit_assets.contract.dead_letters import DeadLetter, DeadLetterReason
from recruit_assets.ingest.buffer import SCATTERED_FACTOR, Buffer
from recruit_assets.ingest.conversion import Converter
from recruit_assets.ingest.metrics import IngestMetrics
from recruit_assets.ingest.offsets import Commits
from recruit_assets.ingest.result import IngestCounts
from recruit_assets.ingest.writer import EventWriter, MicroBatch, Writes
from recruit_assets.runtime.errors import RejectedEvent
from recruit_assets.runtime.settings import Settings
from recruit_assets.runtime.times import to_ms
from recruit_assets.stores.cassandra.event_writes import EventWrites
from recruit_assets.stores.cassandra.session import open_session
from recruit_assets.stores.kafka.dead_letter_topic import open_dead_letter_topic
from recruit_assets.stores.kafka.group_member import GroupMember
from recruit_assets.stores.kafka.record import Record
from recruit_assets.stores.kafka.starting_point import RetentionGap, Rewind
from recruit_assets.transforms.found_jobs import OWN_JOBS, JobFinder
from recruit_assets.transforms.privacy import KEEP_PEOPLE, Privacy, privacy_of
from recruit_assets.transforms.validate import Limits

log = logging.getLogger(__name__)

MAX_POLL_RECORDS = 1_000
SCATTERED_EVENTS_PER_HOUR = 50
"""Fewer events per touched hour are scattered: the hour's version and change cost as much as they do."""
SCATTERED_LINGER_S = 10.0
"""How long the buffer then waits for records that the topic already has."""
LINGER_S = 1.0
"""How long a partly filled buffer waits for more. Each micro-batch adds a change feed row per hour it touches."""
DRAIN_POLL_S = 0.05
IDLE_POLL_S = 0.2
GC_THRESHOLDS = (200_000, 20, 50)
"""Above what a micro-batch allocates. Python's default (700, 10, 10) spent a third of the time on collections that
freed nothing."""


class Member(Protocol):
    """What the loop needs of `stores.kafka.group_member.GroupMember`."""

    @property
    def rebalanced(self) -> bool: ...
    def poll(self, timeout_s: float) -> list[Record]: ...
    def positions(self) -> dict[int, int]: ...
    def ends(self) -> dict[int, int]: ...
    def backlog(self) -> int: ...
    def resume(self) -> dict[int, int]: ...
    def take_retention_gaps(self) -> list[RetentionGap]: ...
    def take_rewinds(self) -> list[Rewind]: ...
    def commit(self, offsets: dict[int, int]) -> bool: ...


class DeadLetters(Protocol):
    """What the loop needs of `stores.kafka.dead_letter_topic.DeadLetterTopic`."""

    def send(self, letter: DeadLetter) -> None: ...
    def acknowledged(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Connections:
    """The stores that a worker reads from and writes to."""

    member: Member
    writes: Writes
    dead_letters: DeadLetters


Connect = Callable[[Settings], AbstractContextManager[Connections]]


@dataclass(slots=True)
class PendingCommit:
    """A micro-batch in flight, and the offsets to commit when it is durable."""

    records: Sequence[Record]
    offsets: Mapping[int, int]
    started_at: float
    micro_batch: MicroBatch
    letters: list[DeadLetter]
    unattributed: int


class Worker:
    """Call `run_once` until done, then `finish`. A worker that `drains` doesn't wait for a fuller micro-batch."""

    def __init__(
        self,
        connections: Connections,
        *,
        limits: Limits,
        metrics: IngestMetrics,
        privacy: Privacy = KEEP_PEOPLE,
        jobs: JobFinder = OWN_JOBS,
        drains: bool = False,
        clock: Callable[[], float] = time.monotonic,
        writer: EventWriter | None = None,
    ) -> None:
        self._member = connections.member
        self._writer = writer or EventWriter(connections.writes)
        self._dead_letters = connections.dead_letters
        self._converter = Converter(
            connections.writes, limits=limits, backlog=self._member.backlog, privacy=privacy, jobs=jobs, clock=clock
        )
        self._metrics = metrics
        self._drains = drains
        self._clock = clock
        self._buffer = Buffer()
        self._pending: PendingCommit | None = None
        self._are_scattered = False
        self.commits = Commits(self._member, clock=clock)
        self.counts = IngestCounts()

    @property
    def is_idle(self) -> bool:
        """True if nothing is buffered and nothing is in flight."""
        return self._pending is None and not self._buffer.records

    def run_once(self) -> None:
        """Poll once; submit the buffer if it is due, and commit the micro-batch that was submitted before."""
        polled = self._member.poll(self._poll_timeout_s())
        if self._member.rebalanced:
            self._reset_after_rebalance()
            return
        if polled:
            self._buffer.add(polled, now=self._clock())
        if self._is_due(more_may_follow=bool(polled)):
            submitted = self._submit()
            self._finish_pending()
            self._pending = submitted
        elif not polled:
            self._finish_pending()
            if self.is_idle:
                self._commit(self._member.positions())

    def finish(self) -> None:
        """Finish the micro-batch in flight. Buffered records are dropped; Kafka will deliver them again."""
        self._buffer = Buffer()
        self._finish_pending()

    def _poll_timeout_s(self) -> float:
        if self._pending is not None:
            return 0
        if self._drains:
            return DRAIN_POLL_S
        if self._buffer.records:
            return max(self._buffer.since + LINGER_S - self._clock(), 0)
        return IDLE_POLL_S

    def _is_due(self, *, more_may_follow: bool) -> bool:
        if not self._buffer.records:
            return False
        if self._buffer.is_full(factor=SCATTERED_FACTOR if self._are_scattered else 1):
            return True
        age_s = self._clock() - self._buffer.since
        if self._are_scattered and age_s < SCATTERED_LINGER_S and self._more_waits():
            return False
        if self._drains and not more_may_follow and self._pending is None:
            return True
        return age_s >= LINGER_S

    def _more_waits(self) -> bool:
        """Whether the topic has records that weren't polled, as of the last fetch."""
        positions = self._member.positions()
        return any(end > positions.get(partition, 0) for partition, end in self._member.ends().items())

    def _reset_after_rebalance(self) -> None:
        """Drop what isn't committed and read again from there: another member may own the partitions by now."""
        if self._pending is not None:
            self._writer.wait_answered(self._pending.micro_batch)
            self._dead_letters.acknowledged()
        self._pending, self._buffer = None, Buffer()
        self.commits.reset(self._member.resume())
        self._metrics.rebalances.inc()
        self._report_retention_gaps()
        self._report_rewinds()

    def _report_retention_gaps(self) -> None:
        for gap in self._member.take_retention_gaps():
            log.error(
                "records lost: partition %s begins at offset %s, expected %s; retention was shorter than the lag",
                gap.partition,
                gap.first_kept,
                gap.expected,
            )
            self.counts.gaps += gap.records
            self._metrics.gaps.inc(gap.records)

    def _report_rewinds(self) -> None:
        for rewind in self._member.take_rewinds():
            log.error("records lost or replaced in Kafka: %s", rewind)
            self._metrics.rewinds.inc()

    def _submit(self) -> PendingCommit:
        records, self._buffer = self._buffer.records, Buffer()
        self._report_retention_gaps()
        started_at = self._clock()
        converted = self._converter.convert(records)
        hours = {row.raw.partition[0] for row in converted.rows}
        self._are_scattered = len(converted.rows) < SCATTERED_EVENTS_PER_HOUR * len(hours)
        micro_batch = self._writer.submit(converted.rows)
        # after the events: a dead letter topic that is down holds up offsets, not data
        for letter in converted.letters:
            self._dead_letters.send(letter)
        return PendingCommit(
            records, _offsets_after(records), started_at, micro_batch, converted.letters, converted.unattributed
        )

    def _finish_pending(self) -> None:
        """Wait until the micro-batch's rows, changes and dead letters are durable, then commit its offsets."""
        pending, self._pending = self._pending, None
        if pending is None:
            return
        written = self._writer.wait_durable(pending.micro_batch)
        for row in written.rejected:
            why = RejectedEvent(DeadLetterReason.REJECTED_BY_STORE, str(row.why))
            pending.letters.append(self._converter.letter(pending.records[row.source], why))
            self._dead_letters.send(pending.letters[-1])
        self._dead_letters.acknowledged()
        self._count(pending, written.hours)
        self._commit(pending.offsets)
        self._metrics.batch_seconds.observe(self._clock() - pending.started_at)

    def _commit(self, offsets: Mapping[int, int]) -> None:
        """Not after a rebalance: another member may own the partitions. The next `run_once` resets then."""
        if self._member.rebalanced or not self.commits.commit(offsets):
            return
        self._metrics.last_commit.set_to_current_time()
        for partition, end in self._member.ends().items():
            behind = end - self.commits.committed.get(partition, 0)
            self._metrics.lag.labels(partition).set(max(behind, 0))

    def _count(self, pending: PendingCommit, hours: Mapping[int, int]) -> None:
        events = sum(hours.values())
        rejected = Counter(letter.reason for letter in pending.letters)
        self.counts.records += len(pending.records)
        self.counts.events += events
        self.counts.unattributed += pending.unattributed
        self.counts.dead_letters.update(rejected)
        self.counts.hours.update(hours)
        self._metrics.records.inc(len(pending.records))
        self._metrics.events.inc(events)
        for reason, count in rejected.items():
            self._metrics.dead_letters.labels(reason.value).inc(count)
        by_reason = ", ".join(f"{count} {reason}" for reason, count in sorted(rejected.items())) or "none"
        log.info(
            "%s records: %s events in %s hours; dead letters: %s", len(pending.records), events, len(hours), by_reason
        )


@contextmanager
def connect(settings: Settings) -> Iterator[Connections]:
    """A member of the ingest group and its stores; leaving closes them and commits nothing."""
    with ExitStack() as stack:
        writes = EventWrites(stack.enter_context(open_session(settings)))
        dead_letters = stack.enter_context(open_dead_letter_topic(settings))
        member = GroupMember(settings, max_poll_records=MAX_POLL_RECORDS, keyspace_id=writes.keyspace_id())
        stack.callback(member.close)
        yield Connections(member, writes, dead_letters)


@contextmanager
def open_worker(
    settings: Settings, *, metrics: IngestMetrics, drains: bool = False, connect: Connect = connect
) -> Iterator[Worker]:
    """A connected worker."""
    limits = Limits(settings.max_event_bytes, to_ms(settings.first_hour))
    with _rare_collections(), connect(settings) as connections:
        privacy, jobs = privacy_of(settings), JobFinder(settings.job_rules)
        yield Worker(connections, limits=limits, metrics=metrics, privacy=privacy, jobs=jobs, drains=drains)


@contextmanager
def _rare_collections() -> Iterator[None]:
    """Run the cyclic garbage collector less often; objects without cycles are freed at once anyway."""
    before = gc.get_threshold()
    gc.set_threshold(*GC_THRESHOLDS)
    try:
        yield
    finally:
        gc.set_threshold(*before)


def _offsets_after(records: Sequence[Record]) -> dict[int, int]:
    """Per partition, the offset after the last of these records."""
    return {record.partition: record.offset + 1 for record in records}

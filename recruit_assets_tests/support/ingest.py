"""Fakes for ingest (records, group member, Cassandra, dead letter topic) and faults injected between its steps."""

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from enum import StrEnum
from threading import Event

from recruit_assets.contract.dead_letters import DeadLetter
from recruit_assets.contract.privacy import Erasure, PrivacyInForce
from recruit_assets.contract.retention import KEEP_ALL, Retention
from recruit_assets.ingest.worker import Connect, Connections, Member, connect
from recruit_assets.ingest.writer import Writes
from recruit_assets.runtime.settings import Settings
from recruit_assets.stores.cassandra.batch_encoder import RawRow
from recruit_assets.stores.cassandra.event_writes import Change, Done
from recruit_assets.stores.kafka.record import Record
from recruit_assets.stores.kafka.starting_point import RetentionGap, Rewind
from recruit_assets.transforms.buckets import FIRST_LAYOUT, ONE_BUCKET, Layout, Layouts

RECEIVED_AT_MS = 1_767_600_000_000  # 2026-01-05 08:00


@dataclass(frozen=True, slots=True)
class ARecord:
    """A Kafka record with defaults for every field."""

    value: bytes | None
    offset: int = 0
    partition: int = 0
    timestamp: int = RECEIVED_AT_MS
    key: bytes | None = None
    headers: list[tuple[str, bytes | None]] = field(default_factory=list)
    topic: str = "raw_events"


Answer = Callable[[Sequence[RawRow]], Exception | None]


class WritesInMemory:
    """Keeps everything it is sent and answers at once with what `answer` returns; `calls` has the order."""

    def __init__(self, answer: Answer = lambda _rows: None) -> None:
        self.answer = answer
        self.sent: list[list[RawRow]] = []
        self.versions: list[tuple[int, set[int], int]] = []
        """Hour, buckets, number of the micro-batch."""
        self.changes: list[Change] = []
        self.change_requests: list[list[Change]] = []
        self.change_failures: deque[Exception] = deque()
        self.calls: list[str] = []
        self.kept = KEEP_ALL
        self.in_force = PrivacyInForce()
        self.erased: list[Erasure] = []
        self.stored_layouts: Layouts | None = Layouts([(0, Layout(12, 4))])
        self.decisions: list[int | None] = []

    def send(self, rows: Sequence[RawRow], *, done: Done) -> None:
        self.calls.append("rows")
        self.sent.append(list(rows))
        done(self.answer(rows))

    def send_versions(self, changes: Sequence[Change], *, micro_batch: int, done: Done) -> None:
        self.calls.append("versions")
        self.versions += [(change.hour_ms, change.buckets, micro_batch) for change in changes]
        done(None)

    def send_changes(self, changes: Sequence[Change], *, done: Done) -> None:
        if self.change_failures:
            done(self.change_failures.popleft())
            return
        self.calls.append("changes")
        self.change_requests.append(list(changes))
        self.changes += changes
        done(None)

    def require_table(self) -> None:
        """The table exists."""

    def privacy(self) -> PrivacyInForce:
        return self.in_force

    def erasures(self, *, after_ms: int = 0) -> Sequence[Erasure]:
        return [one for one in self.erased if one.through_ms > after_ms]

    def layouts(self) -> Layouts | None:
        return self.stored_layouts

    def store_first_layout(self, *, one_bucket_before_ms: int | None) -> None:
        self.calls.append("layout")
        self.decisions.append(one_bucket_before_ms)
        small = [] if one_bucket_before_ms is None else [(0, ONE_BUCKET)]
        self.stored_layouts = self.stored_layouts or Layouts([*small, (one_bucket_before_ms or 0, FIRST_LAYOUT)])

    def retention(self) -> Retention:
        return self.kept


class ScriptedMember:
    """Returns one of the given lists of records per poll, then none; keeps what is committed."""

    def __init__(self, *polls: list[ARecord], committed: dict[int, int] | None = None) -> None:
        self._polls = deque(polls)
        self._committed = committed or {}
        self._positions: dict[int, int] = {}
        self.rebalanced = False
        self.commits: list[dict[int, int]] = []
        self.accepts_commits = True
        self.gaps: list[RetentionGap] = []
        self.rewinds: list[Rewind] = []
        self.resumed = 0
        self.waiting = 0
        self.end = 0

    def poll(self, timeout_s: float) -> list[Record]:
        records = list(self._polls.popleft()) if self._polls else []
        for record in records:
            self._positions[record.partition] = record.offset + 1
        return list(records)

    def positions(self) -> dict[int, int]:
        return self._positions

    def ends(self) -> dict[int, int]:
        return dict.fromkeys(self._positions, self.end)

    def backlog(self) -> int:
        return self.waiting

    def resume(self) -> dict[int, int]:
        self.rebalanced = False
        self.resumed += 1
        return self._committed

    def take_retention_gaps(self) -> list[RetentionGap]:
        gaps, self.gaps = self.gaps, []
        return gaps

    def take_rewinds(self) -> list[Rewind]:
        rewinds, self.rewinds = self.rewinds, []
        return rewinds

    def commit(self, offsets: dict[int, int]) -> bool:
        if self.accepts_commits:
            self.commits.append(offsets)
        return self.accepts_commits


class DeadLettersInMemory:
    """Keeps dead letters; `acknowledged` raises `failure`, if set."""

    def __init__(self) -> None:
        self.letters: list[DeadLetter] = []
        self.failure: Exception | None = None

    def send(self, letter: DeadLetter) -> None:
        self.letters.append(letter)

    def acknowledged(self) -> None:
        if self.failure is not None:
            raise self.failure


class Step(StrEnum):
    """Points of a micro-batch at which a crash must lose nothing."""

    BEFORE_WRITE = "before_write"
    MID_WRITE = "mid_write"
    EVENTS_WRITTEN = "events_written"
    VERSIONS_WRITTEN = "versions_written"
    CHANGE_WRITTEN = "change_written"
    COMMITTED = "committed"


AtStep = Callable[[Step], None]


def connect_with(at_step: AtStep) -> Connect:
    """The real connections, with `at_step` called the first time that ingest reaches each step."""
    reached: set[Step] = set()

    def at_first(step: Step) -> None:
        if step not in reached:
            reached.add(step)
            at_step(step)

    @contextmanager
    def connected(settings: Settings) -> Iterator[Connections]:
        with connect(settings) as real:
            yield replace(
                real, member=_SteppedMember(real.member, at_first), writes=_SteppedWrites(real.writes, at_first)
            )

    return connected


class _SteppedWrites:
    """Passes everything on. The second batch waits until the first is durable, so MID_WRITE is a partial write."""

    def __init__(self, writes: Writes, at_step: AtStep) -> None:
        self._writes, self._at_step = writes, at_step
        self._sent = 0
        self._first_answered = Event()

    def send(self, rows: Sequence[RawRow], *, done: Done) -> None:
        def first_done(error: Exception | None) -> None:
            self._first_answered.set()
            done(error)

        self._at_step(Step.BEFORE_WRITE)
        self._sent += 1
        if self._sent > 1:
            assert self._first_answered.wait(30), "Cassandra didn't answer the first batch"
            self._at_step(Step.MID_WRITE)
        self._writes.send(rows, done=done if self._sent > 1 else first_done)

    def send_versions(self, changes: Sequence[Change], *, micro_batch: int, done: Done) -> None:
        self._at_step(Step.EVENTS_WRITTEN)
        self._writes.send_versions(changes, micro_batch=micro_batch, done=done)

    def send_changes(self, changes: Sequence[Change], *, done: Done) -> None:
        self._at_step(Step.VERSIONS_WRITTEN)
        self._writes.send_changes(changes, done=done)

    def require_table(self) -> None:
        self._writes.require_table()

    def layouts(self) -> Layouts | None:
        return self._writes.layouts()

    def store_first_layout(self, *, one_bucket_before_ms: int | None) -> None:
        self._writes.store_first_layout(one_bucket_before_ms=one_bucket_before_ms)

    def retention(self) -> Retention:
        return self._writes.retention()

    def privacy(self) -> PrivacyInForce:
        return self._writes.privacy()

    def erasures(self, *, after_ms: int = 0) -> Sequence[Erasure]:
        return self._writes.erasures(after_ms=after_ms)


class _SteppedMember:
    """Passes everything on; the change rows are durable when a commit begins."""

    def __init__(self, member: Member, at_step: AtStep) -> None:
        self._member, self._at_step = member, at_step

    @property
    def rebalanced(self) -> bool:
        return self._member.rebalanced

    def poll(self, timeout_s: float) -> list[Record]:
        return self._member.poll(timeout_s)

    def positions(self) -> dict[int, int]:
        return self._member.positions()

    def ends(self) -> dict[int, int]:
        return self._member.ends()

    def backlog(self) -> int:
        return self._member.backlog()

    def resume(self) -> dict[int, int]:
        return self._member.resume()

    def take_retention_gaps(self) -> list[RetentionGap]:
        return self._member.take_retention_gaps()

    def take_rewinds(self) -> list[Rewind]:
        return self._member.take_rewinds()

    def commit(self, offsets: dict[int, int]) -> bool:
        self._at_step(Step.CHANGE_WRITTEN)
        committed = self._member.commit(offsets)
        if committed:
            self._at_step(Step.COMMITTED)
        return committed

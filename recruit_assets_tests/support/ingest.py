"""Ingest without engines: records, a group member that plays a script, Cassandra and a dead letter topic in memory."""

from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from recruit_assets.contract.dead_letters import DeadLetter
from recruit_assets.stores.cassandra.batch_encoder import Partition, RawRow
from recruit_assets.stores.cassandra.event_writes import Done
from recruit_assets.stores.kafka.group_member import Record, RetentionGap

RECEIVED_AT_MS = 1_767_600_000_000  # 2026-01-05 08:00


@dataclass(frozen=True, slots=True)
class ARecord:
    """A Kafka record; what a test isn't about is filled in."""

    value: bytes | None
    offset: int = 0
    partition: int = 0
    timestamp: int = RECEIVED_AT_MS
    key: bytes | None = None
    headers: list[tuple[str, bytes]] = field(default_factory=list)
    topic: str = "raw_events"


Answer = Callable[[Partition, list[RawRow]], Exception | None]


class WritesInMemory:
    """Keeps what it is sent, in order, and answers at once as `answer` says."""

    def __init__(self, answer: Answer = lambda _partition, _rows: None) -> None:
        self.answer = answer
        self.sent: list[tuple[Partition, list[RawRow]]] = []
        self.versions: list[tuple[int, set[int], int]] = []
        self.changes: list[tuple[int, set[int], int]] = []
        self.change_failures: deque[Exception] = deque()
        self.table_checks = 0

    def send(self, partition: Partition, rows: Iterable[RawRow], *, done: Done) -> None:
        rows = list(rows)
        self.sent.append((partition, rows))
        done(self.answer(partition, rows))

    def send_version(self, hour_ms: int, buckets: set[int], *, flight: int, done: Done) -> None:
        self.versions.append((hour_ms, buckets, flight))
        done(None)

    def send_change(self, hour_ms: int, buckets: set[int], *, row_count: int, done: Done) -> None:
        if self.change_failures:
            done(self.change_failures.popleft())
            return
        self.changes.append((hour_ms, buckets, row_count))
        done(None)

    def require_table(self) -> None:
        self.table_checks += 1


class ScriptedMember:
    """Gives one list of records per poll, then none; notes what is committed."""

    def __init__(self, *polls: list[ARecord], committed: dict[int, int] | None = None) -> None:
        self._polls = deque(polls)
        self._committed = committed or {}
        self._positions: dict[int, int] = {}
        self.rebalanced = False
        self.commits: list[dict[int, int]] = []
        self.commits_taken = True
        self.gaps: list[RetentionGap] = []
        self.resumed = 0

    def assignment(self) -> frozenset[int]:
        return frozenset({0})

    def poll(self, timeout_s: float) -> list[Record]:
        records = list(self._polls.popleft()) if self._polls else []
        for record in records:
            self._positions[record.partition] = record.offset + 1
        return list(records)

    def then(self, *polls: list[ARecord]) -> None:
        self._polls.extend(polls)

    def positions(self) -> dict[int, int]:
        return self._positions

    def ends(self) -> dict[int, int]:
        return {}

    def resume(self) -> dict[int, int]:
        self.rebalanced = False
        self.resumed += 1
        return self._committed

    def take_retention_gaps(self) -> list[RetentionGap]:
        gaps, self.gaps = self.gaps, []
        return gaps

    def commit(self, offsets: dict[int, int]) -> bool:
        if self.commits_taken:
            self.commits.append(offsets)
        return self.commits_taken


class DeadLettersInMemory:
    """Keeps dead letters; `failure` is what an acknowledgement raises."""

    def __init__(self) -> None:
        self.letters: list[DeadLetter] = []
        self.failure: Exception | None = None

    def send(self, letter: DeadLetter) -> None:
        self.letters.append(letter)

    def acknowledged(self) -> None:
        if self.failure is not None:
            raise self.failure

"""Kafka, Cassandra and the report database in memory, for processes that die between any two of their calls.

Tables keep the newest write of each row, as in Cassandra. The report refuses older runs, as in MySQL.
"""

from __future__ import annotations

import struct
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

from greenlet import getcurrent, greenlet

from recruit_assets.contract.dead_letters import DeadLetter
from recruit_assets.contract.privacy import Erasure, PrivacyInForce
from recruit_assets.contract.retention import KEEP_ALL, Retention
from recruit_assets.contract.tables import RAW_EVENTS
from recruit_assets.contract.types import HourTable, Type
from recruit_assets.hours.bucket_state import Partition, RowCounts
from recruit_assets.hours.planning import SKEW, FailedRun, PendingHour, after_runs, is_ahead, is_covered, uncovered
from recruit_assets.hours.ports import ChangePage, Coverage, RowsByHour, SqlRow, StoredHour
from recruit_assets.runtime.errors import StoreUnavailable
from recruit_assets.runtime.times import from_ms, to_ms
from recruit_assets.stores.cassandra.batch_encoder import RawRow
from recruit_assets.stores.cassandra.event_writes import Change, Done
from recruit_assets.stores.kafka.record import Record
from recruit_assets.stores.kafka.starting_point import RetentionGap, Rewind
from recruit_assets.transforms.buckets import Layout, Layouts
from recruit_assets_tests.support.ingest import ARecord

START = datetime(2026, 1, 5, 12, tzinfo=UTC)
PARTITIONS = 2
LAYOUT = Layout(2, 2)
PAGE_ROWS = 3

Row = dict[str, Any]
Rows = Callable[[Sequence[Partition] | None], list[Row]]
"""A lazy query, like a DataFrame: the rows of these partitions, or of all that it was made for."""


class Crash(BaseException):
    """The process is killed."""


@dataclass
class Fuse:
    """Ends the process at the n-th call of a store from now; never if that isn't set."""

    calls_left: int | None = None
    stops: dict[greenlet, int] = field(default_factory=dict)
    """Processes that stop once instead, at the n-th of their calls."""

    def burn(self) -> None:
        process = getcurrent()
        if process in self.stops:
            self.stops[process] -= 1
            if self.stops[process] < 0:
                del self.stops[process]
                process.parent.switch()  # type: ignore[union-attr]  # only the main one has no parent
        elif self.calls_left is not None:
            self.calls_left -= 1
            if self.calls_left < 0:
                self.calls_left = None
                raise Crash


@dataclass
class Clock:
    """The true time, and Cassandra's, whose coordinators differ by less than the skew allowance."""

    now_ms: int = to_ms(START)
    cassandra_off_ms: int = 0
    readings: int = 0

    def cassandra_ms(self) -> int:
        self.now_ms += 1
        self.readings += 1
        return self.now_ms + self.cassandra_off_ms + (-2000, 0, 2000)[self.readings * 7 % 11 % 3]


@dataclass
class Topic:
    """The event topic, the offsets that the group committed, and the dead letter topic."""

    records: list[list[ARecord]] = field(default_factory=lambda: [[] for _ in range(PARTITIONS)])
    committed: dict[int, int] = field(default_factory=dict)
    dead_letters: list[DeadLetter] = field(default_factory=list)

    def append(self, value: bytes, *, at_ms: int, headers: list[Any] | None = None) -> None:
        partition = sum(map(len, self.records)) % PARTITIONS
        offset = len(self.records[partition])
        self.records[partition].append(ARecord(value, offset, partition, at_ms, headers=headers or []))


@dataclass
class Stores:
    """Everything that outlives a process."""

    fuse: Fuse = field(default_factory=Fuse)
    clock: Clock = field(default_factory=Clock)
    topic: Topic = field(default_factory=Topic)
    owner: list[int] = field(default_factory=lambda: [0, 1])
    """By partition of the topic: the consumer that reads it."""
    failing_writes: int = 0
    tables: dict[tuple[str, Partition], LastWriteWins] = field(default_factory=lambda: defaultdict(LastWriteWins))
    coverages: dict[tuple[str, datetime], tuple[int, Coverage | None]] = field(default_factory=dict)
    versions: dict[Partition, Counter[UUID]] = field(default_factory=lambda: defaultdict(Counter))
    changes: list[tuple[datetime, datetime]] = field(default_factory=list)
    """changed_at and hour."""
    report: dict[datetime, tuple[tuple[int, int], dict[Any, Counter[str]]]] = field(default_factory=dict)
    """By hour: covered_through_ms with write timestamp, and rows."""


@dataclass
class LastWriteWins:
    """A partition that keeps the newest write of each row."""

    rows: dict[object, tuple[int, Row | None]] = field(default_factory=dict)
    deleted_through: int = -1

    def write(self, key: object, row: Row | None, *, at: int) -> None:
        if key not in self.rows or at >= self.rows[key][0]:
            self.rows[key] = at, row

    def read(self) -> list[Row]:
        return [row for at, row in self.rows.values() if at > self.deleted_through and row is not None]


class MemberInMemory:
    """A member of the ingest group: reads the partitions that it owns, two records at a time."""

    def __init__(self, stores: Stores, number: int) -> None:
        self._stores = stores
        self._number = number
        self.rebalanced = False
        self.resume()

    def poll(self, timeout_s: float) -> list[Record]:
        self._stores.fuse.burn()
        found: list[Record] = []
        for partition in [] if self.rebalanced else self._position:
            found += self._stores.topic.records[partition][self._position[partition] :][:2]
        self._position |= {record.partition: record.offset + 1 for record in found}
        return found

    def positions(self) -> dict[int, int]:
        return {partition: offset for partition, offset in self._position.items() if offset}

    def ends(self) -> dict[int, int]:
        return {partition: len(self._stores.topic.records[partition]) for partition in self._position}

    def backlog(self) -> int:
        return sum(map(len, self._stores.topic.records))

    def resume(self) -> dict[int, int]:
        self.rebalanced = False
        owned = [partition for partition, owner in enumerate(self._stores.owner) if owner == self._number]
        self._position = {partition: self._stores.topic.committed.get(partition, 0) for partition in owned}
        return dict(self._position)

    def take_retention_gaps(self) -> list[RetentionGap]:
        return []

    def take_rewinds(self) -> list[Rewind]:
        return []

    def commit(self, offsets: dict[int, int]) -> bool:
        """A member that missed a rebalance is refused."""
        self._stores.fuse.burn()
        if self.rebalanced:
            return False
        self._stores.topic.committed |= offsets
        return True


class DeadLettersInMemory:
    """A letter is in the topic, at the latest, when it is acknowledged."""

    def __init__(self, stores: Stores) -> None:
        self._stores = stores
        self._sent: list[DeadLetter] = []

    def send(self, letter: DeadLetter) -> None:
        self._sent.append(letter)

    def acknowledged(self) -> None:
        self._stores.fuse.burn()
        self._stores.topic.dead_letters += self._sent
        self._sent = []


class WritesInMemory:
    """Raw events, bucket versions and changes in memory; `failing_writes` of them get no answer in time."""

    def __init__(self, stores: Stores) -> None:
        self._stores = stores
        self._writer = uuid4()

    def send(self, rows: Iterable[RawRow], *, done: Done) -> None:
        self._answer(done, lambda: self._store(rows))

    def send_versions(self, changes: Iterable[Change], *, micro_batch: int, done: Done) -> None:
        places = [Partition(from_ms(change.hour_ms), bucket) for change in changes for bucket in change.buckets]
        self._answer(done, lambda: self._raise_versions(places, micro_batch))

    def send_changes(self, changes: Iterable[Change], *, done: Done) -> None:
        changed_at = from_ms(self._stores.clock.cassandra_ms())
        hours = [from_ms(change.hour_ms) for change in changes]
        self._answer(done, lambda: self._stores.changes.extend((changed_at, hour) for hour in hours))

    def require_table(self) -> None:
        """The table exists."""

    def layouts(self) -> Layouts:
        return Layouts([(0, LAYOUT)])

    def store_first_layout(self, *, one_bucket_before_ms: int | None) -> None:
        """There is one."""

    def retention(self) -> Retention:
        return KEEP_ALL

    def privacy(self) -> PrivacyInForce:
        return PrivacyInForce()

    def erasures(self, *, after_ms: int = 0) -> Sequence[Erasure]:
        return ()

    def keyspace_id(self) -> str:
        return "the keyspace"

    def _store(self, rows: Iterable[RawRow]) -> None:
        for raw in rows:
            hour_ms, bucket = raw.partition
            row, at = _decoded(raw)
            place = Partition(from_ms(hour_ms), bucket)
            self._stores.tables[RAW_EVENTS.name, place].write(row["create_time"], row, at=at)

    def _raise_versions(self, places: Iterable[Partition], micro_batch: int) -> None:
        for place in places:
            self._stores.versions[place][self._writer] = micro_batch

    def _answer(self, done: Done, write: Callable[[], object]) -> None:
        """A write without an answer has happened all the same, like one whose time ran out."""
        self._stores.fuse.burn()
        write()
        if self._stores.failing_writes:
            self._stores.failing_writes -= 1
            return done(StoreUnavailable("no answer in time"))
        return done(None)


class FeedInMemory:
    """`ports.ChangeFeed`."""

    def __init__(self, stores: Stores) -> None:
        self._stores = stores

    def now(self) -> datetime:
        return from_ms(self._stores.clock.cassandra_ms())

    def pages(self, start: datetime, now: datetime, *, counted_through: datetime | None = None) -> Iterator[ChangePage]:
        found = sorted(change for change in self._stores.changes if start <= change[0] <= now + SKEW)
        for index in range(0, len(found), PAGE_ROWS):
            self._stores.fuse.burn()
            page = found[index : index + PAGE_ROWS]
            counts = Counter(hour for at, hour in page if counted_through is None or at >= counted_through)
            yield ChangePage({hour: at for at, hour in page}, min(page[-1][0], now), len(page), counts)
        yield ChangePage({}, now, 0)

    def frozen_before(self, now: datetime) -> datetime | None:
        return None

    def hours_ahead(self, now: datetime) -> Collection[datetime]:
        self._stores.fuse.burn()
        return {hour for changed_at, hour in self._stores.changes if is_ahead(changed_at, now)}


class PendingHoursInMemory:
    """`ports.PendingHourStore`; each method is one transaction."""

    def __init__(self, stores: Stores) -> None:
        self._stores = stores
        self._checkpoint: datetime | None = None
        self._stored: dict[datetime, PendingHour] = {}

    def checkpoint(self) -> datetime | None:
        return self._checkpoint

    def start_over(self, checkpoint: datetime, *, at: datetime) -> None:
        self._stores.fuse.burn()
        if self._checkpoint == checkpoint:
            self._checkpoint = at

    def drop(self, hours: Sequence[datetime]) -> None:
        for hour in hours:
            del self._stored[hour]

    def record(self, page: ChangePage, *, now: datetime) -> None:
        self._stores.fuse.burn()
        self._checkpoint = max(self._checkpoint or page.read_through, page.read_through)
        for hour, changed_at in uncovered(page.newest, self._covered_through()).items():
            self._add(hour, changed_at, now, page.event_counts.get(hour))

    def settle(self, failures: Sequence[FailedRun], *, now: datetime) -> list[PendingHour]:
        self._stores.fuse.burn()
        for hour, covered_through in self._covered_through().items():
            if is_ahead(covered_through, now):
                (_, write_timestamp), rows = self._stores.report[hour]
                self._stores.report[hour] = (0, write_timestamp), rows
                self._add(hour, now, now)
        covered = self._covered_through()
        known = [
            replace(one, covered_through=covered.get(one.hour), newest_change=min(one.newest_change, now + SKEW))
            for one in self._stored.values()
        ]
        pending = [after_runs(one, failures) for one in known if not is_covered(one.newest_change, one.covered_through)]
        self._stored = {one.hour: one for one in pending}
        return sorted(pending, key=lambda one: one.hour)

    def _add(self, hour: datetime, changed_at: datetime, now: datetime, event_count: int | None = None) -> None:
        old = self._stored.get(hour, PendingHour(hour, changed_at, next_try_at=now, event_count=0))
        known = None if event_count is None or old.event_count is None else old.event_count + event_count
        self._stored[hour] = replace(old, newest_change=max(old.newest_change, changed_at), event_count=known)

    def _covered_through(self) -> dict[datetime, datetime]:
        return {hour: from_ms(newest[0]) for hour, (newest, _) in self._stores.report.items()}


class TablesInMemory:
    """`ports.HourStore`."""

    def __init__(self, stores: Stores) -> None:
        self._stores = stores

    def now_ms(self) -> int:
        self._stores.fuse.burn()
        return self._stores.clock.cassandra_ms()

    def coverage(self, table: HourTable, hours: Sequence[datetime]) -> Mapping[datetime, Coverage]:
        self._stores.fuse.burn()
        found = {hour: self._stores.coverages.get((table.name, hour), (0, None))[1] for hour in hours}
        return {hour: coverage for hour, coverage in found.items() if coverage is not None}

    def newest_timestamp(self, hours: Sequence[datetime]) -> int:
        self._stores.fuse.burn()
        return max((at for (_, hour), (at, _) in self._stores.coverages.items() if hour in hours), default=0)

    def clear_coverage(self, table: HourTable, hours: Sequence[datetime], *, timestamp: int) -> None:
        for hour in hours:
            self._cover(table, hour, None, timestamp)

    def partitions(self, table: HourTable, hours: Sequence[datetime]) -> list[Partition]:
        buckets: Sequence[int | None] = LAYOUT.buckets if table.has_buckets else [None]
        return [Partition(hour, bucket) for hour in hours for bucket in buckets]

    def live_versions(self, hours: Sequence[datetime]) -> Mapping[datetime, Mapping[Partition, int]]:
        self._stores.fuse.burn()
        versions = self._stores.versions
        return {
            hour: {one: found.total() for one, found in versions.items() if one.hour == hour and found.total()}
            for hour in hours
        }

    def read(self, table: HourTable, partitions: Sequence[Partition], *, row_count: int | None = None) -> Rows:
        def rows(wanted: Sequence[Partition] | None) -> list[Row]:
            self._stores.fuse.burn()
            return [
                row
                for one in partitions
                if wanted is None or one in wanted
                for row in self._stores.tables[table.name, one].read()
            ]

        return rows

    def narrow(self, rows: Rows, partitions: Sequence[Partition]) -> Rows:
        return lambda wanted: rows(partitions if wanted is None else [one for one in partitions if one in wanted])

    @contextmanager
    def cached(self, rows: Rows) -> Iterator[Rows]:
        known = rows(None)
        yield lambda _: known

    def count_rows(self, table: HourTable, rows: Rows) -> Mapping[Partition, RowCounts]:
        counts: dict[Partition, RowCounts] = defaultdict(RowCounts)
        for row in rows(None):
            is_stored = row["job_id"] is not None
            counts[_place(table, row)] += RowCounts(is_stored, is_stored * row.get("events", 1), not is_stored)
        return counts

    def append(self, table: HourTable, rows: Rows, *, timestamp: int) -> None:
        for row in rows(None):
            self._stores.fuse.burn()
            if row["job_id"] is not None:
                key = row["create_time"] if "create_time" in row else (row["job_id"], row["action"])
                self._stores.tables[table.name, _place(table, row)].write(key, row, at=timestamp)

    def delete_older(self, table: HourTable, partitions: Sequence[Partition], *, timestamp: int) -> None:
        for one in partitions:
            self._stores.fuse.burn()
            found = self._stores.tables[table.name, one]
            found.deleted_through = max(found.deleted_through, timestamp)

    def cover(
        self, table: HourTable, coverage: Mapping[datetime, Coverage], counts: Mapping[datetime, RowCounts],
        *, rows_timestamp: int, run_id: str, timestamp: int,
    ) -> None:  # fmt: skip
        for hour, found in coverage.items():
            self._cover(table, hour, found, timestamp)

    def by_hour(self, rows: Rows) -> Iterator[tuple[datetime, Iterator[SqlRow]]]:
        by_hour: dict[datetime, list[SqlRow]] = defaultdict(list)
        for row in rows(None):
            by_hour[row["event_hour"]].append((row["job_id"], row["action"], row["events"]))
        yield from ((hour, iter(found)) for hour, found in by_hour.items())

    def _cover(self, table: HourTable, hour: datetime, coverage: Coverage | None, timestamp: int) -> None:
        self._stores.fuse.burn()
        if timestamp >= self._stores.coverages.get((table.name, hour), (0, None))[0]:
            self._stores.coverages[table.name, hour] = timestamp, coverage


class ReportInMemory:
    """`ports.HourSink`."""

    def __init__(self, stores: Stores) -> None:
        self._stores = stores

    def replace_hours(
        self, rows: RowsByHour, *, covered_through_ms: Mapping[datetime, int], write_timestamp: int, run_id: str
    ) -> Iterator[tuple[datetime, StoredHour]]:
        for hour, hour_rows in rows:
            newness = covered_through_ms[hour], write_timestamp
            yield hour, self.replace_hour(hour, hour_rows, newness=newness, run_id=run_id)

    def replace_hour(
        self, hour: datetime, rows: Iterable[SqlRow], *, newness: tuple[int, int], run_id: str
    ) -> StoredHour:
        self._stores.fuse.burn()
        newest, _ = self._stores.report.get(hour, ((0, 0), {}))
        if newest > newness:
            return StoredHour(RowCounts(), stored=False)
        counts: dict[Any, Counter[str]] = defaultdict(Counter)
        for job, action, events in rows:
            counts[job][action] += events
        self._stores.report[hour] = newness, counts
        return StoredHour(RowCounts(), stored=True)


def _decoded(row: RawRow) -> tuple[Row, int]:
    """The values of an encoded row by column, and its write timestamp."""
    values: list[bytes | None] = []
    position = 0
    while position < len(row.cells):
        (length,) = struct.unpack_from(">i", row.cells, position)
        position += 4
        values.append(None if length < 0 else row.cells[position : position + length])
        position += max(length, 0)
    decoded = {
        column.name: None if cell is None else _value(column.type, cell)
        for column, cell in zip(RAW_EVENTS.columns, values, strict=False)
    }
    return decoded, _integer(values[-1] or b"")


def _value(type_: Type, cell: bytes) -> object:
    match type_:
        case Type.INT:
            return _integer(cell)
        case Type.TIMESTAMP:
            return from_ms(_integer(cell))
        case Type.TIMEUUID:
            return cell
        case _:
            return cell.decode()


def _integer(cell: bytes) -> int:
    return int.from_bytes(cell, signed=True)


def _place(table: HourTable, row: Row) -> Partition:
    return Partition(row["event_hour"], row["bucket"] if table.has_buckets else None)

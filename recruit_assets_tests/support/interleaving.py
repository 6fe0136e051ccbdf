"""Interleaves ingest and runs step by step, around the real `hours.replacement` and stores in memory.

Tables keep the newest write, as in Cassandra; the report refuses older runs, as in MySQL; clocks differ. In half of the
schedules Cassandra's clock, or that of one of its nodes, is ahead for a while and is set back. The scheduler runs the
actor with the highest priority and, at a few random steps, changes priorities or kills a run. Such schedules find bugs
that uniformly random ones miss (Burckhardt and others, "A Randomized Scheduler with Probabilistic Guarantees of Finding
Bugs", ASPLOS 2010). `World.off` names safeguards to disable; `find_schedule` searches for a schedule that ends wrong
without one.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import count
from typing import cast

from greenlet import greenlet

from recruit_assets.contract.tables import BUCKET_METRICS, FILTERED_EVENTS, HOURLY_JOB_METRICS, RAW_EVENTS
from recruit_assets.contract.types import HourTable
from recruit_assets.hours.bucket_state import Partition, RowCounts
from recruit_assets.hours.change_feed import DAILY_LOOKBACK, LOOKBACK, read_feed
from recruit_assets.hours.ports import Coverage, RowsByHour, SqlRow, StoredHour
from recruit_assets.hours.replacement import (
    PreAggregation,
    Step,
    begin_step,
    publish_hours,
    read_input,
    replace_hours,
)
from recruit_assets.runtime.errors import MissingCoverage
from recruit_assets.runtime.times import to_ms
from recruit_assets_tests.support.feed_in_memory import FakeFeed, FakePendingHours, pause

HOUR = datetime(2026, 1, 5, 7, tzinfo=UTC)
BUCKETS = range(3)
ALL = frozenset(BUCKETS)
MS = 1000
DERIVED = (FILTERED_EVENTS, BUCKET_METRICS, HOURLY_JOB_METRICS)
AHEAD_MS = (3_600 * MS, 5 * 86_400 * MS)
"""How far a wrong clock is ahead: longer than a schedule takes, less and more than the daily reading looks back."""
ALWAYS, NEVER = 0, 1_000
"""Values of `PreAggregation.from_events`: metrics are always or never counted by bucket."""

Cell = tuple[int, object, int]
"""Key, value, and write timestamp."""
Rows = Callable[[frozenset[int]], list[Cell]]
"""A lazy query, like a DataFrame: reads the rows of these buckets when it is called."""


@dataclass
class LastWriteWins:
    """A table that keeps the newest write of each cell; a partition's tombstone hides everything that isn't newer."""

    cells: dict[tuple[int, int], tuple[int, object]] = field(default_factory=dict)
    tombstones: dict[int, int] = field(default_factory=dict)

    def write(self, partition: int, key: int, value: object, *, at: int) -> None:
        old = self.cells.get((partition, key))
        if old is None or (at, repr(value)) > (old[0], repr(old[1])):
            self.cells[partition, key] = (at, value)

    def delete(self, partition: int, *, at: int) -> None:
        self.tombstones[partition] = max(self.tombstones.get(partition, -1), at)

    def read(self, partition: int) -> list[Cell]:
        hidden = self.tombstones.get(partition, -1)
        return [
            (k, v, at) for (p, k), (at, v) in self.cells.items() if p == partition and at > hidden and v is not None
        ]


class World:
    """Everything that exists: tables, coverages, changes, the report, and how many events there truly are per job."""

    def __init__(self, seed: int, off: frozenset[str] = frozenset()) -> None:
        self.random = random.Random(seed)
        self.off = off
        self.now_ms = to_ms(HOUR)
        self.ahead_ms = 0
        """How far the clock is ahead, of all nodes or of one in three."""
        self.nodes_ahead = self.random.choice((1.0, 1 / 3))
        self.by_bucket = PreAggregation(
            BUCKET_METRICS, _counted_by_bucket, _added_up, from_events=self.random.choice((ALWAYS, ALWAYS, NEVER))
        )
        self.eager = self.random.random() < 0.5
        """Whether the assets' functions read their input at once, like one that caches or counts it."""
        self.tables = {table.name: LastWriteWins() for table in (RAW_EVENTS, *DERIVED)}
        self.coverages = LastWriteWins()
        self.timestamps = LastWriteWins()
        self.versions: Counter[int] = Counter()
        """By bucket."""
        self.changes: list[int] = []
        """The time of each change."""
        self.truth: dict[int, int] = {}
        self.last_coverage: dict[str, Coverage] = {}
        """The newest coverage of each table, even if it was cleared since."""
        self.buckets_read = 0
        """Number of reads of a bucket of raw events."""
        self.report = FakeReport(self)
        self.pending_hours = FakePendingHours(self, HOUR)
        self.feed = FakeFeed(self, HOUR, self.pending_hours)

    def pass_time(self, most_s: int) -> None:
        self.now_ms += self.random.randint(0, most_s) * MS

    def clock_ms(self) -> int:
        """A coordinator's clock: those that aren't wrong differ by less than the skew allowance."""
        ahead_ms = self.ahead_ms if self.random.random() < self.nodes_ahead else 0
        return self.now_ms + ahead_ms + self.random.randint(-2 * MS, 2 * MS)

    def ingest(self, event: int, *, erase: bool = False) -> None:
        """Store an event, raise its bucket's version, publish the change. An existing event is changed or erased.

        Ingest that is killed gets the record again, so all steps happen in the end. A change becomes visible late.
        """
        steps: list[Callable[[], None]] = [
            lambda: self._store(event, erase=erase),
            lambda: self.versions.update([event % len(BUCKETS)]),
            self._announce,
        ]
        if "change_after_event" in self.off:
            steps.insert(0, steps.pop())
        if "change_after_version" in self.off:
            steps.insert(1, steps.pop())
        if "version_after_event" in self.off:
            steps.insert(0, steps.pop(1))
        for step in steps:
            step()
            pause()

    def _announce(self) -> None:
        changed_at_ms = self.clock_ms()
        pause()
        self.changes.append(changed_at_ms)

    def _store(self, event: int, *, erase: bool) -> None:
        job = None if erase else (self.truth.get(event, event) + 1) % 4
        if job is None:
            self.truth.pop(event, None)
        else:
            self.truth[event] = job
        self.now_ms += 1
        self.tables[RAW_EVENTS.name].write(event % len(BUCKETS), event, job, at=self.now_ms * MS)

    def run(self, run_id: str, *, incremental: bool) -> None:
        """Run the three hourly assets as Dagster does; a run whose input isn't covered fails."""
        tables = FakeTables(self)
        try:
            step, rows = self._load(tables, RAW_EVENTS, run_id)
            replace_hours(tables, FILTERED_EVENTS, rows, step, [HOUR], incremental=incremental)
            step, rows = self._load(tables, FILTERED_EVENTS, run_id)
            replace_hours(
                tables, HOURLY_JOB_METRICS, _counted(rows), step, [HOUR],
                incremental=incremental, pre_aggregation=self.by_bucket,
            )  # fmt: skip
            step, rows = self._load(tables, HOURLY_JOB_METRICS, run_id)
            publish_hours(self.report, tables.by_hour(rows), step, [HOUR])
        except MissingCoverage:
            pass

    def _load(self, tables: FakeTables, source: HourTable, run_id: str) -> tuple[Step, Rows]:
        """Load an asset's input. If the asset's function is eager, the rows are read now."""
        step = begin_step(tables, run_id, [HOUR])
        rows = read_input(tables, step, source, [HOUR])
        if self.eager:
            rows = _known(rows(ALL))
            pause()
        if "t_before_rows" in self.off:
            step.write_timestamp = begin_step(tables, run_id, [HOUR]).write_timestamp
        return step, rows

    def read_feed(self, *, daily: bool = False) -> bool:
        """One reading of the change feed, as the sensor or the schedule does; whether the hour is pending then."""
        lookback = DAILY_LOOKBACK if daily else LOOKBACK
        return bool(read_feed(self.feed, self.pending_hours, lookback=lookback).pending)

    def exact(self) -> bool:
        return self.report.rows == dict(Counter(self.truth.values()))


class FakeTables:
    """`ports.HourStore` over the world's tables, with a pause before each step that Cassandra executes separately."""

    def __init__(self, world: World) -> None:
        self.world = world
        self._read_too_early: dict[str, Rows] = {}

    def now_ms(self) -> int:
        pause()
        return self.world.clock_ms()

    def coverage(self, table: HourTable, hours: Sequence[datetime]) -> Mapping[datetime, Coverage]:
        if "coverage_before_rows" in self.world.off:
            self._read_now(table)
        pause()
        if "base_is_covered" in self.world.off and table.name in self.world.last_coverage:
            return {HOUR: self.world.last_coverage[table.name]}
        found = [value for key, value, _ in self.world.coverages.read(0) if key == _number(table)]
        return {HOUR: cast("Coverage", found[0])} if found else {}

    def clear_coverage(self, table: HourTable, hours: Sequence[datetime], *, timestamp: int) -> None:
        self._read_too_early.pop(table.name, None)
        pause()
        if "clear" not in self.world.off:
            self.world.coverages.write(0, _number(table), None, at=timestamp)
            self._note(table, timestamp)

    def newest_timestamp(self, hours: Sequence[datetime]) -> int:
        pause()
        if "above_what_stands" in self.world.off:
            return 0
        found = self.world.timestamps.read(0)
        if "clear_notes_timestamp" in self.world.off:
            found = [one for one in found if one[0] in {key for key, _, _ in self.world.coverages.read(0)}]
        return max((int(str(value)) for _, value, _ in found), default=0)

    def _note(self, table: HourTable, timestamp: int) -> None:
        """Column t of the coverage, which stays when the coverage is cleared."""
        self.world.timestamps.write(0, _number(table), timestamp, at=timestamp)

    def partitions(self, table: HourTable, hours: Sequence[datetime]) -> list[Partition]:
        return [Partition(HOUR, bucket) for bucket in BUCKETS] if table.has_buckets else [Partition(HOUR)]

    def live_versions(self, hours: Sequence[datetime]) -> Mapping[datetime, Mapping[Partition, int]]:
        if "versions_before_rows" in self.world.off:
            self._read_now(RAW_EVENTS)
        pause()
        return {HOUR: {Partition(HOUR, bucket): version for bucket, version in self.world.versions.items()}}

    def _read_now(self, table: HourTable) -> None:
        self._read_too_early[table.name] = _known(self._query(table)(ALL))

    def read(self, table: HourTable, partitions: Sequence[Partition], *, row_count: int | None = None) -> Rows:
        return self._read_too_early.pop(table.name, None) or self.narrow(self._query(table), partitions)

    def _query(self, table: HourTable) -> Rows:
        def rows(buckets: frozenset[int]) -> list[Cell]:
            found: list[Cell] = []
            for place in sorted(buckets) if table.has_buckets else [0]:
                pause()
                self.world.buckets_read += int(table is RAW_EVENTS)
                found += self.world.tables[table.name].read(place)
            return found

        return rows

    def narrow(self, rows: Rows, partitions: Sequence[Partition]) -> Rows:
        wanted = frozenset(partition.bucket or 0 for partition in partitions)
        return lambda buckets: rows(buckets & wanted)

    @contextmanager
    def cached(self, rows: Rows) -> Iterator[Rows]:
        yield _known(rows(ALL))

    def count_rows(self, table: HourTable, rows: Rows) -> Mapping[Partition, RowCounts]:
        pause()
        found = Counter(Partition(HOUR, key % len(BUCKETS) if table.has_buckets else None) for key, _, _ in rows(ALL))
        return {partition: RowCounts(number, number) for partition, number in found.items()}

    def append(self, table: HourTable, rows: Rows, *, timestamp: int) -> None:
        for key, value, _ in rows(ALL):
            pause()
            self.world.tables[table.name].write(
                key % len(BUCKETS) if table.has_buckets else 0, key, value, at=timestamp
            )

    def delete_older(self, table: HourTable, partitions: Sequence[Partition], *, timestamp: int) -> None:
        for partition in partitions:
            pause()
            self.world.tables[table.name].delete(partition.bucket or 0, at=timestamp)

    def cover(
        self, table: HourTable, coverage: Mapping[datetime, Coverage], counts: Mapping[datetime, RowCounts],
        *, rows_timestamp: int, run_id: str, timestamp: int,
    ) -> None:  # fmt: skip
        pause()
        self.world.coverages.write(0, _number(table), coverage[HOUR], at=timestamp)
        self.world.timestamps.write(0, _number(table), rows_timestamp, at=timestamp)
        self.world.last_coverage[table.name] = coverage[HOUR]

    def by_hour(self, rows: Rows) -> Iterator[tuple[datetime, Iterator[SqlRow]]]:
        found = rows(ALL)
        if found:
            yield HOUR, ((job, number) for job, number, _ in found)


class FakeReport:
    """`ports.HourSink`: rows per job, replaced as one, unless a newer coverage is there."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.rows: dict[int, int] = {}
        self.coverage = (0, 0)

    def replace_hours(
        self, rows: RowsByHour, *, covered_through_ms: Mapping[datetime, int], write_timestamp: int, run_id: str
    ) -> Iterator[tuple[datetime, StoredHour]]:
        ((hour, hour_rows),) = rows
        pause()
        newness = covered_through_ms[hour], write_timestamp
        is_newer = self.coverage > newness and "newer_report_stays" not in self.world.off
        if not is_newer:
            self.rows, self.coverage = dict(hour_rows), newness
        yield hour, StoredHour(RowCounts(), stored=not is_newer)


def outcome(seed: int, off: frozenset[str] = frozenset()) -> str:
    """Run one schedule, then retry until nothing is pending: 'exact', 'wrong' or 'stuck'."""
    world = World(seed, off)
    _interleave(world)
    world.ahead_ms = 0
    for attempt in range(20):
        world.now_ms += 10 * MS
        if not world.read_feed(daily=attempt == 0):
            return "exact" if world.exact() else "wrong"
        _finish(greenlet(lambda attempt=attempt: world.run(f"retry {attempt}", incremental=True)))
    return "stuck"


def find_schedule(safeguard: str) -> int:
    """The first schedule that ends exact, but not without the safeguard."""
    return next(seed for seed in count() if outcome(seed, frozenset({safeguard})) != "exact" == outcome(seed))


def states_after_runs(seed: int, *, incremental: bool) -> tuple[list[tuple[list[Cell], dict[int, int]]], int]:
    """One history of new, late, repeated, changed and erased events, with a run after every few of them.

    Returns after each run the filtered rows without their write time and the report, and how many buckets were read.
    """
    world, history = World(seed), random.Random(seed)
    states = []
    for number in range(6):
        for _ in range(history.randint(0, 3)):
            event, erase = history.randrange(9), history.random() < 0.2
            _finish(greenlet(lambda event=event, erase=erase: world.ingest(event, erase=erase)))
        world.now_ms += 10 * MS
        _finish(greenlet(lambda number=number: world.run(f"run {number}", incremental=incremental)))
        filtered = world.tables[FILTERED_EVENTS.name]
        cells = sorted((key, job, 0) for bucket in BUCKETS for key, job, _ in filtered.read(bucket))
        states.append((cells, dict(world.report.rows)))
    return states, world.buckets_read


def _interleave(world: World) -> None:
    rng = world.random
    longest_s = rng.choice((1, 6, 15, 40))
    history = rng.choice((0, 0, 3, 6))
    wrong_clock = rng.choice((0, 0, *AHEAD_MS))
    world.ahead_ms = wrong_clock * rng.randint(0, 1)
    for event in range(history):
        _finish(greenlet(lambda event=event: world.ingest(event)))
    if history:
        _finish(greenlet(lambda: world.run("the first run", incremental=False)))
        world.pass_time(longest_s)
    actors: list[tuple[greenlet, bool]] = [(_ingest(world, history), False) for _ in range(rng.randint(1, 3))]
    actors += [(_run(world, number), True) for number in range(rng.randint(1, 4))]
    actors += [(greenlet(world.read_feed), False) for _ in range(rng.randint(0, 3))]
    priority = {actor: rng.random() for actor, _ in actors}
    steps = sum(45 if is_run else 3 for _, is_run in actors)
    changes = {rng.randrange(steps): rng.choice(("lower", "lower", "kill")) for _ in range(rng.randint(1, 5))}
    ahead_from, ahead_until = sorted(rng.sample(range(2 * steps), 2))
    step = 0
    while actors:
        actor, is_run = max(actors, key=lambda pair: priority[pair[0]])
        change = changes.get(step)
        if step in (ahead_from, ahead_until):
            world.ahead_ms = wrong_clock * (step == ahead_from)
        step += 1
        if change == "kill" and is_run:
            actors.remove((actor, is_run))
        elif change:
            priority[actor] = rng.random() * min(priority.values())
            world.pass_time(longest_s)
        else:
            actor.switch()
            if actor.dead:
                actors.remove((actor, is_run))
            if actor.dead or rng.random() < 0.15:
                world.pass_time(longest_s)


def _ingest(world: World, history: int) -> greenlet:
    """A new event, or one of the history that is changed or erased."""
    event = world.random.randrange(history + 3)
    erase = event < history and world.random.random() < 0.5
    return greenlet(lambda: world.ingest(event, erase=erase))


def _run(world: World, number: int) -> greenlet:
    incremental = world.random.random() < 0.7
    return greenlet(lambda: world.run(f"run {number}", incremental=incremental))


def _finish(actor: greenlet) -> None:
    while not actor.dead:
        actor.switch()


def _number(table: HourTable) -> int:
    return DERIVED.index(table)


def _known(cells: list[Cell]) -> Rows:
    """Rows that have already been read. A key modulo the number of buckets is its bucket."""
    return lambda buckets: [cell for cell in cells if cell[0] % len(BUCKETS) in buckets]


def _counted(rows: Rows) -> Rows:
    return lambda _: [(job, number, 0) for job, number in Counter(int(str(job)) for _, job, _ in rows(ALL)).items()]


def _counted_by_bucket(rows: Rows) -> Rows:
    """Keyed by job and bucket."""
    return lambda buckets: [
        (key, number, 0)
        for key, number in Counter(
            int(str(job)) * len(BUCKETS) + event % len(BUCKETS) for event, job, _ in rows(buckets)
        ).items()
    ]


def _added_up(rows: Rows) -> Rows:
    def added(buckets: frozenset[int]) -> list[Cell]:
        by_job: Counter[int] = Counter()
        for key, number, _ in rows(ALL):
            by_job[key // len(BUCKETS)] += int(str(number))
        return [(job, number, 0) for job, number in by_job.items()]

    return added

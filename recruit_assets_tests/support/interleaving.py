"""A world in which ingest and runs are interleaved step by step, around the real `stages`.

Belongs here: last-write-wins tables as Cassandra's, the guarded report as MySQL's, clocks that differ, and a scheduler
that runs whoever has the highest priority and changes priorities, or kills, at a few random steps. Such schedules find
what uniform random choice misses (Burckhardt and others, "A Randomized Scheduler with Probabilistic Guarantees of
Finding Bugs", ASPLOS 2010). `World.off` names guards to take out, so that each is seen to matter.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import cast
from unittest.mock import patch

from greenlet import getcurrent, greenlet

from recruit_assets.contract.tables import (
    BUCKET_METRICS,
    CHANGE_SKEW_S,
    FILTERED_EVENTS,
    HOURLY_JOB_METRICS,
    MYSQL_REPORT,
    RAW_EVENTS,
)
from recruit_assets.contract.types import CassandraTable
from recruit_assets.hours import replacement as stages
from recruit_assets.hours.bucket_state import Partition, Portion, Tally
from recruit_assets.hours.ports import ByBucket, Derivation, Published, ReportRow, StageResult, StoredHours
from recruit_assets.runtime.errors import MissingCoverage

HOUR = datetime(2026, 1, 5, 7, tzinfo=UTC)
BUCKETS = range(3)
MS = 1000
STAGES = (FILTERED_EVENTS, BUCKET_METRICS, HOURLY_JOB_METRICS)
ALWAYS, NEVER = 0, 1_000
"""From how many events on metrics are made by bucket."""

Covered = tuple[int, Mapping[Partition, Portion]]
"""A coverage: its mark, and what the rows were made of."""
Cell = tuple[int, object, int]
"""Key, value, and when it was written."""
Rows = Callable[[], list[Cell]]
"""Rows as a query that is answered when it is called, like a DataFrame."""


def pause() -> None:
    """Let others act before the next step of a run or of ingest."""
    scheduler = getcurrent().parent
    if scheduler is not None:
        scheduler.switch()


@dataclass
class LastWriteWins:
    """One table: a cell is its newest write; a partition's tombstone hides what is not newer than itself."""

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
    """Everything that exists: tables, marks, changes, the report, and how many events there truly are per job."""

    def __init__(self, seed: int, off: frozenset[str] = frozenset()) -> None:
        self.random = random.Random(seed)
        self.off = off
        self.now_ms = 1_000_000
        self.counted = _counted_from(self.random.choice((ALWAYS, ALWAYS, NEVER)))
        self.tables = {table.name: LastWriteWins() for table in (RAW_EVENTS, *STAGES)}
        self.marks = LastWriteWins()
        self.versions: Counter[int] = Counter()
        """Per bucket."""
        self.changes: list[int] = []
        """When each was made."""
        self.truth: dict[int, int] = {}
        self.surviving_portions: dict[str, dict[Partition, Portion]] = {stage.name: {} for stage in STAGES}
        """Of the newest coverage of each, cleared or not."""
        self.buckets_read = 0
        """Of raw events."""
        self.report = FakeReport(self)

    def pass_time(self, most_s: int) -> None:
        self.now_ms += self.random.randint(0, most_s) * MS

    def clock_ms(self) -> int:
        """A coordinator's clock: they differ by less than the skew allowance."""
        return self.now_ms + self.random.randint(-2 * MS, 2 * MS)

    def ingest(self, event: int, *, erase: bool = False) -> None:
        """An event: the row, its bucket's version, its change; again with other content, or erased, where it is there.

        A killed ingest gets the record again, so it goes on in the end. A change is seen some time after it was made.
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

    def run(self, run_id: str, *, keep_unchanged: bool) -> None:
        """The three hourly assets, as Dagster runs them; without its input's coverage a run fails."""
        tables = FakeTables(self)
        try:
            for how, into in ((_FILTERED, FILTERED_EVENTS), (self.counted, HOURLY_JOB_METRICS)):
                stages.replace_hours(tables, how, into=into, hours=[HOUR], run_id=run_id, keep_unchanged=keep_unchanged)
            stages.publish_hours(tables, self.report, _REPORTED, hours=[HOUR], run_id=run_id)
        except MissingCoverage:
            pass

    def pending(self) -> bool:
        newest_ms = max(self.changes, default=None)
        return newest_ms is not None and self.report.mark[0] <= newest_ms + CHANGE_SKEW_S * MS

    def exact(self) -> bool:
        return self.report.rows == dict(Counter(self.truth.values()))


class FakeTables:
    """`stages.HourTables` over the world's tables, a pause before each step that Cassandra would take on its own."""

    def __init__(self, world: World) -> None:
        self.world = world

    def now_ms(self) -> int:
        pause()
        return self.world.clock_ms()

    def clear_coverage(self, stage: CassandraTable, hours: Sequence[datetime], *, t: int) -> None:
        pause()
        if "clear" not in self.world.off:
            self.world.marks.write(0, _number(stage), None, at=t)

    def coverage_ms(self, stage: CassandraTable, hours: Sequence[datetime]) -> Mapping[datetime, int]:
        pause()
        if "coverage_before_rows" in self.world.off:
            return _LateMark(self.world, stage)
        return self._marks(stage)

    def _marks(self, stage: CassandraTable) -> dict[datetime, int]:
        covered = self._covered(stage)
        return {} if covered is None else {HOUR: covered[0]}

    def _covered(self, stage: CassandraTable) -> Covered | None:
        found = [value for key, value, _ in self.world.marks.read(0) if key == _number(stage)]
        return cast("Covered", found[0]) if found else None

    def portions(
        self, stage: CassandraTable, hours: Sequence[datetime]
    ) -> Mapping[datetime, Mapping[Partition, Portion]]:
        pause()
        if "base_is_covered" in self.world.off:
            return {HOUR: self.world.surviving_portions[stage.name]}
        covered = self._covered(stage)
        return {} if covered is None else {HOUR: covered[1]}

    def partitions(self, table: CassandraTable, hours: Sequence[datetime]) -> list[Partition]:
        return [Partition(HOUR, bucket) for bucket in BUCKETS] if table.has_buckets else [Partition(HOUR)]

    def versions(self, table: CassandraTable, hours: Sequence[datetime]) -> Mapping[datetime, Mapping[Partition, int]]:
        pause()
        known = self._versions(table)
        if known is None:
            return {}
        if _VERSIONS_FIRST[table.name] in self.world.off:
            return {HOUR: _LateVersions(known, lambda: self._versions(table))}
        return {HOUR: known}

    def _versions(self, table: CassandraTable) -> dict[Partition, int] | None:
        if table is RAW_EVENTS:
            return {Partition(HOUR, bucket): version for bucket, version in self.world.versions.items()}
        covered = self._covered(table)
        return None if covered is None else {partition: portion.t for partition, portion in covered[1].items()}

    def read(self, table: CassandraTable, partitions: Sequence[Partition]) -> Rows:
        self.world.buckets_read += len(partitions) if table is RAW_EVENTS else 0

        def rows() -> list[Cell]:
            found: list[Cell] = []
            for partition in partitions:
                pause()
                found += self.world.tables[table.name].read(_place(partition))
            return found

        return rows

    def write(self, stage: CassandraTable, rows: Rows, derivation: Derivation, *, t: int) -> Mapping[Partition, Tally]:
        by_partition: dict[Partition, list[Cell]] = {}
        for cell in rows():
            pause()
            partition = Partition(HOUR, cell[0] % len(BUCKETS) if stage.has_buckets else None)
            self.world.tables[stage.name].write(_place(partition), cell[0], cell[1], at=t)
            by_partition.setdefault(partition, []).append(cell)
        return {partition: Tally(len(cells), len(cells)) for partition, cells in by_partition.items()}

    def delete_older(self, stage: CassandraTable, partitions: Sequence[Partition], *, t: int) -> None:
        for partition in partitions:
            pause()
            self.world.tables[stage.name].delete(_place(partition), at=t)

    def cover(self, stage: CassandraTable, result: StageResult, *, t: int, run_id: str) -> None:
        pause()
        self.world.marks.write(0, _number(stage), (result.covered_through_ms[HOUR], result.portions), at=t)
        self.world.surviving_portions[stage.name] = dict(result.portions)

    def by_hour(self, rows: Rows) -> Iterator[tuple[datetime, Iterator[ReportRow]]]:
        found = rows()
        if found:
            yield HOUR, (_report_row(job, count) for job, count, _ in found)


class _LateMark(dict[datetime, int]):
    """The guard taken out: a mark that is looked up only when it is used, after the rows were read."""

    def __init__(self, world: World, stage: CassandraTable) -> None:
        super().__init__(FakeTables(world)._marks(stage))
        self._world, self._stage = world, stage

    def __getitem__(self, hour: datetime) -> int:
        return FakeTables(self._world)._marks(self._stage).get(hour, super().__getitem__(hour))


class _LateVersions(dict[Partition, int]):
    """The guard taken out: versions that are looked up whenever they are used, after the rows were read too."""

    def __init__(self, known: Mapping[Partition, int], look: Callable[[], Mapping[Partition, int] | None]) -> None:
        super().__init__({Partition(HOUR, bucket): 0 for bucket in BUCKETS} | dict(known))
        self._look = look

    def get(self, partition: Partition, default: object = 0) -> int:
        found = self._look()
        return super().get(partition, 0) if found is None else found.get(partition, 0)


class FakeReport:
    """`stages.Report`: rows per job, replaced as one, unless a newer mark is there."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.rows: dict[int, int] = {}
        self.mark = (0, 0)

    def replace_hour(
        self, hour: datetime, rows: Iterable[ReportRow], *, covered_through_ms: int, t: int, run_id: str
    ) -> Published:
        pause()
        if "report_guard" not in self.world.off and self.mark > (covered_through_ms, t):
            return Published(Tally(), stored=False)
        self.rows, self.mark = {row[0]: row[_CLICKS] for row in rows}, (covered_through_ms, t)
        return Published(Tally(), stored=True)


_CLICKS = MYSQL_REPORT.column_names.index("clicks")


def outcome(seed: int, off: frozenset[str] = frozenset()) -> str:
    """Run one schedule, then what is pending until nothing is: 'exact', 'wrong' or 'stuck'."""
    world = World(seed, off)
    unchecked = (
        patch.object(stages, "_require_current", lambda *_: None) if "parts_are_current" in off else nullcontext()
    )
    with unchecked:
        _interleave(world)
        for attempt in range(20):
            world.now_ms += 10 * MS
            if not world.pending():
                return "exact" if world.exact() else "wrong"
            _finish(greenlet(lambda attempt=attempt: world.run(f"retry {attempt}", keep_unchanged=True)))
    return "stuck"


def states_after_runs(seed: int, *, keep_unchanged: bool) -> tuple[list[tuple[list[Cell], dict[int, int]]], int]:
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
        _finish(greenlet(lambda number=number: world.run(f"run {number}", keep_unchanged=keep_unchanged)))
        filtered = world.tables[FILTERED_EVENTS.name]
        rows = sorted((key, job, 0) for bucket in BUCKETS for key, job, _ in filtered.read(bucket))
        states.append((rows, dict(world.report.rows)))
    return states, world.buckets_read


def _interleave(world: World) -> None:
    rng = world.random
    longest_s = rng.choice((1, 6, 15, 40))
    history = rng.choice((0, 0, 3, 6))
    for event in range(history):
        _finish(greenlet(lambda event=event: world.ingest(event)))
    if history:
        _finish(greenlet(lambda: world.run("the first run", keep_unchanged=False)))
        world.pass_time(longest_s)
    actors: list[tuple[greenlet, bool]] = [(_ingest(world, history), False) for _ in range(rng.randint(1, 3))]
    actors += [(_run(world, number), True) for number in range(rng.randint(1, 4))]
    priority = {actor: rng.random() for actor, _ in actors}
    steps = sum(45 if is_run else 3 for _, is_run in actors)
    changes = {rng.randrange(steps): rng.choice(("lower", "lower", "kill")) for _ in range(rng.randint(1, 5))}
    step = 0
    while actors:
        actor, is_run = max(actors, key=lambda pair: priority[pair[0]])
        change = changes.get(step)
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
    """A new event, or one of the history again with other content or erased."""
    event = world.random.randrange(history + 3)
    erase = event < history and world.random.random() < 0.5
    return greenlet(lambda: world.ingest(event, erase=erase))


def _run(world: World, number: int) -> greenlet:
    keep_unchanged = world.random.random() < 0.7
    return greenlet(lambda: world.run(f"run {number}", keep_unchanged=keep_unchanged))


def _finish(actor: greenlet) -> None:
    while not actor.dead:
        actor.switch()


def _number(stage: CassandraTable) -> int:
    return STAGES.index(stage)


def _same(rows: Rows) -> Rows:
    return rows


def _counted(rows: Rows) -> Rows:
    return lambda: [(job, count, 0) for job, count in Counter(int(str(job)) for _, job, _ in rows()).items()]


def _counted_by_bucket(rows: Rows) -> Rows:
    """Keyed by job and bucket; events are keyed so that the rest is the bucket, too."""
    return lambda: [
        (key, count, 0)
        for key, count in Counter(
            int(str(job)) * len(BUCKETS) + event % len(BUCKETS) for event, job, _ in rows()
        ).items()
    ]


def _added_up(rows: Rows) -> Rows:
    def added() -> list[Cell]:
        by_job: Counter[int] = Counter()
        for key, count, _ in rows():
            by_job[key // len(BUCKETS)] += int(str(count))
        return [(job, count, 0) for job, count in by_job.items()]

    return added


_FILTERED: Derivation = StoredHours(RAW_EVENTS).derive(_same, tally=_same)
_REPORTED: Derivation = StoredHours(HOURLY_JOB_METRICS).derive(_same, tally=_same)
_VERSIONS_FIRST = {RAW_EVENTS.name: "versions_before_rows", FILTERED_EVENTS.name: "numbers_before_rows"}
"""The guards that a bucket's version is read before its rows."""


def _counted_from(from_events: int) -> Derivation:
    """Jobs counted directly, or by bucket where there are so many events."""
    by_bucket = ByBucket(
        BUCKET_METRICS,
        parts=StoredHours(FILTERED_EVENTS).derive(_counted_by_bucket, tally=_same),
        total=StoredHours(BUCKET_METRICS).derive(_added_up, tally=_same),
        from_events=from_events,
    )
    return StoredHours(FILTERED_EVENTS).derive(_counted, tally=_same, by_bucket=by_bucket)


def _place(partition: Partition) -> int:
    return partition.bucket or 0


def _report_row(job: int, clicks: object) -> ReportRow:
    row: list[object] = [0] * len(MYSQL_REPORT.columns)
    row[0], row[_CLICKS] = job, clicks
    return tuple(row)

"""A world in which ingest and runs are interleaved step by step, around the real `stages`.

Belongs here: last-write-wins tables as Cassandra's, the guarded report as MySQL's, clocks that differ, and a scheduler
that runs whoever has the highest priority and changes priorities, or kills, at a few random steps. Such schedules find
what uniform random choice misses (Burckhardt and others, "A Randomized Scheduler with Probabilistic Guarantees of
Finding Bugs", ASPLOS 2010). `World.off` names guards to take out, so that each is seen to matter.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from greenlet import getcurrent, greenlet

from recruit_assets import stages
from recruit_assets.contract import (
    CHANGE_SKEW_S,
    FILTERED_EVENTS,
    HOURLY_JOB_METRICS,
    MYSQL_REPORT,
    RAW_EVENTS,
    CassandraTable,
)
from recruit_assets.errors import MissingCoverage
from recruit_assets.stages import Derivation, ReportRow, StageResult, StoredHours, Tally

HOUR = datetime(2026, 1, 5, 7, tzinfo=UTC)
BUCKETS = range(3)
MS = 1000

Cell = tuple[int, object]
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

    def read(self, partition: int) -> dict[int, object]:
        hidden = self.tombstones.get(partition, -1)
        return {k: v for (p, k), (at, v) in self.cells.items() if p == partition and at > hidden and v is not None}


class World:
    """Everything that exists: tables, marks, changes, the report, and how many events there truly are per job."""

    def __init__(self, seed: int, off: frozenset[str] = frozenset()) -> None:
        self.random = random.Random(seed)
        self.off = off
        self.now_ms = 1_000_000
        self.tables = {table.name: LastWriteWins() for table in (RAW_EVENTS, FILTERED_EVENTS, HOURLY_JOB_METRICS)}
        self.marks = LastWriteWins()
        self.changes_ms: list[int] = []
        self.truth: Counter[int] = Counter()
        self.report = FakeReport(self)

    def pass_time(self, most_s: int) -> None:
        self.now_ms += self.random.randint(0, most_s) * MS

    def clock_ms(self) -> int:
        """A coordinator's clock: they differ by less than the skew allowance."""
        return self.now_ms + self.random.randint(-2 * MS, 2 * MS)

    def ingest(self, event: int) -> None:
        """One event: the row, then its change. A killed ingest gets the record again, so it goes on in the end."""
        steps: list[Callable[[], None]] = [lambda: self._store(event), lambda: self.changes_ms.append(self.clock_ms())]
        if "change_after_event" in self.off:
            steps.reverse()
        for step in steps:
            step()
            pause()

    def _store(self, event: int) -> None:
        job = event % 4
        self.truth[job] += 1
        self.now_ms += 1
        self.tables[RAW_EVENTS.name].write(event % len(BUCKETS), event, job, at=self.now_ms * MS)

    def run(self, run_id: str) -> None:
        """The three hourly assets, as Dagster runs them; without its input's coverage a run fails."""
        tables = FakeTables(self)
        try:
            for source, into in ((RAW_EVENTS, FILTERED_EVENTS), (FILTERED_EVENTS, HOURLY_JOB_METRICS)):
                how: Derivation = StoredHours(source).derive(
                    _counted if into is HOURLY_JOB_METRICS else _same, tally=_same
                )
                stages.replace_hours(tables, how, into=into, hours=[HOUR], run_id=run_id)
            how = StoredHours(HOURLY_JOB_METRICS).derive(_same, tally=_same)
            stages.publish_hours(tables, self.report, how, hours=[HOUR], run_id=run_id)
        except MissingCoverage:
            pass

    def pending(self) -> bool:
        newest_ms = max(self.changes_ms, default=None)
        return newest_ms is not None and self.report.mark[0] <= newest_ms + CHANGE_SKEW_S * MS

    def exact(self) -> bool:
        return dict(self.report.rows) == dict(self.truth)


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
        mark = self.world.marks.read(0).get(_number(stage))
        return {} if mark is None else {HOUR: int(str(mark))}

    def read(self, table: CassandraTable, hours: Sequence[datetime]) -> Rows:
        def rows() -> list[Cell]:
            found: list[Cell] = []
            for bucket in BUCKETS:
                pause()
                found += self.world.tables[table.name].read(bucket).items()
            return found

        return rows

    def write(self, stage: CassandraTable, rows: Rows, derivation: Derivation, *, t: int) -> Mapping[datetime, Tally]:
        for key, value in rows():
            pause()
            partition = 0 if stage is HOURLY_JOB_METRICS else key % len(BUCKETS)
            self.world.tables[stage.name].write(partition, key, value, at=t)
        return {}

    def delete_older(self, stage: CassandraTable, hours: Sequence[datetime], *, t: int) -> None:
        for bucket in BUCKETS:
            pause()
            self.world.tables[stage.name].delete(bucket, at=t)

    def cover(self, stage: CassandraTable, result: StageResult, *, t: int, run_id: str) -> None:
        pause()
        self.world.marks.write(0, _number(stage), result.covered_through_ms[HOUR], at=t)

    def by_hour(self, rows: Rows) -> Iterator[tuple[datetime, list[ReportRow]]]:
        found = rows()
        if found:
            yield HOUR, [_report_row(job, count) for job, count in found]


class _LateMark(dict[datetime, int]):
    """The guard taken out: a mark that is looked up only when it is used, after the rows were read."""

    def __init__(self, world: World, stage: CassandraTable) -> None:
        super().__init__(FakeTables(world)._marks(stage))
        self._world, self._stage = world, stage

    def __getitem__(self, hour: datetime) -> int:
        return FakeTables(self._world)._marks(self._stage).get(hour, super().__getitem__(hour))


class FakeReport:
    """`stages.Report`: rows per job, replaced as one, unless a newer mark is there."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.rows: dict[int, int] = {}
        self.mark = (0, 0)

    def replace_hour(
        self, hour: datetime, rows: Sequence[ReportRow], *, covered_through_ms: int, t: int, tally: Tally, run_id: str
    ) -> bool:
        pause()
        if "report_guard" not in self.world.off and self.mark > (covered_through_ms, t):
            return False
        self.rows, self.mark = {row[0]: row[_CLICKS] for row in rows}, (covered_through_ms, t)
        return True


_CLICKS = MYSQL_REPORT.column_names.index("clicks")


def outcome(seed: int, off: frozenset[str] = frozenset()) -> str:
    """Run one schedule, then what is pending until nothing is: 'exact', 'wrong' or 'stuck'."""
    world = World(seed, off)
    _interleave(world)
    for attempt in range(20):
        world.now_ms += 10 * MS
        if not world.pending():
            return "exact" if world.exact() else "wrong"
        _finish(greenlet(lambda attempt=attempt: world.run(f"retry {attempt}")))
    return "stuck"


def _interleave(world: World) -> None:
    rng = world.random
    longest_s = rng.choice((1, 6, 15, 40))
    actors: list[tuple[greenlet, bool]] = [
        (greenlet(lambda event=event: world.ingest(event)), False) for event in range(rng.randint(1, 3))
    ]
    actors += [(greenlet(lambda run=run: world.run(f"run {run}")), True) for run in range(rng.randint(1, 4))]
    priority = {actor: rng.random() for actor, _ in actors}
    steps = sum(30 if is_run else 3 for _, is_run in actors)
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


def _finish(actor: greenlet) -> None:
    while not actor.dead:
        actor.switch()


def _number(stage: CassandraTable) -> int:
    return (RAW_EVENTS, FILTERED_EVENTS, HOURLY_JOB_METRICS).index(stage)


def _same(rows: Rows) -> Rows:
    return rows


def _counted(rows: Rows) -> Rows:
    return lambda: list(Counter(int(str(job)) for _, job in rows()).items())


def _report_row(job: int, clicks: object) -> ReportRow:
    row: list[object] = [0] * len(MYSQL_REPORT.columns)
    row[0], row[_CLICKS] = job, clicks
    return tuple(row)

"""The pipeline from Kafka to the report in one process: real ingest, planning and replacement on stores in memory."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from greenlet import greenlet

from recruit_assets.contract.tables import BUCKET_METRICS, FILTERED_EVENTS, HOURLY_JOB_METRICS, RAW_EVENTS
from recruit_assets.hours.change_feed import DAILY_LOOKBACK, LOOKBACK, read_feed
from recruit_assets.hours.planning import FailedRun, HourRange, plan
from recruit_assets.hours.replacement import PreAggregation, begin_step, publish_hours, read_input, replace_hours
from recruit_assets.ingest.metrics import IngestMetrics
from recruit_assets.ingest.worker import Connections, Worker
from recruit_assets.ingest.writer import EventWriter
from recruit_assets.runtime.errors import MissingCoverage, StoreUnavailable
from recruit_assets.runtime.times import from_ms, to_ms
from recruit_assets.transforms.validate import Limits
from recruit_assets_tests.support.memory_stores import (
    PARTITIONS,
    Crash,
    DeadLettersInMemory,
    FeedInMemory,
    MemberInMemory,
    PendingHoursInMemory,
    ReportInMemory,
    Row,
    Rows,
    Stores,
    TablesInMemory,
    WritesInMemory,
)

FIRST_HOUR = datetime(2026, 1, 5, 8, tzinfo=UTC)
HOURS = [FIRST_HOUR + timedelta(hours=number) for number in range(5)]
COUNTED = {"click": "click", "clicks": "click", "conversion": "conversion", "qualified": "qualified"}


class World(Stores):
    """The stores, and the processes that use them one after the other."""

    def __init__(self, *, by_bucket: bool = False) -> None:
        super().__init__()
        self.first_hour = FIRST_HOUR
        self.by_bucket = PreAggregation(
            BUCKET_METRICS, _counted_by_bucket, _added_up, from_events=0 if by_bucket else 1_000_000
        )
        self.pending_hours = PendingHoursInMemory(self)
        self.failures: list[FailedRun] = []
        self.run_count = 0
        self.stopped_runs: list[greenlet] = []
        self.members: dict[int, MemberInMemory] = {}
        """By number of the consumer."""
        self.workers = [self.new_worker(number) for number in range(PARTITIONS)]

    def new_worker(self, number: int) -> Worker:
        self.members[number] = MemberInMemory(self, number)
        connections = Connections(self.members[number], WritesInMemory(self), DeadLettersInMemory(self))
        return Worker(
            connections,
            limits=Limits(1_000_000, to_ms(self.first_hour)),
            metrics=IngestMetrics(),
            drains=True,
            clock=lambda: self.clock.now_ms / 1000,
            writer=EventWriter(connections.writes, sleep=lambda _: None),
        )

    def ingest(self, number: int, polls: int) -> None:
        """Some turns of a consumer; one that is killed is started again."""
        try:
            for _ in range(polls):
                self.workers[number].run_once()
        except (Crash, StoreUnavailable):
            self.restart(number)

    def restart(self, number: int) -> None:
        self.workers[number] = self.new_worker(number)

    def rebalance(self, owner: list[int]) -> None:
        """Assign the partitions anew; each consumer learns of it when it next asks the group."""
        self.owner = owner
        for member in self.members.values():
            member.rebalanced = True

    def erase(self, create_time: bytes) -> None:
        """Delete an event by hand, and materialize its hour, since no change tells of it."""
        self.clock.now_ms += 10_000  # a run within the clocks' skew after another may count as the older one
        for (table, place), partition in list(self.tables.items()):
            if table == RAW_EVENTS.name and create_time in partition.rows:
                partition.write(create_time, None, at=self.clock.now_ms * 1000)
                self.run(HourRange(place.hour, place.hour), incremental=False)

    def stored(self) -> list[bytes]:
        """create_time of every event in raw_events."""
        raw = [partition.read() for (table, _), partition in self.tables.items() if table == RAW_EVENTS.name]
        return sorted(row["create_time"] for rows in raw for row in rows)

    def tick(self, *, lookback: timedelta = LOOKBACK) -> bool:
        """The sensor reads the feed and its runs are executed; True if nothing was pending."""
        try:
            state = read_feed(FeedInMemory(self), self.pending_hours, lookback=lookback, failures=self.failures)
        except Crash:
            return False
        decided = plan(state.pending, now=state.now, first_hour=self.first_hour, slots=2)
        for hours in decided.requests:
            self.run(hours, incremental=True)
        return not state.pending and not state.behind

    def run(self, hours: HourRange, *, incremental: bool) -> None:
        """The three hourly assets, as a Dagster run materializes them."""
        self.run_count += 1
        try:
            self._materialize(list(hours.hours()), f"run {self.run_count}", incremental=incremental)
        except (Crash, MissingCoverage):
            self.failures.append(FailedRun(hours, from_ms(self.clock.cassandra_ms())))

    def start_run(self, hours: HourRange, *, incremental: bool, stops_at: int) -> None:
        """A run that stops at the n-th call of a store, until it is resumed."""
        run = greenlet(lambda: self.run(hours, incremental=incremental))
        self.fuse.stops[run] = stops_at
        run.switch()
        if not run.dead:
            self.stopped_runs.append(run)

    def resume_run(self) -> None:
        self.stopped_runs.pop(0).switch()

    def _materialize(self, hours: Sequence[datetime], run_id: str, *, incremental: bool) -> None:
        store = TablesInMemory(self)
        step = begin_step(store, run_id, hours)
        rows = read_input(store, step, RAW_EVENTS, hours)
        replace_hours(store, FILTERED_EVENTS, _countable(rows), step, hours, incremental=incremental)
        step = begin_step(store, run_id, hours)
        rows = read_input(store, step, FILTERED_EVENTS, hours)
        replace_hours(
            store, HOURLY_JOB_METRICS, _counted(rows), step, hours,
            incremental=incremental, pre_aggregation=self.by_bucket,
        )  # fmt: skip
        step = begin_step(store, run_id, hours)
        rows = read_input(store, step, HOURLY_JOB_METRICS, hours)
        publish_hours(ReportInMemory(self), store.by_hour(rows), step, hours)

    def settle(self) -> None:
        """Let everything that is under way end, without faults."""
        self.fuse.calls_left, self.failing_writes, self.clock.cassandra_off_ms = None, 0, 0
        while self.stopped_runs:
            self.resume_run()
        while not all(worker.is_idle for worker in self.workers) or self.behind():
            for worker in self.workers:
                worker.run_once()
        self.tick(lookback=DAILY_LOOKBACK)
        for _ in range(100):
            self.clock.now_ms += 60_000
            if self.tick():
                return
        raise AssertionError("hours stay pending")

    def behind(self) -> bool:
        """Whether the group hasn't committed every record."""
        return any(self.topic.committed.get(p, 0) < len(records) for p, records in enumerate(self.topic.records))

    def reported(self) -> dict[tuple[datetime, int], dict[str, int]]:
        """By hour and job: the counts of each action."""
        return {(hour, job): dict(counts) for hour, (_, rows) in self.report.items() for job, counts in rows.items()}


def _countable(rows: Rows) -> Rows:
    return lambda wanted: [
        row | {"action": COUNTED[row["custom_track"]]} for row in rows(wanted) if row["custom_track"] in COUNTED
    ]


def _counted(rows: Rows) -> Rows:
    return lambda wanted: _groups(rows(wanted), ("event_hour", "job_id", "action"))


def _counted_by_bucket(rows: Rows) -> Rows:
    return lambda wanted: _groups(rows(wanted), ("event_hour", "bucket", "job_id", "action"))


_added_up = _counted


def _groups(rows: Iterable[Row], key: tuple[str, ...]) -> list[Row]:
    counts: Counter[tuple[Any, ...]] = Counter()
    for row in rows:
        counts[tuple(row[name] for name in key)] += row.get("events", 1)
    return [dict(zip(key, values, strict=True)) | {"events": events} for values, events in counts.items()]

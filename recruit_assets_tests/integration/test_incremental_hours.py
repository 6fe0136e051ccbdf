"""An hour of which only some buckets changed, on the real engines: the same rows, fewer of them read and counted."""

import random
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from recruit_assets.contract.tables import (
    BUCKET_METRICS,
    FILTERED_EVENTS,
    HOUR_COVERAGE,
    HOURLY_JOB_METRICS,
    RAW_EVENTS,
)
from recruit_assets.contract.types import CassandraTable
from recruit_assets.defs.assets.hourly_job_metrics import BY_BUCKET
from recruit_assets.hours.bucket_state import Tally
from recruit_assets.hours.ports import StageResult
from recruit_assets.hours.replacement import replace_hours
from recruit_assets.ingest.writer import EventWriter, Row
from recruit_assets.runtime.errors import MissingCoverage
from recruit_assets.runtime.settings import Settings
from recruit_assets.stores.cassandra.batch_encoder import raw_row
from recruit_assets.stores.cassandra.event_writes import EventWrites
from recruit_assets.stores.cassandra.hour_tables import CassandraHourTables
from recruit_assets.stores.cassandra.session import CassandraSession, open_session
from recruit_assets.stores.spark.frames import CassandraFrames, kept
from recruit_assets.transforms.validate import Limits, read_event
from recruit_assets_tests.support.builders import as_bytes, uuid1_at
from recruit_assets_tests.support.table_harness import FilteredEvents, HourlyJobMetrics

SEVEN = datetime(2026, 1, 5, 7, tzinfo=UTC)
HOUR_MS = round(SEVEN.timestamp() * 1000)
RECEIVED_MS = 1_767_600_000_000
LIMITS = Limits(max_bytes=1_000_000, first_hour_ms=0)
BUCKETS = 48
ROUNDS = 4


class Hour:
    """Raw events and versions as ingest writes them, and the stage over them."""

    def __init__(self, session: CassandraSession, frames: CassandraFrames) -> None:
        self.session, self.tables = session, CassandraHourTables(session, frames)
        self.writer = EventWriter(EventWrites(session))
        self.runs = 0

    def receive(self, event: int, *, job: int, second: int, track: str = "click") -> None:
        """Event n is in bucket n; a later second replaces an earlier one."""
        fields = {"create_time": str(uuid1_at(SEVEN, seed=event)), "custom_track": track, "job_id": job}
        received_ms = RECEIVED_MS + second * 1000
        read = read_event(as_bytes(fields), received_ms, limits=LIMITS)
        partition = HOUR_MS, event % BUCKETS
        row = Row(0, raw_row(read, partition, received_at_ms=received_ms))
        self.writer.wait_durable(self.writer.submit([(partition, row)]))

    def erase(self, event: int) -> None:
        """By hand, behind the back of ingest."""
        self.session.execute(
            f"DELETE FROM {self.session.table(RAW_EVENTS)} WHERE event_hour = %s AND bucket = %s AND create_time = %s",
            (SEVEN, event % BUCKETS, uuid1_at(SEVEN, seed=event)),
        )

    def run(self, *, keep_unchanged: bool = True) -> StageResult:
        self.runs += 1
        how, into, run_id = FilteredEvents.how, FilteredEvents.into, f"run {self.runs}"
        return replace_hours(self.tables, how, into=into, hours=[SEVEN], run_id=run_id, keep_unchanged=keep_unchanged)

    def count(self, *, by_bucket: bool) -> StageResult:
        """The metrics, by bucket however few the events are, or of the whole hour."""
        self.runs += 1
        detour = replace(BY_BUCKET, from_events=0)
        how, into, run_id = replace(HourlyJobMetrics.how, by_bucket=detour), HourlyJobMetrics.into, f"run {self.runs}"
        return replace_hours(self.tables, how, into=into, hours=[SEVEN], run_id=run_id, keep_unchanged=by_bucket)

    def metrics(self) -> list[tuple[object, ...]]:
        return sorted(self.session.execute(f"SELECT * FROM {self.session.table(HOURLY_JOB_METRICS)}"))

    def counted_buckets(self) -> set[int]:
        """Those that the last run by bucket counted."""
        by_t: dict[int, set[int]] = {}
        for bucket, t in self.session.execute(
            f"SELECT bucket, WRITETIME(clicks) FROM {self.session.table(BUCKET_METRICS)}"
        ):
            by_t.setdefault(t, set()).add(bucket)
        return by_t[max(by_t)]

    def rows(self) -> list[tuple[object, ...]]:
        table = self.session.table(FILTERED_EVENTS)
        return sorted(self.session.execute(f"SELECT bucket, create_time, job_id, received_at, action FROM {table}"))


@pytest.fixture
def hour(settings: Settings, frames: CassandraFrames) -> Iterator[Hour]:
    with open_session(settings) as session:
        yield Hour(session, frames)


def test_only_changed_buckets_are_read_and_replaced(hour: Hour) -> None:
    for event in range(3):
        hour.receive(event, job=1, second=0)
    hour.receive(3, job=1, second=0, track="scroll")
    assert hour.run().partitions_read == BUCKETS
    before = hour.rows()

    hour.receive(0, job=2, second=1)
    hour.receive(48, job=3, second=1)
    hour.receive(3, job=4, second=1)
    result = hour.run()

    assert result.partitions_read == 2
    assert result.tallies == {SEVEN: Tally(5, 5)}
    assert sorted((bucket, job) for bucket, _, job, *_ in hour.rows()) == [(0, 2), (0, 3), (1, 1), (2, 1), (3, 4)]
    assert before[2] in hour.rows()
    assert hour.run().partitions_read == 0


def test_what_was_erased_by_hand_is_gone_after_a_run_of_the_whole_hour(hour: Hour) -> None:
    hour.receive(0, job=1, second=0)
    hour.receive(1, job=1, second=0)
    hour.run()
    hour.erase(0)

    assert hour.run(keep_unchanged=False).tallies == {SEVEN: Tally(1, 1)}
    assert len(hour.rows()) == 1


def test_what_a_killed_run_left_is_not_kept(hour: Hour, monkeypatch: pytest.MonkeyPatch) -> None:
    hour.receive(0, job=1, second=0)
    hour.run()
    hour.receive(0, job=2, second=1)
    with monkeypatch.context() as patch:
        patch.setattr(hour.tables, "cover", lambda *_, **__: None)
        hour.run()

    assert hour.run().partitions_read == BUCKETS
    assert [job for _, _, job, *_ in hour.rows()] == [2]


def test_a_coverage_that_tells_nothing_of_its_buckets_is_no_base(hour: Hour) -> None:
    hour.receive(0, job=1, second=0)
    result = hour.run()
    hour.session.execute(
        f"DELETE buckets FROM {hour.session.table(HOUR_COVERAGE)} USING TIMESTAMP {result.t + 2} "
        "WHERE event_hour = %s AND stage = 'filtered_events'",
        (SEVEN,),
    )

    assert hour.run().partitions_read == BUCKETS


def test_rows_that_a_run_keeps_stay_as_it_read_them(hour: Hour, frames: CassandraFrames) -> None:
    """What is told of them would else be of others than those that are written."""
    bucket = [(int(SEVEN.timestamp()), 0)]
    hour.receive(0, job=1, second=0)

    with kept(frames.by_key(RAW_EVENTS, bucket)) as rows:
        assert rows.count() == 1
        hour.receive(BUCKETS, job=1, second=1)
        assert (rows.count(), frames.by_key(RAW_EVENTS, bucket).count()) == (1, 2)


def test_incremental_and_full_runs_leave_the_same_rows(hour: Hour) -> None:
    """A random history of new, late, repeated, replaced and uncountable events."""
    history = random.Random(5)
    for number in range(ROUNDS):
        receive_some(hour, history, number)
        result = hour.run()
        rows = hour.rows()
        full = hour.run(keep_unchanged=False)
        assert (rows, result.tallies) == (hour.rows(), full.tallies)
        assert number == 0 or 0 < result.partitions_read < BUCKETS


def test_metrics_by_bucket_and_of_the_whole_hour_are_the_same(hour: Hour) -> None:
    history = random.Random(7)
    for number in range(ROUNDS):
        receive_some(hour, history, number)
        hour.run()
        by_bucket = hour.count(by_bucket=True)
        metrics = hour.metrics()
        whole = hour.count(by_bucket=False)
        assert metrics
        assert (metrics, by_bucket.tallies) == (hour.metrics(), whole.tallies)


def test_only_changed_buckets_are_counted_again(hour: Hour) -> None:
    for event in range(3):
        hour.receive(event, job=1, second=0)
    hour.run()
    hour.count(by_bucket=True)
    assert hour.counted_buckets() == {0, 1, 2}

    hour.receive(1, job=2, second=1)
    hour.run()
    result = hour.count(by_bucket=True)

    assert hour.counted_buckets() == {1}
    assert result.tallies == {SEVEN: Tally(2, 3)}


def test_a_bucket_without_countable_events_any_more_is_counted_as_such(hour: Hour) -> None:
    hour.receive(0, job=1, second=0)
    hour.receive(1, job=1, second=0)
    hour.run()
    hour.count(by_bucket=True)
    hour.receive(1, job=1, second=1, track="scroll")
    hour.run()

    assert hour.count(by_bucket=True).tallies == {SEVEN: Tally(1, 1)}


def test_parts_that_another_run_outdated_are_not_added_up(hour: Hour, monkeypatch: pytest.MonkeyPatch) -> None:
    hour.receive(0, job=1, second=0)
    hour.run()
    cover = hour.tables.cover

    def cover_and_be_overtaken(stage: CassandraTable, result: StageResult, *, t: int, run_id: str) -> None:
        cover(stage, result, t=t, run_id=run_id)
        if stage is BUCKET_METRICS:
            hour.run(keep_unchanged=False)

    with monkeypatch.context() as patch:
        patch.setattr(hour.tables, "cover", cover_and_be_overtaken)
        with pytest.raises(MissingCoverage, match="2026-01-05 07:00"):
            hour.count(by_bucket=True)

    assert hour.count(by_bucket=True).tallies == {SEVEN: Tally(1, 1)}


def receive_some(hour: Hour, history: random.Random, number: int) -> None:
    """Twenty events of the round, some of them twice."""
    for _ in range(20):
        event, job, second = history.randrange(200), history.randrange(5), 2 * number + history.randrange(2)
        track = history.choice(["click", "clicks", "conversion", "scroll"])
        for _ in range(history.choice([1, 1, 2])):
            hour.receive(event, job=job, second=second, track=track)

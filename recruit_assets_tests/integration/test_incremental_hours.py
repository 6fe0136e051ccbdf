"""An hour of which only some buckets changed, on the real engines: the same rows, fewer of them read and counted."""

import random
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pyspark.sql import DataFrame

from recruit_assets.contract.attribution import DEFAULT, Attribution, attribution
from recruit_assets.contract.tables import (
    BUCKET_METRICS,
    FILTERED_EVENTS,
    HOUR_COVERAGE,
    HOURLY_JOB_METRICS,
    RAW_EVENTS,
)
from recruit_assets.contract.types import HourTable
from recruit_assets.defs.io_managers.cassandra import CassandraIOManager
from recruit_assets.hours.bucket_state import Partition, RowCounts
from recruit_assets.hours.replacement import Replaced, begin_step, read_input
from recruit_assets.ingest.batches import Row
from recruit_assets.ingest.writer import EventWriter
from recruit_assets.runtime.settings import Settings
from recruit_assets.stores.cassandra.batch_encoder import raw_row
from recruit_assets.stores.cassandra.event_writes import EventWrites
from recruit_assets.stores.cassandra.hour_tables import CassandraHourStore
from recruit_assets.stores.cassandra.session import CassandraSession, open_session
from recruit_assets.stores.spark.frames import CassandraFrames, cached
from recruit_assets.transforms.attribution import countable_with_found_jobs
from recruit_assets.transforms.hourly import count_actions, count_actions_by_bucket, countable
from recruit_assets.transforms.validate import Limits, read_event
from recruit_assets_tests.support.builders import as_bytes, uuid1_at
from recruit_assets_tests.support.table_harness import replace_from

SEVEN = datetime(2026, 1, 5, 7, tzinfo=UTC)
HOUR_MS = round(SEVEN.timestamp() * 1000)
RECEIVED_MS = 1_767_600_000_000
LIMITS = Limits(max_bytes=1_000_000, first_hour_ms=0)
BUCKETS = 48
RULES = attribution(["job_id", "ed.jobId", "dl"], "/job/(?<job_id>[0-9]+)")
ROUNDS = 4


class Hour:
    """Raw events and bucket versions as ingest writes them, and the tables that runs derive from them."""

    def __init__(self, session: CassandraSession, frames: CassandraFrames) -> None:
        self.session, self.store = session, CassandraHourStore(session, frames)
        self.writer = EventWriter(EventWrites(session))
        self.runs = 0

    def receive(self, event: int, *, job: int | None, second: int, track: str = "click", ed: str | None = None) -> None:
        """Event n is in bucket n; a later second replaces an earlier one."""
        fields = {"create_time": str(uuid1_at(SEVEN, seed=event)), "custom_track": track, "job_id": job, "ed": ed}
        received_ms = RECEIVED_MS + second * 1000
        read = read_event(as_bytes(fields), received_ms, limits=LIMITS)
        partition = HOUR_MS, event % BUCKETS
        row = Row(0, raw_row(read, partition, received_at_ms=received_ms))
        self.writer.wait_durable(self.writer.submit([row]))

    def erase(self, event: int) -> None:
        """Delete an event directly in Cassandra."""
        self.session.execute(
            f"DELETE FROM {self.session.table(RAW_EVENTS)} WHERE event_hour = %s AND bucket = %s AND create_time = %s",
            (SEVEN, event % BUCKETS, uuid1_at(SEVEN, seed=event)),
        )

    def run(self, *, incremental: bool = True, rules: Attribution = DEFAULT) -> Replaced:
        self.runs += 1
        return replace_from(
            self.store, RAW_EVENTS, lambda rows: countable_with_found_jobs(rows, rules), FILTERED_EVENTS, [SEVEN],
            run_id=f"run {self.runs}", incremental=incremental, computed_by=rules.recorded,
        )  # fmt: skip

    def count(self, *, by_bucket: bool) -> Replaced:
        """Compute the metrics, by bucket even for few events, or for the whole hour."""
        self.runs += 1
        pre_aggregation = replace(CassandraIOManager.pre_aggregations[HOURLY_JOB_METRICS.name], from_events=0)
        return replace_from(
            self.store, FILTERED_EVENTS, count_actions, HOURLY_JOB_METRICS, [SEVEN],
            run_id=f"run {self.runs}", incremental=by_bucket, pre_aggregation=pre_aggregation,
        )  # fmt: skip

    def metrics(self) -> list[tuple[object, ...]]:
        return sorted(self.session.execute(f"SELECT * FROM {self.session.table(HOURLY_JOB_METRICS)}"))

    def counted_buckets(self) -> set[int]:
        """The buckets that the last run by bucket counted."""
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
    assert hour.run().partitions_read == 4
    before = hour.rows()

    hour.receive(0, job=2, second=1)
    hour.receive(48, job=3, second=1)
    hour.receive(3, job=4, second=1)
    result = hour.run()

    assert result.partitions_read == 2
    assert result.counts == {SEVEN: RowCounts(5, 5)}
    assert sorted((bucket, job) for bucket, _, job, *_ in hour.rows()) == [(0, 2), (0, 3), (1, 1), (2, 1), (3, 4)]
    assert before[2] in hour.rows()
    assert hour.run().partitions_read == 0


def test_events_deleted_by_hand_are_gone_after_a_run_of_the_whole_hour(hour: Hour) -> None:
    hour.receive(0, job=1, second=0)
    hour.receive(1, job=1, second=0)
    hour.run()
    hour.erase(0)

    assert hour.run(incremental=False).counts == {SEVEN: RowCounts(1, 1)}
    assert len(hour.rows()) == 1


def test_rows_that_a_killed_run_left_are_replaced(hour: Hour, monkeypatch: pytest.MonkeyPatch) -> None:
    hour.receive(0, job=1, second=0)
    hour.receive(1, job=1, second=0)
    hour.run()
    hour.receive(0, job=2, second=1)
    with monkeypatch.context() as patch:
        patch.setattr(hour.store, "cover", lambda *_, **__: None)
        hour.run()

    assert hour.run().partitions_read == 2
    assert [job for _, _, job, *_ in hour.rows()] == [2, 1]


def test_a_coverage_without_bucket_versions_makes_the_run_read_the_whole_hour(hour: Hour) -> None:
    hour.receive(0, job=1, second=0)
    hour.receive(1, job=1, second=0)
    result = hour.run()
    hour.session.execute(
        f"DELETE buckets FROM {hour.session.table(HOUR_COVERAGE)} USING TIMESTAMP {result.write_timestamp + 2} "
        "WHERE event_hour = %s AND stage = 'filtered_events'",
        (SEVEN,),
    )

    assert hour.run().partitions_read == 2


def test_cached_rows_do_not_change_when_the_table_does(hour: Hour, frames: CassandraFrames) -> None:
    """Otherwise a run could record other counts than those of the rows that it writes."""
    bucket = [(int(SEVEN.timestamp()), 0)]
    hour.receive(0, job=1, second=0)

    with cached(frames.by_key(RAW_EVENTS, bucket)) as rows:
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
        full = hour.run(incremental=False)
        assert (rows, result.counts) == (hour.rows(), full.counts)
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
        assert (metrics, by_bucket.counts) == (hour.metrics(), whole.counts)


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
    assert result.counts == {SEVEN: RowCounts(2, 3)}


def test_a_bucket_that_has_lost_its_countable_events_adds_nothing(hour: Hour) -> None:
    hour.receive(0, job=1, second=0)
    hour.receive(1, job=1, second=0)
    hour.run()
    hour.count(by_bucket=True)
    hour.receive(1, job=1, second=1, track="scroll")
    hour.run()

    assert hour.count(by_bucket=True).counts == {SEVEN: RowCounts(1, 1)}


def test_rows_of_other_rules_are_not_kept_and_each_rules_events_are_counted(hour: Hour) -> None:
    hour.receive(0, job=1, second=0)
    hour.receive(1, job=None, second=0, ed='{"jobId":7}')
    hour.receive(2, job=None, second=0, ed="{}")
    assert hour.run().counts == {SEVEN: RowCounts(1, 1, unattributed=2)}

    first, again = hour.run(rules=RULES), hour.run(rules=RULES)

    assert (first.partitions_read, again.partitions_read) == (3, 0)
    assert first.counts == again.counts == {SEVEN: RowCounts(2, 2, unattributed=1, by_rule=(1, 1))}
    assert [job for _, _, job, *_ in hour.rows()] == [1, 7]
    assert hour.run().counts == {SEVEN: RowCounts(1, 1, unattributed=2)}


def test_if_the_input_is_replaced_meanwhile_the_metrics_cover_only_what_was_read(
    hour: Hour, monkeypatch: pytest.MonkeyPatch
) -> None:
    hour.receive(0, job=1, second=0)
    hour.run()
    cover = hour.store.cover

    def cover_and_be_overtaken(table: HourTable, *args: Any, **kwargs: Any) -> None:
        cover(table, *args, **kwargs)
        if table is BUCKET_METRICS:
            hour.receive(1, job=1, second=1)
            hour.run()

    with monkeypatch.context() as patch:
        patch.setattr(hour.store, "cover", cover_and_be_overtaken)
        assert hour.count(by_bucket=True).counts == {SEVEN: RowCounts(1, 1)}

    filtered, metrics = (hour.store.coverage(t, [SEVEN])[SEVEN] for t in (FILTERED_EVENTS, HOURLY_JOB_METRICS))
    assert metrics.covered_through_ms < filtered.covered_through_ms
    assert hour.count(by_bucket=True).counts == {SEVEN: RowCounts(1, 2)}


@pytest.mark.parametrize(
    "body",
    [
        countable,
        lambda rows: count_actions_by_bucket(countable(rows)),
        lambda rows: countable_with_found_jobs(rows, RULES),
        lambda rows: count_actions_by_bucket(countable_with_found_jobs(rows, RULES)),
    ],
)
def test_rows_of_some_buckets_are_read_by_their_keys(hour: Hour, body: Callable[[DataFrame], DataFrame]) -> None:
    """A filter after the join would read the whole hour; a scan would read the whole table."""
    for event in range(4):
        hour.receive(event, job=1, second=0)
    step = begin_step(hour.store, "a run", [SEVEN, SEVEN + timedelta(hours=1)])
    rows = body(read_input(hour.store, step, RAW_EVENTS, [SEVEN, SEVEN + timedelta(hours=1)]))

    narrowed = hour.store.narrow(rows, [Partition(SEVEN, 1), Partition(SEVEN, 3)])

    assert {row["bucket"] for row in narrowed.collect()} == {1, 3}
    plan = narrowed._jdf.queryExecution().executedPlan().toString()
    assert "Cassandra Direct Join" in plan
    assert "CassandraScan" not in plan
    keys_filter = plan.rindex("Filter")
    assert keys_filter > plan.index("Cassandra Direct Join"), plan


def receive_some(hour: Hour, history: random.Random, number: int) -> None:
    """Receive twenty random events of the round, some of them twice."""
    for _ in range(20):
        event, job, second = history.randrange(200), history.randrange(5), 2 * number + history.randrange(2)
        track = history.choice(["click", "clicks", "conversion", "scroll"])
        for _ in range(history.choice([1, 1, 2])):
            hour.receive(event, job=job, second=second, track=track)

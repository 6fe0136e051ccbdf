"""filtered_events when only some buckets of an hour changed, on the real engines: the same rows, fewer of them read."""

import random
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from recruit_assets.contract import FILTERED_EVENTS, HOUR_COVERAGE, RAW_EVENTS
from recruit_assets.portions import Tally
from recruit_assets.settings import Settings
from recruit_assets.stages import StageResult, replace_hours
from recruit_assets.stores.cassandra import CassandraSession, open_session
from recruit_assets.stores.hour_tables import CassandraHourTables
from recruit_assets.stores.spark import CassandraFrames, kept
from recruit_assets_tests.support.builders import uuid1_at
from recruit_assets_tests.support.sinks import FilteredEvents

SEVEN = datetime(2026, 1, 5, 7, tzinfo=UTC)
RECEIVED_MS = 1_767_600_000_000
BUCKETS = 48
ROUNDS = 4


class Hour:
    """Raw events as ingest writes them, and the stage over them."""

    def __init__(self, session: CassandraSession, frames: CassandraFrames) -> None:
        self.session, self.tables = session, CassandraHourTables(session, frames)
        self.runs = 0

    def receive(self, event: int, *, job: int, second: int, track: str = "click") -> None:
        """Event n is in bucket n; a later second replaces an earlier one."""
        received_ms = RECEIVED_MS + second * 1000
        self.session.execute(
            f"INSERT INTO {self.session.table(RAW_EVENTS)} "
            "(event_hour, bucket, create_time, event_time, received_at, custom_track, job_id) "
            f"VALUES (%s, %s, %s, %s, %s, %s, %s) USING TIMESTAMP {received_ms * 1000}",
            (SEVEN, event % BUCKETS, uuid1_at(SEVEN, seed=event), SEVEN, received_ms, track, job),
        )

    def erase(self, event: int) -> None:
        self.session.execute(
            f"DELETE FROM {self.session.table(RAW_EVENTS)} WHERE event_hour = %s AND bucket = %s AND create_time = %s",
            (SEVEN, event % BUCKETS, uuid1_at(SEVEN, seed=event)),
        )

    def run(self, *, keep_unchanged: bool = True) -> StageResult:
        self.runs += 1
        how, into, run_id = FilteredEvents.how, FilteredEvents.into, f"run {self.runs}"
        return replace_hours(self.tables, how, into=into, hours=[SEVEN], run_id=run_id, keep_unchanged=keep_unchanged)

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
    hour.erase(1)
    hour.receive(3, job=4, second=1)
    result = hour.run()

    assert result.partitions_read == 3
    assert result.tallies == {SEVEN: Tally(4, 4)}
    assert sorted((bucket, job) for bucket, _, job, *_ in hour.rows()) == [(0, 2), (0, 3), (2, 1), (3, 4)]
    assert before[2] in hour.rows()
    assert hour.run().partitions_read == 0


def test_what_a_killed_run_left_is_not_kept(hour: Hour, monkeypatch: pytest.MonkeyPatch) -> None:
    hour.receive(0, job=1, second=0)
    hour.run()
    hour.receive(0, job=2, second=1)
    with monkeypatch.context() as patch:
        patch.setattr(hour.tables, "cover", lambda *_, **__: None)
        hour.run()

    assert hour.run().partitions_read == BUCKETS
    assert [job for _, _, job, *_ in hour.rows()] == [2]


def test_a_coverage_from_before_portions_were_kept_is_no_base(hour: Hour) -> None:
    hour.receive(0, job=1, second=0)
    result = hour.run()
    hour.session.execute(
        f"DELETE portions FROM {hour.session.table(HOUR_COVERAGE)} USING TIMESTAMP {result.t + 2} "
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
    """A random history of new, replaced, uncountable and erased events."""
    history = random.Random(5)
    for number in range(ROUNDS):
        for _ in range(20):
            event = history.randrange(200)
            if history.random() < 0.2:
                hour.erase(event)
            else:
                track = history.choice(["click", "clicks", "conversion", "scroll"])
                hour.receive(event, job=history.randrange(5), second=2 * number + history.randrange(2), track=track)
        result = hour.run()
        rows = hour.rows()
        full = hour.run(keep_unchanged=False)
        assert (rows, result.tallies) == (hour.rows(), full.tallies)
        assert number == 0 or 0 < result.partitions_read < BUCKETS

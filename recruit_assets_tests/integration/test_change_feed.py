"""The change feed on the real stores: what a tick finds, what it costs, and what survives a crash."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta

import pytest

from recruit_assets.contract.tables import CHANGE_SHARDS, EVENT_CHANGES
from recruit_assets.hours.change_feed import DAILY_LOOKBACK, FeedState, read_feed
from recruit_assets.hours.planning import FailedRun, HourRange
from recruit_assets.hours.ports import ChangePage
from recruit_assets.runtime.errors import StoreUnavailable
from recruit_assets.runtime.settings import Settings
from recruit_assets.stores.cassandra.change_reader import ChangeReader
from recruit_assets.stores.cassandra.session import CassandraSession, open_session
from recruit_assets.stores.mysql import pending_hours
from recruit_assets.stores.mysql.connection import ReportDatabase, open_report_database
from recruit_assets.stores.mysql.pending_hours import PendingHours
from recruit_assets_tests.support.builders import uuid1_at
from recruit_assets_tests.support.waiting import wait_until

SEVEN = datetime(2026, 1, 5, 7, tzinfo=UTC)
EIGHT = SEVEN + timedelta(hours=1)
REPORTED_EVENTS = 7


class Feed:
    """Both stores, changes at any time, and the tick under test."""

    def __init__(self, session: CassandraSession, database: ReportDatabase) -> None:
        self.session, self.database = session, database
        self.seed = 0

    def now(self) -> datetime:
        return datetime.fromtimestamp(self.session.now_ms() / 1000, UTC)

    def change(self, hour: datetime, *, at: datetime) -> None:
        self.changes({hour: at})

    def changes(self, times: Mapping[datetime, datetime]) -> None:
        """A change row for each hour, written at its time."""
        insert = self.session.prepare(
            f"INSERT INTO {self.session.table(EVENT_CHANGES)} (day, shard, changed_at, event_hour, buckets, row_count) "
            "VALUES (?, ?, ?, ?, {0}, 1)"
        )
        self.session.execute_concurrent([(insert, self._change_row(hour, at)) for hour, at in times.items()])

    def _change_row(self, hour: datetime, at: datetime) -> tuple[object, ...]:
        self.seed += 1
        return (at.date(), int(hour.timestamp()) // 3600 % CHANGE_SHARDS, uuid1_at(at, seed=self.seed), hour)

    def report(self, hour: datetime, *, covered_through: datetime) -> None:
        self.database.query(
            "REPLACE INTO report_hours (event_hour, covered_through, t, row_count, event_count, run_id) "
            "VALUES (%s, %s, 1, 0, %s, '')",
            (hour.replace(tzinfo=None), covered_through.replace(tzinfo=None), REPORTED_EVENTS),
        )

    def tick(self, **options: object) -> FeedState:
        return read_feed(ChangeReader(self.session), PendingHours(self.database), **options)  # type: ignore[arg-type]  # passed on as given

    def pending(self, **options: object) -> list[datetime]:
        return [one.hour for one in self.tick(**options).pending]

    def checkpoint(self) -> list[tuple[object, ...]]:
        return self.database.query("SELECT low_water FROM change_feed_mark")


@pytest.fixture
def feed(settings: Settings) -> Iterator[Feed]:
    with open_session(settings) as session, open_report_database(settings) as database:
        yield Feed(session, database)


def test_the_first_reading_begins_with_the_oldest_change(feed: Feed) -> None:
    feed.change(SEVEN, at=feed.now() - timedelta(days=89))

    state = feed.tick()

    assert [one.hour for one in state.pending] == [SEVEN]
    assert state.checkpoint == state.now


def test_an_hour_is_pending_until_the_report_covers_its_newest_change(feed: Feed) -> None:
    changed_at = feed.now().replace(microsecond=0) - timedelta(minutes=1)
    feed.change(SEVEN, at=changed_at)
    assert feed.pending() == [SEVEN]

    feed.report(SEVEN, covered_through=changed_at + timedelta(seconds=5))
    assert feed.pending() == [SEVEN]

    feed.report(SEVEN, covered_through=changed_at + timedelta(seconds=6))
    assert feed.pending() == []

    feed.change(SEVEN, at=changed_at + timedelta(seconds=50))
    assert feed.pending() == [SEVEN]


def test_a_change_read_twice_is_harmless(feed: Feed) -> None:
    feed.change(SEVEN, at=feed.now())

    first, second = feed.tick(), feed.tick()

    assert first.pending == second.pending
    assert second.changes_read == 1


def test_a_change_that_became_visible_90_seconds_late_is_found(feed: Feed) -> None:
    """Its coordinator was paused between its clock and its write: a checkpoint alone would have passed it."""
    feed.tick()

    feed.change(SEVEN, at=feed.now() - timedelta(seconds=90))

    assert feed.pending() == [SEVEN]


def test_a_change_a_day_late_is_found_by_the_daily_reading(feed: Feed) -> None:
    feed.tick()
    feed.change(SEVEN, at=feed.now() - timedelta(days=1))
    assert feed.pending() == []

    assert feed.pending(lookback=DAILY_LOOKBACK) == [SEVEN]


def test_the_checkpoint_is_never_ahead_of_what_was_read(feed: Feed) -> None:
    noon = feed.now().replace(hour=12) - timedelta(days=1)  # changes just before midnight would be read twice
    for days in range(5):
        feed.change(SEVEN - timedelta(days=days), at=noon - timedelta(days=days))

    state = feed.tick(rows_per_tick=2)

    assert state.behind
    assert [one.hour for one in state.pending] == [SEVEN - timedelta(days=4), SEVEN - timedelta(days=3)]
    assert feed.checkpoint() == [(state.checkpoint.replace(tzinfo=None),)]
    feed.tick(rows_per_tick=2)
    assert len(feed.pending(rows_per_tick=2)) == 5


def test_a_slower_reader_does_not_move_the_checkpoint_back(feed: Feed) -> None:
    state = feed.tick()

    PendingHours(feed.database).record(
        ChangePage({}, state.checkpoint - timedelta(hours=1), row_count=0), now=state.now
    )

    assert feed.checkpoint() == [(state.checkpoint.replace(tzinfo=None),)]


def test_a_crash_between_two_statements_leaves_checkpoint_and_hours_as_they_were(
    feed: Feed, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A checkpoint that moves alone loses every change before it."""
    feed.tick()
    checkpoint = feed.checkpoint()
    feed.change(SEVEN, at=feed.now())

    def crash(*_: object, **__: object) -> None:
        raise StoreUnavailable("killed after the checkpoint moved")

    with monkeypatch.context() as patched:
        patched.setattr(pending_hours, "_add", crash)
        patched.setattr("recruit_assets.stores.mysql.connection.TRANSACTION_TRIES", 1)
        with pytest.raises(StoreUnavailable, match="killed after the checkpoint moved"):
            feed.tick()

    assert feed.checkpoint() == checkpoint
    assert feed.database.query("SELECT * FROM pending_hours") == []
    assert feed.pending() == [SEVEN]


def test_failures_are_counted_and_forgotten_after_a_success(feed: Feed) -> None:
    now = feed.now() - timedelta(minutes=1)
    PendingHours(feed.database).record(ChangePage({SEVEN: now}, now, row_count=0), now=now)
    failure = FailedRun(HourRange(SEVEN, SEVEN), ended_at=now + timedelta(seconds=20))

    counted = [feed.tick(failures=[failure]).pending[0] for _ in range(2)]
    feed.change(SEVEN, at=now + timedelta(seconds=40))
    feed.report(SEVEN, covered_through=now + timedelta(seconds=30))
    (forgiven,) = feed.tick(failures=[failure]).pending

    assert [(one.attempts, one.next_try_at) for one in counted] == [(1, failure.ended_at + timedelta(seconds=30))] * 2
    assert forgiven.attempts == 0


def test_a_checkpoint_in_the_future_is_not_believed(feed: Feed) -> None:
    """Cassandra's clock was ahead and was set back: until time got there, no change would be read."""
    now = feed.now()
    PendingHours(feed.database).record(ChangePage({}, now + timedelta(days=3), row_count=0), now=now)
    feed.change(SEVEN, at=now - timedelta(days=5))
    feed.change(EIGHT, at=now + timedelta(days=2))

    first, second = feed.tick(), feed.tick()

    assert first.set_back_from == now + timedelta(days=3)
    assert [one.hour for one in first.pending] == [SEVEN, EIGHT]
    assert all(one.newest_change <= first.now for one in first.pending)
    assert (second.set_back_from, second.changes_read) == (None, 0)
    assert feed.checkpoint() == [(second.now.replace(tzinfo=None),)]


def test_a_checkpoint_within_the_skew_of_two_clocks_is_believed(feed: Feed) -> None:
    now = feed.now()
    PendingHours(feed.database).record(ChangePage({}, now + timedelta(seconds=4), row_count=0), now=now)

    assert feed.tick().set_back_from is None


def test_a_coverage_in_the_future_is_not_believed(feed: Feed) -> None:
    """Changes until that time would count as reported."""
    feed.tick()
    feed.report(SEVEN, covered_through=feed.now() + timedelta(days=3))
    feed.report(EIGHT, covered_through=feed.now())
    assert feed.pending() == [SEVEN]

    def covered_now() -> bool:
        feed.report(SEVEN, covered_through=feed.now())
        return feed.pending() == []

    wait_until(covered_now, timeout_s=60, what="a coverage more than 5 s after the withdrawal")


def test_a_pending_hour_says_what_the_report_has_of_it(feed: Feed) -> None:
    """How long it rests depends on both."""
    changed_at = feed.now().replace(microsecond=0) - timedelta(minutes=1)
    feed.change(SEVEN, at=changed_at)
    feed.report(SEVEN, covered_through=changed_at)

    (pending,) = feed.tick().pending

    assert (pending.covered_through, pending.reported_events) == (changed_at, REPORTED_EVENTS)


def test_an_hour_whose_change_lies_in_the_future_is_pending_until_the_report_covers_it(feed: Feed) -> None:
    changed_at = feed.now() + timedelta(hours=1)
    feed.change(SEVEN, at=changed_at)
    PendingHours(feed.database).record(ChangePage({SEVEN: changed_at}, feed.now(), row_count=0), now=feed.now())
    (pending,) = feed.tick().pending
    assert pending.newest_change <= feed.now()

    feed.report(SEVEN, covered_through=pending.newest_change + timedelta(seconds=6))
    assert feed.pending() in ([], [SEVEN])  # EIGHT


def test_the_daily_reading_finds_changes_in_the_future(feed: Feed) -> None:
    """No reading was made while the clock was ahead, so no checkpoint shows it."""
    feed.tick()
    feed.change(SEVEN, at=feed.now() + timedelta(days=2))
    assert feed.pending() == []

    assert feed.pending(lookback=DAILY_LOOKBACK) == [SEVEN]


def test_a_tick_reads_as_much_with_ten_times_the_history(feed: Feed) -> None:
    add_history(feed, hours=50)
    for n in range(3):
        feed.change(SEVEN - timedelta(hours=n), at=feed.now())
    feed.tick()
    cost = cost_of_a_tick(feed)

    add_history(feed, hours=500)

    assert cost_of_a_tick(feed) == cost


def add_history(feed: Feed, *, hours: int) -> None:
    """Reported hours with rows, and their changes of days ago."""
    now = feed.now()
    rows, coverages, changes = [], [], {}
    for n in range(3, hours):
        hour = SEVEN - timedelta(hours=n)
        coverages.append((hour.replace(tzinfo=None), now.replace(tzinfo=None)))
        for job in range(60):
            rows.append((job, hour.date(), hour.hour, hour.replace(tzinfo=None)))
        changes[hour] = now - timedelta(days=3, minutes=n)
    feed.changes(changes)
    with feed.database.transaction() as cursor:
        cursor.executemany(
            "REPLACE INTO mysql_report VALUES (%s, %s, %s, 0, 0, 0, 1, 0, 0, 0, 0, 0, NULL, 0, 'Cassandra', %s)", rows
        )
        cursor.executemany("REPLACE INTO report_hours VALUES (%s, %s, 1, 60, 0, '')", coverages)
    feed.database.query("ANALYZE TABLE mysql_report")


def cost_of_a_tick(feed: Feed) -> tuple[int, int, int]:
    """Changes read from Cassandra, statements and rows read in MySQL."""
    statements, rows = server_counters(feed)
    changes_read = feed.tick().changes_read
    statements_after, rows_after = server_counters(feed)
    return changes_read, statements_after - statements, rows_after - rows


def server_counters(feed: Feed) -> tuple[int, int]:
    """Statements, and rows or index entries read, of this connection so far."""
    found = dict(feed.database.query("SHOW SESSION STATUS"))
    return int(found["Questions"]), sum(int(n) for name, n in found.items() if name.startswith("Handler_read"))

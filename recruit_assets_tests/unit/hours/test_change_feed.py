"""One reading of the change feed: where it begins and ends, and which hours are pending after it."""

from datetime import datetime, timedelta

import pytest

from recruit_assets.contract.tables import EVENT_CHANGES
from recruit_assets.hours.change_feed import DAILY_LOOKBACK, FeedState, read_feed
from recruit_assets.hours.planning import HOUR, FailedRun, HourRange
from recruit_assets_tests.support.memory_stores import (
    PAGE_ROWS,
    START,
    Crash,
    FeedInMemory,
    PendingHoursInMemory,
    Stores,
)

SECOND, MINUTE, DAY = timedelta(seconds=1), timedelta(minutes=1), timedelta(days=1)
OLDEST_KEPT = timedelta(seconds=EVENT_CHANGES.ttl_s) - MINUTE


class Feed(FeedInMemory):
    """The feed, whose hours before `frozen` have been frozen for a minute."""

    frozen: datetime | None = None

    def frozen_before(self, now: datetime) -> datetime | None:
        return self.frozen if now > START - MINUTE else None


class Reader:
    """A feed and the hours that are pending."""

    def __init__(self) -> None:
        self.stores = Stores()
        self.feed = Feed(self.stores)
        self.hours = PendingHoursInMemory(self.stores)

    def change(self, *hours: datetime, ago: timedelta = SECOND) -> None:
        self.stores.changes += [(START - ago, hour) for hour in hours]

    def read(self, **options: object) -> FeedState:
        return read_feed(self.feed, self.hours, **options)  # type: ignore[arg-type]  # passed on as given

    def pending(self, **options: object) -> list[datetime]:
        return [one.hour for one in self.read(**options).pending]


@pytest.fixture
def reader() -> Reader:
    return Reader()


def hours(count: int) -> list[datetime]:
    return [START + number * HOUR for number in range(count)]


def test_the_first_reading_begins_with_the_oldest_change_that_is_kept(reader: Reader) -> None:
    """A new report database has no checkpoint; all hours of the feed are pending."""
    reader.change(START, ago=OLDEST_KEPT)

    state = reader.read()

    assert [one.hour for one in state.pending] == [START]
    assert (state.changes_read, state.checkpoint, state.behind) == (1, state.now, False)


@pytest.mark.parametrize(
    ("lookback", "ago", "is_found"),
    [
        pytest.param({}, 115 * SECOND, True, id="two minutes"),
        pytest.param({}, 125 * SECOND, False, id="no more than two minutes"),
        pytest.param({"lookback": DAILY_LOOKBACK}, 2 * DAY - MINUTE, True, id="the daily schedule: two days"),
        pytest.param({"lookback": DAILY_LOOKBACK}, 2 * DAY + MINUTE, False, id="no more than two days"),
    ],
)
def test_a_change_that_became_visible_late_is_found_within_the_lookback(
    reader: Reader, lookback: dict[str, timedelta], ago: timedelta, is_found: bool
) -> None:
    reader.read()

    reader.change(START, ago=ago)

    assert reader.pending(**lookback) == ([START] if is_found else [])


def test_a_reading_that_has_enough_stops_after_a_page_and_the_next_one_goes_on(reader: Reader) -> None:
    """After a long outage, a tick of the sensor must end in time."""
    for number, hour in enumerate(hours(2 * PAGE_ROWS)):
        reader.change(hour, ago=DAY - number * HOUR)

    first = reader.read(rows_per_tick=PAGE_ROWS)
    second = reader.read()

    assert (first.changes_read, first.behind) == (PAGE_ROWS, True)
    assert [one.hour for one in first.pending] == hours(PAGE_ROWS)
    assert first.checkpoint == START - DAY + (PAGE_ROWS - 1) * HOUR
    assert (second.changes_read, second.behind) == (PAGE_ROWS + 1, False)
    assert [one.hour for one in second.pending] == hours(2 * PAGE_ROWS)


def test_a_reading_with_less_than_enough_reads_another_page(reader: Reader) -> None:
    reader.change(*hours(2 * PAGE_ROWS))

    assert reader.read(rows_per_tick=PAGE_ROWS + 1).changes_read == 2 * PAGE_ROWS


def test_the_checkpoint_does_not_go_back_when_old_pages_are_read_again(reader: Reader) -> None:
    before = reader.read()
    reader.change(*hours(PAGE_ROWS), ago=DAY)

    state = reader.read(lookback=DAILY_LOOKBACK, rows_per_tick=1)

    assert state.changes_read == PAGE_ROWS
    assert state.checkpoint == before.checkpoint


def test_failed_runs_are_counted_for_the_hours_that_are_pending(reader: Reader) -> None:
    reader.change(START)

    state = reader.read(failures=[FailedRun(HourRange(START, START), ended_at=START + MINUTE)])

    assert [one.attempts for one in state.pending] == [1]


def test_an_hour_may_be_requested_from_the_reading_on_that_found_it(reader: Reader) -> None:
    reader.change(START)

    state = reader.read()

    assert [one.next_try_at for one in state.pending] == [state.now]


def test_a_checkpoint_in_the_future_is_not_believed(reader: Reader, caplog: pytest.LogCaptureFixture) -> None:
    """Cassandra's clock was an hour ahead: changes since then would stay unread until it has caught up."""
    reader.change(START)
    reader.stores.clock.cassandra_off_ms = 3_600_000
    ahead = reader.read().checkpoint
    reader.stores.clock.cassandra_off_ms = 0
    reader.change(START + HOUR, ago=OLDEST_KEPT)

    state = reader.read()

    assert [one.hour for one in state.pending] == [START, START + HOUR]
    assert (state.set_back_from, state.checkpoint) == (ahead, state.now)
    assert [record.getMessage() for record in caplog.records] == [
        f"Cassandra's clock was set back: the change feed was read through {ahead:%Y-%m-%d %H:%M:%S}, its clock says "
        f"{state.now:%Y-%m-%d %H:%M:%S}. The feed is read again from its beginning, and hours that are covered in the "
        "future are pending again"
    ]
    assert reader.read().set_back_from is None


def test_a_reader_that_is_killed_while_it_starts_over_leaves_the_feeds_beginning_as_checkpoint(reader: Reader) -> None:
    reader.change(START)
    reader.stores.clock.cassandra_off_ms = 3_600_000
    reader.read()
    reader.stores.clock.cassandra_off_ms = 0
    reader.stores.fuse.calls_left = 3  # the next call reads the first page

    with pytest.raises(Crash):
        reader.read()

    checkpoint = reader.hours.checkpoint()
    assert checkpoint is not None
    assert checkpoint < START - OLDEST_KEPT


@pytest.mark.parametrize(
    ("options", "is_found"),
    [({}, False), ({"lookback": DAILY_LOOKBACK}, True)],
    ids=["the sensor, which would pay for it at each tick", "the daily schedule"],
)
def test_a_change_in_the_future_counts_as_one_of_now(
    reader: Reader, options: dict[str, timedelta], is_found: bool
) -> None:
    """A coordinator's clock was ahead when it stored the change."""
    reader.read()
    reader.change(START, ago=-DAY)

    state = reader.read(**options)

    assert [(one.hour, one.newest_change) for one in state.pending] == ([(START, state.now)] if is_found else [])


def test_the_first_reading_finds_changes_in_the_future(reader: Reader) -> None:
    reader.change(START, ago=-DAY)

    assert reader.pending() == [START]


def test_a_pending_hour_that_is_frozen_is_given_up(reader: Reader, caplog: pytest.LogCaptureFixture) -> None:
    """Its events have expired or soon will, so a run would empty the report's hour."""
    reader.change(*hours(3))
    reader.feed.frozen = START + 2 * HOUR

    state = reader.read()

    assert [one.hour for one in state.pending] == [START + 2 * HOUR]
    assert state.frozen == (START, START + HOUR)
    assert [record.getMessage() for record in caplog.records] == [
        "2 pending hours from 2026-01-05 12:00 on are frozen (RECRUIT_RETENTION_DAYS): the report keeps them without "
        "their newest changes"
    ]
    reader.feed.frozen = None
    reader.stores.changes.clear()
    assert reader.pending() == [START + 2 * HOUR]


def test_nothing_is_said_where_no_hour_is_given_up(reader: Reader, caplog: pytest.LogCaptureFixture) -> None:
    reader.change(START)
    reader.feed.frozen = START

    state = reader.read()

    assert (state.frozen, state.set_back_from, caplog.records) == ((), None, [])
    assert [one.hour for one in state.pending] == [START]

"""Reading the change feed in pages, over partitions in memory that answer as Cassandra's do."""

from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import cast

from hypothesis import given
from hypothesis import strategies as st

from recruit_assets.contract.tables import CHANGE_SHARDS
from recruit_assets.stores.cassandra.change_reader import ChangeReader
from recruit_assets.stores.cassandra.session import CassandraSession, Row

HOUR = datetime(2026, 1, 5, 7, tzinfo=UTC)
NOON = datetime(2026, 1, 5, 12, tzinfo=UTC)
EVENTS_PER_CHANGE = 3
Change = tuple[datetime, datetime]
"""Time and hour of a change."""


class FeedInMemory:
    """Answers the feed's query from a list; counts queries and rows."""

    def __init__(self, changes: Iterable[Change]) -> None:
        self.changes = sorted(changes)
        self.queries = self.rows = 0

    def table(self, _: object) -> str:
        return "event_changes"

    def prepare(self, _: str) -> object:
        return object()

    def execute_concurrent(self, calls: Iterable[tuple[object, Sequence[object]]]) -> list[list[Row]]:
        parameters = [cast("tuple[date, int, datetime, datetime, int]", one) for _, one in calls]
        answers = [self._answer(*one) for one in parameters]
        self.queries += len(answers)
        self.rows += sum(map(len, answers))
        return answers

    def _answer(self, day: date, shard: int, since: datetime, until: datetime, limit: int) -> list[Row]:
        found = [
            (round(at.timestamp() * 1000), hour.replace(tzinfo=None), EVENTS_PER_CHANGE)
            for at, hour in self.changes
            if at.date() == day and _shard(hour) == shard and since <= at <= until
        ]
        return found[:limit]


def _shard(hour: datetime) -> int:
    return int(hour.timestamp()) // 3600 % CHANGE_SHARDS


def read(
    feed: FeedInMemory, *, start: datetime, now: datetime = NOON, page_rows: int = 5000
) -> dict[datetime, datetime]:
    newest: dict[datetime, datetime] = {}
    for page in ChangeReader(cast("CassandraSession", feed), page_rows=page_rows).pages(start, now):
        for hour, at in page.newest.items():
            newest[hour] = max(at, newest.get(hour, at))
    return newest


def test_every_day_since_the_start_is_read() -> None:
    changes = [(NOON - timedelta(days=days), HOUR - timedelta(days=days)) for days in range(90)]

    assert read(FeedInMemory(changes), start=NOON - timedelta(days=90)) == {hour: at for at, hour in changes}


def test_the_newest_change_of_an_hour_counts() -> None:
    early, late = NOON - timedelta(minutes=9), NOON - timedelta(minutes=1)

    assert read(FeedInMemory([(early, HOUR), (late, HOUR)]), start=NOON - timedelta(hours=1)) == {HOUR: late}


def test_the_events_of_changes_are_counted_once_although_these_are_read_again() -> None:
    read_before, new = NOON - timedelta(minutes=2), NOON - timedelta(seconds=1)
    reader = ChangeReader(cast("CassandraSession", FeedInMemory([(read_before, HOUR), (new, HOUR), (new, NOON)])))

    pages = list(reader.pages(read_before, NOON, counted_through=NOON - timedelta(minutes=1)))

    assert [page.event_counts for page in pages] == [{HOUR: EVENTS_PER_CHANGE, NOON: EVENTS_PER_CHANGE}]


def test_a_reading_costs_a_query_per_shard_and_the_new_changes_only() -> None:
    new = [(NOON - timedelta(seconds=n), HOUR) for n in range(3)]
    history = [(NOON - timedelta(minutes=3, seconds=n), HOUR) for n in range(10_000)]
    young, old = FeedInMemory(new), FeedInMemory(new + history)

    for feed in (young, old):
        read(feed, start=NOON - timedelta(minutes=2))

    assert (young.queries, young.rows) == (old.queries, old.rows) == (CHANGE_SHARDS, 3)


def test_changes_of_one_millisecond_that_fill_a_page_are_all_read() -> None:
    changes = [(NOON - timedelta(minutes=1), HOUR - timedelta(hours=8 * n)) for n in range(50)]

    newest = read(FeedInMemory(changes), start=NOON - timedelta(minutes=2), page_rows=2)

    assert newest == {hour: at for at, hour in changes}


def test_a_change_whose_day_and_time_are_on_two_sides_of_midnight_is_read() -> None:
    """Its statement calls now() twice: the partition is of the new day, changed_at of the old one."""

    class Stray(FeedInMemory):
        def _answer(self, day: date, shard: int, since: datetime, until: datetime, limit: int) -> list[Row]:
            return super()._answer(day - timedelta(days=1), shard, since, until, limit)

    midnight = datetime(2026, 1, 5, tzinfo=UTC)
    changed_at = midnight - timedelta(milliseconds=1)

    newest = read(
        Stray([(changed_at, HOUR)]), start=midnight - timedelta(minutes=2), now=midnight + timedelta(seconds=5)
    )

    assert newest == {HOUR: changed_at}


def test_changes_in_the_future_are_left_until_time_gets_there() -> None:
    """Read at every tick, they would make their hours pending again until then."""
    assert read(FeedInMemory([(NOON + timedelta(hours=1), HOUR)]), start=NOON - timedelta(minutes=2)) == {}


@given(
    st.lists(st.tuples(st.integers(0, 200_000), st.integers(0, 40)), max_size=60),
    st.integers(0, 200_000),
    st.integers(1, 7),
)
def test_a_page_never_promises_more_than_was_read(drawn: list[tuple[int, int]], start_s: int, page_rows: int) -> None:
    changes = [(NOON - timedelta(seconds=ago_s), HOUR - timedelta(hours=hours)) for ago_s, hours in drawn]
    start = NOON - timedelta(seconds=start_s)
    reader = ChangeReader(cast("CassandraSession", FeedInMemory(changes)), page_rows=page_rows)
    newest: dict[datetime, datetime] = {}

    for page in reader.pages(start, NOON):
        for hour, at in page.newest.items():
            newest[hour] = max(at, newest.get(hour, at))
        promised = [(at, hour) for at, hour in changes if start <= at < page.read_through]
        assert all(newest.get(hour, start - timedelta(days=1)) >= at for at, hour in promised)

    assert {hour for at, hour in changes if at >= start} <= newest.keys()

"""Reads the change feed (Cassandra's event_changes) from a given time on, page by page."""

from collections import Counter
from collections.abc import Iterator
from datetime import datetime, timedelta
from functools import cached_property

from cassandra.query import PreparedStatement

from recruit_assets.contract.tables import CHANGE_SHARDS, EVENT_CHANGES
from recruit_assets.hours.planning import SKEW
from recruit_assets.hours.ports import ChangePage
from recruit_assets.runtime.times import aware, from_ms, to_ms
from recruit_assets.stores.cassandra.retention import read_retention
from recruit_assets.stores.cassandra.session import CassandraSession
from recruit_assets.transforms.buckets import change_shard

PAGE_ROWS = 5000
"""Rows per partition in a page: bounds the memory of a reader that has much to catch up on."""

DAY = timedelta(days=1)
MIDNIGHT_OVERLAP = timedelta(minutes=1)
"""A change's day and its changed_at come from two calls of now(), so they may differ around midnight."""


class ChangeReader:
    """Reads with one session; prepares its statements once."""

    def __init__(self, session: CassandraSession, *, page_rows: int = PAGE_ROWS) -> None:
        self._session = session
        self._page_rows = page_rows

    def now(self) -> datetime:
        """Cassandra's clock."""
        return from_ms(self._session.now_ms())

    def frozen_before(self, now: datetime) -> datetime | None:
        """The hour before which all hours are frozen; None if no hour is."""
        return read_retention(self._session).frozen_before(now)

    def pages(self, start: datetime, now: datetime, *, counted_through: datetime | None = None) -> Iterator[ChangePage]:
        """The changes from `start` through `now`, which is Cassandra's clock before the first page.

        Costs a query per shard for each day and page. Some changes up to SKEW after `now` may be included. Events
        of changes before `counted_through` aren't counted.
        """
        position, limit = start, self._page_rows
        while True:
            page = self._page(position, now, limit=limit, counted_from=max(position, counted_through or position))
            yield page
            if page.read_through >= now:
                return
            # a page that ends where it began holds one millisecond only: read a larger one
            limit = limit * 2 if page.read_through == position else self._page_rows
            position = page.read_through

    def events_since(self, start: datetime, hour: datetime, *, now: datetime) -> int:
        """How many events of the hour, and of the hours that share its shard, came today after `start`.

        Costs one query.
        """
        ((count,),) = self._session.execute(self._count, (now.date(), change_shard(to_ms(hour)), start))
        return int(count or 0)

    def hours_ahead(self, now: datetime) -> set[datetime]:
        """The hours with changes later than `now`, which a clock that was ahead has given them.

        Costs a scan of the feed's partition keys.
        """
        table = self._session.table(EVENT_CHANGES)
        select = self._session.prepare(
            f"SELECT event_hour FROM {table} WHERE day = ? AND shard = ? AND changed_at > maxTimeuuid(?)"
        )
        partitions = self._session.stream(f"SELECT DISTINCT day, shard FROM {table}")
        days_ahead = ((day, shard) for day, shard in partitions if day.date() >= now.date())
        return {
            aware(hour)
            for day, shard in days_ahead
            for (hour,) in self._session.stream(select, (day, shard, now + SKEW))
        }

    def _page(self, position: datetime, now: datetime, *, limit: int, counted_from: datetime) -> ChangePage:
        """Up to `limit` rows of each shard of the day that contains `position`."""
        midnight = position.replace(hour=0, minute=0, second=0, microsecond=0)
        since = midnight - MIDNIGHT_OVERLAP if position == midnight else position
        shards = self._session.execute_concurrent(
            (self._select, (midnight.date(), shard, since, now + SKEW, limit)) for shard in range(CHANGE_SHARDS)
        )
        newest: dict[datetime, datetime] = {}
        event_counts: Counter[datetime] = Counter()
        for changed_ms, event_hour, event_count in (row for rows in shards for row in rows):
            changed_at, hour = from_ms(changed_ms), aware(event_hour)
            newest[hour] = max(changed_at, newest.get(hour, changed_at))
            event_counts[hour] += event_count if changed_at >= counted_from else 0
        cut_off = [from_ms(rows[-1][0]) for rows in shards if len(rows) >= limit]
        return ChangePage(newest, min([midnight + DAY, now, *cut_off]), sum(map(len, shards)), event_counts)

    @cached_property
    def _select(self) -> PreparedStatement:
        return self._session.prepare(
            f"SELECT toUnixTimestamp(changed_at), event_hour, row_count FROM {self._session.table(EVENT_CHANGES)} "
            "WHERE day = ? AND shard = ? AND changed_at >= minTimeuuid(?) AND changed_at <= maxTimeuuid(?) LIMIT ?"
        )

    @cached_property
    def _count(self) -> PreparedStatement:
        return self._session.prepare(
            f"SELECT sum(row_count) FROM {self._session.table(EVENT_CHANGES)} "
            "WHERE day = ? AND shard = ? AND changed_at > maxTimeuuid(?)"
        )

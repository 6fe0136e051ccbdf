"""The tables pending_hours and change_feed_mark, in which the readers of the change feed store what they found.

Every transaction locks the checkpoint first, so readers (sensor, schedule, `materialize`, a second daemon) take turns.
The rules are in hours/planning.py.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime

from pymysql.cursors import Cursor

from recruit_assets.contract.tables import CHANGE_FEED_MARK, HOURLY_SQL_TABLES, PENDING_HOURS
from recruit_assets.contract.types import HourlySqlTable
from recruit_assets.hours.planning import SKEW, FailedRun, PendingHour, after_runs, is_covered, uncovered
from recruit_assets.hours.ports import ChangePage
from recruit_assets.runtime.chunks import in_chunks
from recruit_assets.runtime.times import aware, naive
from recruit_assets.stores.mysql.connection import ReportDatabase, placeholders
from recruit_assets.stores.mysql.hour_sink import NEVER

_IS_PENDING = f"event_hour IN (SELECT event_hour FROM {PENDING_HOURS.name})"
CHUNK = 1000
"""Hours per statement."""


class PendingHours:
    """Hours whose changes the report doesn't have yet, and how far the change feed has been read."""

    def __init__(self, database: ReportDatabase) -> None:
        self._database = database

    def checkpoint(self) -> datetime | None:
        """Every change before this was read; None before the first reading."""
        rows = self._database.query(f"SELECT low_water FROM {CHANGE_FEED_MARK.name} WHERE id = 1")
        return aware(rows[0][0]) if rows else None

    def load(self) -> list[PendingHour]:
        """The hours that were pending after the last reading of the feed."""
        return self._database.run_transaction(_load)

    def covered_ahead(self, now: datetime) -> list[datetime]:
        """The hours that are covered later than `now`, as only a clock that was ahead can have done."""

        def read(cursor: Cursor) -> list[datetime]:
            rows = [row for table in HOURLY_SQL_TABLES for row in _covered_ahead(cursor, table, now)]
            return sorted({aware(hour) for (hour,) in rows})

        return self._database.run_transaction(read)

    def now(self) -> datetime:
        """The report database's clock."""
        return aware(self._database.query("SELECT UTC_TIMESTAMP(6)")[0][0])

    def start_over(self, checkpoint: datetime, *, at: datetime) -> None:
        """Move this checkpoint back, unless another reader has moved it meanwhile."""
        self._database.query(
            f"UPDATE {CHANGE_FEED_MARK.name} SET low_water = %s WHERE id = 1 AND low_water = %s",
            (naive(at), naive(checkpoint)),
        )

    def record(self, page: ChangePage, *, now: datetime) -> None:
        """Store the changed hours that the report doesn't cover and advance the checkpoint, in one transaction.

        This never moves the checkpoint back: a reader that advanced it further has read everything before it.
        """
        self._database.run_transaction(lambda cursor: _record(cursor, page, now))

    def drop(self, hours: Sequence[datetime]) -> None:
        """These hours aren't pending any more."""
        self._database.run_transaction(lambda cursor: _delete(cursor, hours))

    def settle(self, failures: Sequence[FailedRun], *, now: datetime) -> list[PendingHour]:
        """Remove covered hours and count failed runs; returns what is pending."""
        return self._database.run_transaction(lambda cursor: _settle(cursor, failures, now))


def reopen_all_hours(cursor: Cursor, *, now: datetime) -> None:
    """Make every hour pending that an hourly table has, as if it had changed at `now`, by Cassandra's clock.

    The transaction is the caller's. How many events the hours have is unknown.
    """
    cursor.execute(f"SELECT low_water FROM {CHANGE_FEED_MARK.name} WHERE id = 1 FOR UPDATE")
    for table in HOURLY_SQL_TABLES:
        cursor.execute(
            f"INSERT INTO {PENDING_HOURS.name} (event_hour, newest_change, attempts, next_try_at, event_count) "
            f"SELECT event_hour, %s, 0, %s, NULL FROM {table.coverage.name} ON DUPLICATE KEY UPDATE "
            "newest_change = GREATEST(newest_change, VALUES(newest_change)), event_count = NULL",
            (naive(now), naive(now)),
        )


def _record(cursor: Cursor, page: ChangePage, now: datetime) -> None:
    cursor.execute(
        f"INSERT INTO {CHANGE_FEED_MARK.name} (id, low_water) VALUES (1, %s) "
        "ON DUPLICATE KEY UPDATE low_water = GREATEST(low_water, VALUES(low_water))",
        (naive(page.read_through),),
    )
    newest = uncovered(page.newest, _covered_through(cursor, sorted(page.newest)))
    _add(cursor, newest, now, event_counts=page.event_counts)


def _settle(cursor: Cursor, failures: Sequence[FailedRun], now: datetime) -> list[PendingHour]:
    cursor.execute(f"SELECT low_water FROM {CHANGE_FEED_MARK.name} WHERE id = 1 FOR UPDATE")
    _withdraw_what_lies_ahead(cursor, now)
    stored = _load(cursor)
    _delete(cursor, [one.hour for one in stored if is_covered(one.newest_change, one.covered_through)])
    pending = [one for one in stored if not is_covered(one.newest_change, one.covered_through)]
    counted = [after_runs(one, failures) for one in pending]
    _update(cursor, [one for one, before in zip(counted, pending, strict=True) if one != before])
    return counted


def _withdraw_what_lies_ahead(cursor: Cursor, now: datetime) -> None:
    """Take back the coverage of hours that are covered in the future, and make them pending.

    Cassandra's clock was ahead when they were covered: they lack what changes until time gets there.
    """
    for table in HOURLY_SQL_TABLES:
        name = table.coverage.name
        hours = _covered_ahead(cursor, table, now)
        cursor.executemany(f"UPDATE {name} SET covered_through = '{NEVER}' WHERE event_hour = %s", hours)
        _add(cursor, {aware(hour): now for (hour,) in hours}, now, event_counts={})
    # a change that is visible has happened: an hour needn't stay pending until time gets there
    cursor.execute(
        f"UPDATE {PENDING_HOURS.name} SET newest_change = %s WHERE newest_change > %s", (naive(now), naive(now + SKEW))
    )


def _covered_ahead(cursor: Cursor, table: HourlySqlTable, now: datetime) -> list[tuple[datetime]]:
    """The table's hours that are covered in the future."""
    cursor.execute(f"SELECT event_hour FROM {table.coverage.name} WHERE covered_through > %s", (naive(now + SKEW),))
    return [(hour,) for (hour,) in cursor.fetchall()]


def _coverage(*, where: str) -> str:
    """SQL: how far all hourly tables cover each of the hours, with how many events; without hours that one lacks."""
    tables = [
        f"SELECT event_hour, covered_through, event_count FROM {table.coverage.name} WHERE {where}"
        for table in HOURLY_SQL_TABLES
    ]
    return (
        "SELECT event_hour, MIN(covered_through) AS covered_through, MAX(event_count) AS reported_events "
        f"FROM ({' UNION ALL '.join(tables)}) hourly_table GROUP BY event_hour HAVING COUNT(*) = {len(tables)}"
    )


def _covered_through(cursor: Cursor, hours: Sequence[datetime]) -> dict[datetime, datetime]:
    """By hour; without the hours that one of the hourly tables lacks."""
    covered: dict[datetime, datetime] = {}
    for chunk in in_chunks(hours, CHUNK):
        values = [naive(hour) for hour in chunk] * len(HOURLY_SQL_TABLES)
        cursor.execute(_coverage(where=f"event_hour IN ({placeholders(chunk)})"), values)
        covered |= {aware(hour): aware(through) for hour, through, _ in cursor.fetchall()}
    return covered


def _add(
    cursor: Cursor, newest: Mapping[datetime, datetime], now: datetime, *, event_counts: Mapping[datetime, int]
) -> None:
    """Add the hours; one that is pending already keeps its attempts and the later change."""
    cursor.executemany(
        f"INSERT INTO {PENDING_HOURS.name} (event_hour, newest_change, attempts, next_try_at, event_count) "
        "VALUES (%s, %s, 0, %s, %s) ON DUPLICATE KEY UPDATE "
        "newest_change = GREATEST(newest_change, VALUES(newest_change)), "
        "event_count = event_count + VALUES(event_count)",
        [
            (naive(hour), naive(changed_at), naive(now), event_counts.get(hour))
            for hour, changed_at in sorted(newest.items())
        ],
    )


def _load(cursor: Cursor) -> list[PendingHour]:
    cursor.execute(
        "SELECT event_hour, newest_change, next_try_at, attempts, covered_through, event_count, reported_events "
        f"FROM {PENDING_HOURS.name} LEFT JOIN ({_coverage(where=_IS_PENDING)}) covered USING (event_hour) "
        "ORDER BY event_hour"
    )
    return [
        PendingHour(
            hour=aware(hour),
            newest_change=aware(newest_change),
            next_try_at=aware(next_try_at),
            attempts=attempts,
            covered_through=None if covered_through is None else aware(covered_through),
            event_count=event_count,
            reported_events=reported_events or 0,
        )
        for hour, newest_change, next_try_at, attempts, covered_through, event_count, reported_events in (
            cursor.fetchall()
        )
    ]


def _delete(cursor: Cursor, hours: Sequence[datetime]) -> None:
    for chunk in in_chunks(hours, CHUNK):
        cursor.execute(
            f"DELETE FROM {PENDING_HOURS.name} WHERE event_hour IN ({placeholders(chunk)})",
            [naive(hour) for hour in chunk],
        )


def _update(cursor: Cursor, hours: Sequence[PendingHour]) -> None:
    cursor.executemany(
        f"UPDATE {PENDING_HOURS.name} SET attempts = %s, next_try_at = %s WHERE event_hour = %s",
        [(one.attempts, naive(one.next_try_at), naive(one.hour)) for one in hours],
    )

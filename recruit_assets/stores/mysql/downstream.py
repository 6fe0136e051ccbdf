"""The downstream tables in the report database: storing an hour, which hours are stale, and re-opening hours."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from pymysql.cursors import Cursor

from recruit_assets.contract.tables import REPORT_HOURS
from recruit_assets.contract.types import DownstreamTable
from recruit_assets.hours.downstream import Downstream
from recruit_assets.runtime.times import aware, naive
from recruit_assets.stores.mysql.connection import ReportDatabase
from recruit_assets.stores.mysql.hour_sink import NEVER, HourRows, MySqlHourSink


@dataclass(frozen=True, slots=True)
class StaleHour:
    """A reported hour that a downstream table lacks, or has older than the report; `event_count` is the report's."""

    hour: datetime
    covered_through: datetime | None
    event_count: int
    since: datetime
    """When what it depends on was last changed, other than by settings."""


class DownstreamSink(MySqlHourSink):
    """Stores hours of a downstream table, and by which settings they were computed."""

    def __init__(self, database: ReportDatabase, downstream: Downstream) -> None:
        super().__init__(database, downstream.table)
        self._downstream = downstream

    def store_coverage(self, cursor: Cursor, one: HourRows, written: tuple[int, str]) -> None:
        super().store_coverage(cursor, one, written)
        cursor.execute(
            f"UPDATE {self._downstream.table.coverage.name} SET computed_by = %s WHERE event_hour = %s",
            (self._downstream.computed_by, naive(one.hour)),
        )


def stale_hours(database: ReportDatabase, downstream: Downstream) -> list[StaleHour]:
    """The reported hours whose rows are missing or may be older than the events that the report counts, newest first.

    An hour is stale if it was never made, was made by other settings or before it was re-opened, or if the report was
    renewed later, for this hour or for an earlier one that it depends on.
    """
    needed = (
        f"FROM {REPORT_HOURS.name} needed WHERE needed.event_hour BETWEEN own.event_hour - INTERVAL %s HOUR "
        "AND own.event_hour"
    )
    rows = database.query(
        "SELECT own.event_hour, made.covered_through, own.event_count, "
        f"GREATEST((SELECT MAX(needed.covered_through) {needed}), COALESCE(made.reopened_at, own.covered_through)) "
        f"FROM {REPORT_HOURS.name} own LEFT JOIN {downstream.table.coverage.name} made USING (event_hour) "
        "WHERE made.event_hour IS NULL OR made.computed_by IS NULL OR made.computed_by <> %s "
        "OR made.reopened_at >= made.covered_through "
        f"OR EXISTS (SELECT 1 {needed} AND needed.covered_through > made.covered_through) "
        "ORDER BY own.event_hour DESC",
        (downstream.hours_before, downstream.computed_by, downstream.hours_before),
    )
    return [
        StaleHour(aware(hour), None if covered is None else aware(covered), event_count, aware(since))
        for hour, covered, event_count, since in rows
    ]


def reopen_hours(database: ReportDatabase, table: DownstreamTable, hours: Collection[datetime], at: datetime) -> None:
    """Make these hours stale: a run must begin after `at`, Cassandra's clock."""
    name = table.coverage.name

    def reopen(cursor: Cursor) -> None:
        keys = [naive(hour) for hour in sorted(hours)]
        # an hour that is being made for the first time has no row yet, and its run may have begun before
        cursor.executemany(
            f"INSERT IGNORE INTO {name} (event_hour, covered_through, t, row_count, event_count, run_id) "
            f"VALUES (%s, '{NEVER}', 0, 0, 0, '')",
            [(key,) for key in keys],
        )
        cursor.executemany(f"UPDATE {name} SET reopened_at = %s WHERE event_hour = %s", [(naive(at), k) for k in keys])

    if hours:
        database.run_transaction(reopen)


def made_hours(database: ReportDatabase, table: DownstreamTable) -> set[datetime]:
    """The hours that the table has, naive UTC."""
    rows = database.query(f"SELECT event_hour FROM {table.coverage.name} WHERE covered_through > '{NEVER}'")
    return {hour for (hour,) in rows}

"""A daily table of the report database: each day is replaced in one transaction, if its zone is the stored one."""

from collections.abc import Collection, Mapping, Sequence
from datetime import date, datetime

from pymysql.cursors import Cursor

from recruit_assets.contract.types import DailySqlTable
from recruit_assets.runtime.times import naive
from recruit_assets.stores.mysql.connection import ReportDatabase, placeholders
from recruit_assets.stores.mysql.hour_sink import HourRows, MySqlHourSink
from recruit_assets.stores.mysql.report_zone import require_zone


class MySqlDaySink(MySqlHourSink):
    """Replaces days of a zone, each named by its label; UserError if the table has days of another zone.

    `hours_versions` says which version of its hours each day is made from. Of two runs, that with the greater write
    timestamp is the newer one: its hours may be as complete as those of the other, or have been covered by a clock that
    was set back.
    """

    def __init__(
        self, database: ReportDatabase, table: DailySqlTable, *, zone: str, hours_versions: Mapping[datetime, int]
    ) -> None:
        super().__init__(database, table)
        self._days = table.coverage
        self._zone = zone
        self._hours_versions = hours_versions

    def lock_coverage(self, cursor: Cursor, hours: Sequence[datetime]) -> dict[datetime, tuple[datetime, int]]:
        require_zone(cursor, self._zone)
        return super().lock_coverage(cursor, hours)

    def _lock_older(self, cursor: Cursor, read: Sequence[HourRows], *, write_timestamp: int) -> Sequence[HourRows]:
        stored = self.lock_coverage(cursor, [one.hour for one in read])
        return [one for one in read if stored[one.hour][1] <= write_timestamp]

    def store_coverage(self, cursor: Cursor, one: HourRows, written: tuple[int, str]) -> None:
        super().store_coverage(cursor, one, written)
        cursor.execute(
            f"UPDATE {self._days.name} SET hours_version = %s WHERE date = %s",
            (self._hours_versions[one.hour], naive(one.hour).date()),
        )


def newest_timestamp(database: ReportDatabase, table: DailySqlTable, days: Collection[date]) -> int:
    """The greatest write timestamp of these days; 0 if none was ever made."""
    if not days:
        return 0
    ((newest,),) = database.query(
        f"SELECT COALESCE(MAX(t), 0) FROM {table.coverage.name} WHERE date IN ({placeholders(days)})", list(days)
    )
    return int(newest)

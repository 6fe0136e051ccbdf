"""A daily table of the report database: each day is replaced in one transaction, if its zone is the stored one."""

from collections.abc import Sequence
from datetime import datetime

from pymysql.cursors import Cursor

from recruit_assets.contract.types import DailySqlTable
from recruit_assets.stores.mysql.connection import ReportDatabase
from recruit_assets.stores.mysql.hour_sink import MySqlHourSink
from recruit_assets.stores.mysql.report_zone import require_zone


class MySqlDaySink(MySqlHourSink):
    """Replaces days of a zone, each named by its label; UserError if the table has days of another zone."""

    def __init__(self, database: ReportDatabase, table: DailySqlTable, zone: str) -> None:
        super().__init__(database, table)
        self._zone = zone

    def lock_coverage(self, cursor: Cursor, hours: Sequence[datetime]) -> dict[datetime, tuple[datetime, int]]:
        require_zone(cursor, self._zone)
        return super().lock_coverage(cursor, hours)

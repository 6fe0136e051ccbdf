"""The sums over a daily table by a looked-up column, such as the metrics of companies over those of their jobs.

A day of sums knows which version of the table's day it adds up. It is added up again, as a whole, when that was
replaced or when a lookup changed rows of it (`lookups` marks it).
"""

import time
from collections.abc import Iterable
from datetime import date
from functools import partial

from pymysql.cursors import Cursor

from recruit_assets.contract.measures import KPIS, MEASURES
from recruit_assets.contract.tables import DAILY_JOB_METRICS
from recruit_assets.contract.types import DailySqlTable, DailySums
from recruit_assets.stores.mysql.analyst_views import kpi_columns, sum_columns
from recruit_assets.stores.mysql.connection import ReportDatabase
from recruit_assets.stores.mysql.hour_sink import NEVER
from recruit_assets.stores.mysql.lookups import BUDGET_S, hold_lookups, is_due, note_check, refresh_lookups

REFRESH_EVERY_S = 600
"""How often the companies of the daily tables follow the job dimension: as often as days follow their hours."""


def add_up(database: ReportDatabase, table: DailySqlTable, days: Iterable[date]) -> dict[date, int]:
    """Replace the sums of each day in one transaction; returns the number of rows of each."""
    sums = _sums(table)
    return {day: database.run_transaction(partial(_add_up, table=table, sums=sums, day=day)) for day in days}


def refresh_days_when_due(database: ReportDatabase, *, every_s: float = REFRESH_EVERY_S) -> None:
    """Correct the companies of the daily tables, and the sums of these days and of days whose run didn't add them up.

    Works for some seconds at most; the next call continues.
    """
    table = DAILY_JOB_METRICS
    if not is_due(database, table, every_s=every_s):
        return
    if refresh_lookups(database, table) and refresh_sums(database, table):
        note_check(database, table)


def refresh_sums(database: ReportDatabase, table: DailySqlTable, *, budget_s: float = BUDGET_S) -> bool:
    """Add up the days that aren't up to date, newest first; False if some are left for the next call."""
    give_up_at = time.monotonic() + budget_s
    for day in stale_sums(database, table):
        add_up(database, table, [day])
        if time.monotonic() > give_up_at:
            return False
    return True


def stale_sums(database: ReportDatabase, table: DailySqlTable) -> list[date]:
    """The days whose sums aren't those of the table's rows as they are now, newest first."""
    days = _sums(table).days.name
    rows = database.query(
        f"SELECT own.date FROM {table.coverage.name} own LEFT JOIN {days} summed USING (date) "
        "WHERE summed.t IS NULL OR summed.t <> own.t ORDER BY own.date DESC"
    )
    return [day for (day,) in rows]


def _add_up(cursor: Cursor, *, table: DailySqlTable, sums: DailySums, day: date) -> int:
    hold_lookups(cursor, table)  # a correction comes before all of this, or marks the day after it
    cursor.execute(
        f"INSERT IGNORE INTO {sums.days.name} (date, covered_through, t, row_count, event_count, run_id) "
        f"VALUES (%s, '{NEVER}', 0, 0, 0, '')",
        (day,),
    )
    cursor.execute(f"SELECT t FROM {sums.days.name} WHERE date = %s FOR UPDATE", (day,))
    # the version is read before the rows: rows of a newer one are only added up once more
    cursor.execute(f"SELECT covered_through, t, event_count, run_id FROM {table.coverage.name} WHERE date = %s", (day,))
    version = cursor.fetchone() or (NEVER, 0, 0, "")
    cursor.execute(f"DELETE FROM {sums.table.name} WHERE date = %s", (day,))
    rows = cursor.execute(_insert(table, sums), (day,))
    cursor.execute(
        f"UPDATE {sums.days.name} SET covered_through = %s, t = %s, event_count = %s, run_id = %s, row_count = %s "
        "WHERE date = %s",
        (*version, rows, day),
    )
    return rows


def _insert(table: DailySqlTable, sums: DailySums) -> str:
    """INSERT ... SELECT of one day's sums and key figures."""
    columns = [*(measure.name for measure in MEASURES), *(kpi.name for kpi in KPIS), table.updated_at]
    by = f"COALESCE({sums.by}, 0)"
    values = [*(f"f.{measure.name}" for measure in MEASURES), *kpi_columns(), f"f.{table.updated_at}"]
    totals = [*sum_columns(), f"MAX({table.updated_at}) AS {table.updated_at}"]
    return (
        f"INSERT INTO {sums.table.name} (date, {sums.by}, {', '.join(columns)}) "
        f"SELECT f.date, f.member, {', '.join(values)} FROM (SELECT date, {by} AS member, {', '.join(totals)} "
        f"FROM {table.name} WHERE date = %s GROUP BY date, {by}) f"
    )


def _sums(table: DailySqlTable) -> DailySums:
    if table.sums is None:
        raise ValueError(f"{table.name} declares no sums")
    return table.sums

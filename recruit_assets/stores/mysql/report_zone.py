"""The table report_zone: the time zone of the days in the daily tables. Days of two zones never stand together."""

import logging

from pymysql.cursors import Cursor

from recruit_assets.contract.tables import (
    DAILY_COMPANY_DAYS,
    DAILY_COMPANY_METRICS,
    DAILY_JOB_DAYS,
    DAILY_JOB_METRICS,
    REPORT_ZONE,
)
from recruit_assets.runtime.errors import UserError
from recruit_assets.runtime.settings import Settings

log = logging.getLogger(__name__)

CHANGING = ""
EMPTIED = (DAILY_JOB_METRICS, DAILY_JOB_DAYS, DAILY_COMPANY_METRICS, DAILY_COMPANY_DAYS)
"""In this order: sums that are being made meanwhile find no rows, or are emptied after them."""


def require_zone(cursor: Cursor, zone: str) -> None:
    """UserError if the daily tables have days of another zone; else it can't change before the transaction ends."""
    stored = _stored(cursor, "LOCK IN SHARE MODE")
    if stored != zone:
        raise UserError(
            f"RECRUIT_REPORT_TIMEZONE is {zone}, but the daily tables {_have(stored)}: set it to that, or change the "
            "tables with `recruit-assets schema apply`"
        )


def apply_zone(cursor: Cursor, settings: Settings, *, may_change: bool) -> None:
    """Store the zone; if it was another one, empty the daily tables, whose days are then made anew from the hours.

    UserError if this caller may not change it, or if events of some days have expired, which couldn't be made anew.
    """
    wanted, stored = settings.report_timezone, _stored(cursor)
    if stored == wanted:
        return
    if stored is None:
        cursor.execute(f"INSERT INTO {REPORT_ZONE.name} (id, timezone) VALUES (1, %s)", (wanted,))
        return
    if not may_change:
        require_zone(cursor, wanted)
    _require_events(cursor, settings)
    _store(cursor, CHANGING)
    for table in EMPTIED:
        cursor.execute(f"TRUNCATE TABLE {table.name}")
    _store(cursor, wanted)
    log.warning("RECRUIT_REPORT_TIMEZONE was %s and is now %s: the daily tables are empty", stored, wanted)


def _require_events(cursor: Cursor, settings: Settings) -> None:
    if not settings.retention_days:
        return
    cursor.execute(
        f"SELECT COUNT(*), MIN(date) FROM {DAILY_JOB_DAYS.name} "
        "WHERE row_count > 0 AND date <= UTC_DATE() - INTERVAL %s DAY",
        (settings.retention_days,),
    )
    ((days, first),) = cursor.fetchall()
    if days:
        raise UserError(
            f"RECRUIT_REPORT_TIMEZONE can't become {settings.report_timezone}: the events of {days} days, the first "
            f"{first}, have expired (RECRUIT_RETENTION_DAYS), so these days couldn't be made again. Nothing was changed"
        )


def _stored(cursor: Cursor, lock: str = "") -> str | None:
    cursor.execute(f"SELECT timezone FROM {REPORT_ZONE.name} WHERE id = 1 {lock}")
    row = cursor.fetchone()
    return None if row is None else str(row[0])


def _store(cursor: Cursor, zone: str) -> None:
    cursor.execute(f"UPDATE {REPORT_ZONE.name} SET timezone = %s WHERE id = 1", (zone,))
    cursor.connection.commit()


def _have(zone: str | None) -> str:
    return f"have days of {zone}" if zone else "have no zone, as a change of it isn't finished"

"""What the audit reads from MySQL, one hour or page at a time."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from recruit_assets.contract.tables import DAILY_JOB_DAYS, JOB, MYSQL_REPORT, REPORT_HOURS
from recruit_assets.contract.types import SqlTable
from recruit_assets.stores.mysql.connection import ReportDatabase

JOBS_PER_PAGE = 10_000


@dataclass(frozen=True, slots=True)
class ReportedHour:
    """A row of report_hours; times are UTC without a zone."""

    covered_through: datetime
    row_count: int
    event_count: int


def reported_hours(database: ReportDatabase) -> dict[datetime, ReportedHour]:
    """All rows of report_hours, by hour."""
    rows = database.query(f"SELECT event_hour, covered_through, row_count, event_count FROM {REPORT_HOURS.name}")
    return {hour: ReportedHour(*values) for hour, *values in rows}


def report_rows(database: ReportDatabase) -> Iterator[list[tuple[Any, ...]]]:
    """All rows of mysql_report, one hour at a time, also of hours that report_hours lacks."""
    columns = ", ".join(MYSQL_REPORT.column_names)
    for hour in database.query(f"SELECT DISTINCT dates, hours FROM {MYSQL_REPORT.name} ORDER BY dates, hours"):
        yield database.query(f"SELECT {columns} FROM {MYSQL_REPORT.name} WHERE dates = %s AND hours = %s", hour)


def made_days(database: ReportDatabase) -> dict[str, int]:
    """The version of the hours that each day of daily_job_metrics was made from, by its date."""
    rows = database.query(f"SELECT date, hours_version FROM {DAILY_JOB_DAYS.name} WHERE hours_version IS NOT NULL")
    return {day.isoformat(): version for day, version in rows}


def daily_rows(database: ReportDatabase, table: SqlTable) -> Iterator[list[tuple[Any, ...]]]:
    """All rows of a daily table, one day at a time."""
    columns = ", ".join(table.column_names)
    for day in database.query(f"SELECT DISTINCT date FROM {table.name} ORDER BY date"):
        yield database.query(f"SELECT {columns} FROM {table.name} WHERE date = %s", day)


def companies_of_jobs(database: ReportDatabase) -> Iterator[list[tuple[Any, ...]]]:
    """(id, company_id) of the job dimension, one page at a time."""
    page: list[tuple[Any, ...]] = [(None, None)]
    last = -(2**31) - 1
    while page:
        page = database.query(
            f"SELECT id, company_id FROM {JOB.name} WHERE id > %s ORDER BY id LIMIT {JOBS_PER_PAGE}", (last,)
        )
        if page:
            last = page[-1][0]
            yield page

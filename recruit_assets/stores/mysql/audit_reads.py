"""What the audit reads from MySQL, one hour or page at a time."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from recruit_assets.contract.tables import DAILY_JOB_DAYS, JOB, REPORT_HOURS
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


def rows_by(database: ReportDatabase, table: SqlTable, *key: str) -> Iterator[list[tuple[Any, ...]]]:
    """All rows of a table, those with the same key at a time; it is what the primary key begins with."""
    columns, where = ", ".join(table.column_names), " AND ".join(f"{name} = %s" for name in key)
    listed = ", ".join(key)
    for values in database.query(f"SELECT DISTINCT {listed} FROM {table.name} ORDER BY {listed}"):
        yield database.query(f"SELECT {columns} FROM {table.name} WHERE {where}", values)


def made_days(database: ReportDatabase) -> dict[str, int]:
    """The version of the hours that each day of daily_job_metrics was made from, by its date."""
    rows = database.query(f"SELECT date, hours_version FROM {DAILY_JOB_DAYS.name} WHERE hours_version IS NOT NULL")
    return {day.isoformat(): version for day, version in rows}


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

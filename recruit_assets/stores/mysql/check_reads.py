"""What the asset checks read of MySQL, bounded by the hours of one run."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from recruit_assets.contract.tables import (
    MYSQL_REPORT,
    REPORT_HOURS,
)
from recruit_assets.hours.ports import Recorded
from recruit_assets.stores.cassandra.check_reads import _EPOCH
from recruit_assets.stores.mysql.connection import ReportDatabase

_EVENTS = "clicks + conversion + qualified_application + disqualified_application"


@dataclass(frozen=True, slots=True)
class StoredCounts:
    """What the report holds of an hour."""

    row_count: int = 0
    event_count: int = 0


def recorded_by_report(database: ReportDatabase, hours: Sequence[datetime]) -> dict[tuple[str, datetime], Recorded]:
    """report_hours, as the stages' records are."""
    rows = database.query(
        f"SELECT event_hour, covered_through, t, row_count, event_count FROM {REPORT_HOURS.name} "
        "WHERE event_hour BETWEEN %s AND %s",
        (_naive(min(hours)), _naive(max(hours))),
    )
    found = {
        hour.replace(tzinfo=UTC): Recorded((mark.replace(tzinfo=UTC) - _EPOCH) // timedelta(milliseconds=1), *counts)
        for hour, mark, *counts in rows
    }
    return {(MYSQL_REPORT.name, hour): found[hour] for hour in hours if hour in found}


def stored_in_report(database: ReportDatabase, hours: Sequence[datetime]) -> dict[datetime, StoredCounts]:
    """What mysql_report holds of each hour with rows."""
    rows = database.query(
        f"SELECT dates, hours, COUNT(*), SUM({_EVENTS}) FROM {MYSQL_REPORT.name} "
        "WHERE dates BETWEEN %s AND %s GROUP BY dates, hours",
        (min(hours).date(), max(hours).date()),
    )
    found = {
        day.replace(tzinfo=UTC) + timedelta(hours=hour): StoredCounts(count, int(events))
        for day, hour, count, events in rows
    }
    return {hour: found[hour] for hour in hours if hour in found}


def _naive(hour: datetime) -> datetime:
    return hour.astimezone(UTC).replace(tzinfo=None)

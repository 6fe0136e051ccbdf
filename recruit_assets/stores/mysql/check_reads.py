"""What the asset checks read from MySQL; the cost depends on the hours of the run, not on the report's size."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from recruit_assets.contract.measures import REPORT_EVENTS
from recruit_assets.contract.tables import MYSQL_REPORT, REPORT_HOURS
from recruit_assets.hours.ports import RecordedHour
from recruit_assets.runtime.times import aware, naive, to_ms
from recruit_assets.stores.mysql.connection import ReportDatabase


@dataclass(frozen=True, slots=True)
class StoredCounts:
    """The number of the report's rows in one hour, and of the events that they stand for."""

    row_count: int = 0
    event_count: int = 0


def hours_of_report(database: ReportDatabase) -> list[datetime]:
    """All hours that have a record or rows, oldest first; reads indexes only."""
    recorded = database.query(f"SELECT event_hour FROM {REPORT_HOURS.name}")
    stored = database.query(f"SELECT DISTINCT dates, hours FROM {MYSQL_REPORT.name}")
    return sorted({aware(hour) for (hour,) in recorded} | {aware(day) + timedelta(hours=hour) for day, hour in stored})


def recorded_in_report_hours(
    database: ReportDatabase, hours: Sequence[datetime]
) -> dict[tuple[str, datetime], RecordedHour]:
    """What report_hours records of these hours, by table and hour like the records of hour_coverage."""
    if not hours:
        return {}
    rows = database.query(
        f"SELECT event_hour, covered_through, t, row_count, event_count FROM {REPORT_HOURS.name} "
        "WHERE event_hour IN %s",
        ([naive(hour) for hour in hours],),
    )
    found = {aware(hour): RecordedHour(to_ms(aware(covered)), *numbers) for hour, covered, *numbers in rows}
    return {(MYSQL_REPORT.name, hour): found[hour] for hour in hours if hour in found}


def stored_in_report(database: ReportDatabase, hours: Sequence[datetime]) -> dict[datetime, StoredCounts]:
    """What mysql_report holds, by hour; without the hours that have no rows."""
    if not hours:
        return {}
    # by days, and not all between the first and the last: an old hour may be compared with the current one
    rows = database.query(
        f"SELECT dates, hours, COUNT(*), SUM({REPORT_EVENTS}) FROM {MYSQL_REPORT.name} "
        "WHERE dates IN %s GROUP BY dates, hours",
        (sorted({hour.date() for hour in hours}),),
    )
    found = {aware(day) + timedelta(hours=hour): StoredCounts(count, int(events)) for day, hour, count, events in rows}
    return {hour: found[hour] for hour in hours if hour in found}

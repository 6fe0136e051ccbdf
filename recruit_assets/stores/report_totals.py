"""What the report's rows add up to, hour by hour, for the metadata of a run.

Not here: how far the report is (`report_state`), what the report page shows (`report_summary`).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from recruit_assets.contract import MYSQL_REPORT
from recruit_assets.stores.mysql import ReportDatabase


@dataclass(frozen=True, slots=True)
class HourTotals:
    """The rows of one hour, added up; `newest_event` is when Kafka received the newest of its events."""

    clicks: int = 0
    conversions: int = 0
    spend: float = 0.0
    newest_event: datetime | None = None


def totals_by_hour(database: ReportDatabase, hours: Sequence[datetime]) -> Mapping[datetime, HourTotals]:
    """Of each of these hours, which are all or nearly all of those from the first to the last; zeros without rows."""
    rows = database.query(
        "SELECT dates, hours, SUM(clicks), SUM(conversion), SUM(spend_hour), MAX(latest_update_time) "
        f"FROM {MYSQL_REPORT.name} WHERE dates BETWEEN %s AND %s GROUP BY dates, hours",
        (min(hours).date(), max(hours).date()),
    )
    found = {
        day.replace(tzinfo=UTC) + timedelta(hours=hour): HourTotals(
            int(clicks), int(conversions), spend, newest.replace(tzinfo=UTC)
        )
        for day, hour, clicks, conversions, spend, newest in rows
    }
    return {hour: found.get(hour, HourTotals()) for hour in hours}

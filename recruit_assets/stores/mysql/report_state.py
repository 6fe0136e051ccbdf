"""How far the report is, as the report database knows it: pending hours, the change feed's mark, the newest event.

Belongs here: the statements, each bounded by the number of hours and never by the history of events. Not here: which
hours are pending (`pending`), the report's rows (`report_totals`), metrics and pages made of this.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from recruit_assets.contract.tables import MYSQL_REPORT, REPORT_HOURS
from recruit_assets.hours.planning import PendingHour
from recruit_assets.stores.mysql.connection import ReportDatabase
from recruit_assets.stores.mysql.pending_hours import PendingHours

UNREAD_AFTER = timedelta(seconds=60)
"""A change feed that nobody has read for so long counts as standing still: the sensor reads it every 5 s."""
NEWEST_HOURS = 3
"""The newest event is looked for in so many of the newest hours with rows: nearly all events belong there."""


@dataclass(frozen=True, slots=True)
class ReportState:
    """What the report database says of itself at `now`, its own clock."""

    now: datetime
    pending: Sequence[PendingHour] = ()
    read_through: datetime | None = None
    """Changes before this were turned into pending hours; None before the first reading."""
    newest_event: datetime | None = None
    """When the newest event of the report was received by Kafka; None while the report is empty."""
    hours: int = 0
    rows: int = 0
    events: int = 0

    @property
    def freshness_s(self) -> float:
        """How old what is missing may be: 0 while the report holds every event that Cassandra holds.

        With changes pending it is the age of the newest event that the report holds; with a change feed that nobody
        reads, at least the time since it was read.
        """
        since = [self.now]
        if self.pending:
            since.append(self.newest_event or min(one.newest_change for one in self.pending))
        if self.read_through is not None and self.now - self.read_through > UNREAD_AFTER:
            since.append(self.read_through)
        return (self.now - min(since)).total_seconds()

    @property
    def oldest_pending_s(self) -> float:
        """Age of the hour's change that has waited longest; 0 while nothing is pending."""
        oldest = min((one.newest_change for one in self.pending), default=self.now)
        return max(0.0, (self.now - oldest).total_seconds())

    @property
    def failing(self) -> Sequence[PendingHour]:
        """The pending hours whose last run failed."""
        return [one for one in self.pending if one.attempts]


def read_report_state(database: ReportDatabase) -> ReportState:
    """The state now; costs the number of reported and of pending hours."""
    feed = PendingHours(database)
    ((hours, rows, events),) = database.query(
        f"SELECT COUNT(*), COALESCE(SUM(row_count), 0), COALESCE(SUM(event_count), 0) FROM {REPORT_HOURS.name}"
    )
    ((newest,),) = database.query(
        f"SELECT MAX(latest_update_time) FROM {MYSQL_REPORT.name} JOIN "
        f"(SELECT event_hour FROM {REPORT_HOURS.name} WHERE row_count > 0 ORDER BY event_hour DESC "
        f"LIMIT {NEWEST_HOURS}) newest ON dates = DATE(newest.event_hour) AND hours = HOUR(newest.event_hour)"
    )
    return ReportState(
        now=feed.now(),
        pending=feed.load(),
        read_through=feed.checkpoint(),
        newest_event=None if newest is None else newest.replace(tzinfo=UTC),
        hours=hours,
        rows=int(rows),
        events=int(events),
    )

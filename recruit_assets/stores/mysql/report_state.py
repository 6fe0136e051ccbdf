"""How current the report is, read from the report database alone: pending hours, checkpoint, newest event.

The cost grows with the number of hours, not with the number of events.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from recruit_assets.contract.tables import MYSQL_REPORT, REPORT_HOURS
from recruit_assets.hours.planning import PendingHour
from recruit_assets.runtime.times import aware
from recruit_assets.stores.mysql.connection import ReportDatabase
from recruit_assets.stores.mysql.pending_hours import PendingHours

UNREAD_AFTER = timedelta(seconds=60)
"""A change feed that wasn't read for this long counts as stopped: the sensor reads it every 5 s."""
NEWEST_HOURS = 3
"""The newest event is looked for in this many of the newest hours with rows; nearly all new events belong there."""


@dataclass(frozen=True, slots=True)
class ReportState:
    """The report's state at `now`, by the report database's clock."""

    now: datetime
    pending: Sequence[PendingHour] = ()
    read_through: datetime | None = None
    """Checkpoint of the change feed: earlier changes have become pending hours. None if it was never read."""
    newest_event: datetime | None = None
    """When Kafka received the report's newest event; None if the report is empty."""
    hours: int = 0
    rows: int = 0
    events: int = 0

    @property
    def unread_since(self) -> datetime | None:
        """Through when the change feed was read, if nobody is reading it."""
        if self.read_through is None or self.now - self.read_through <= UNREAD_AFTER:
            return None
        return self.read_through

    @property
    def freshness_s(self) -> float:
        """Upper bound for the age of an event of Cassandra that the report lacks; 0 if it has all of them.

        While changes are pending it is the age of the report's newest event. If the change feed isn't being read, it is
        at least the time since the last read.
        """
        since = [self.now]
        if self.pending:
            since.append(self.newest_event or min(one.newest_change for one in self.pending))
        if self.unread_since is not None:
            since.append(self.unread_since)
        return (self.now - min(since)).total_seconds()

    @property
    def oldest_pending_s(self) -> float:
        """Age of the pending change that has waited longest; 0 if none is pending."""
        oldest = min((one.newest_change for one in self.pending), default=self.now)
        return max(0.0, (self.now - oldest).total_seconds())

    @property
    def failing(self) -> Sequence[PendingHour]:
        """Pending hours whose last run failed."""
        return [one for one in self.pending if one.attempts]


def read_report_state(database: ReportDatabase) -> ReportState:
    """The state now."""
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
        newest_event=None if newest is None else aware(newest),
        hours=hours,
        rows=int(rows),
        events=int(events),
    )

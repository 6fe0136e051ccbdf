"""How long events are kept: which hours still take events, which are frozen, and the time to live of stored rows.

`schema apply` stores every change of RECRUIT_RETENTION_DAYS. A change is in force two to three hours later, when every
process has read it. So whether an event is too late depends only on its Kafka record and on the stored changes.

An hour takes events until its retention ends, and is replaced for two more days, in which the last of them are ingested
and reported. Then it is frozen. Its rows expire a day after that: Cassandra counts the time to live from the moment of
the write, and no event of an hour is written more than 5 minutes before the hour.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

DAY = timedelta(days=1)
REPORTED_WITHIN = 2 * DAY
EXPIRES_AFTER = REPORTED_WITHIN + DAY
IN_FORCE_AFTER = timedelta(hours=3)
MIN_DAYS = 7
"""More than the daily schedule reads and replaces again."""
MAX_DAYS = 7_000
"""Cassandra's longest time to live is 20 years."""


@dataclass(frozen=True, slots=True, order=True)
class RetentionChange:
    """From `stored_at` on, rows are written with the time to live of `days`; 0 keeps them."""

    stored_at: datetime
    days: int

    @property
    def in_force_at(self) -> datetime:
        return hour_of(self.stored_at) + IN_FORCE_AFTER


@dataclass(frozen=True, slots=True)
class Retention:
    """All changes so far, oldest first.

    Rows keep the time to live with which they were written. So the days of an hour are the fewest that were in force
    since it began: a longer retention applies to hours that begin after it is in force, a shorter one to all.
    """

    changes: tuple[RetentionChange, ...] = ()

    @property
    def days(self) -> int:
        """The days that were stored last; 0 if events are kept."""
        return self.changes[-1].days if self.changes else 0

    def first_hour(self, received_at: datetime) -> datetime | None:
        """The first hour whose events aren't too late if Kafka receives them then; None if all hours take events."""
        return max(self._bounds(received_at), default=None)

    def frozen_before(self, now: datetime) -> datetime | None:
        """Earlier hours are never replaced again; None if no hour is frozen."""
        return self.first_hour(now - REPORTED_WITHIN)

    def _bounds(self, moment: datetime) -> Iterator[datetime]:
        """For each change in force, the end of the frozen hours that it and the later ones freeze."""
        fewest, until = MAX_DAYS + 1, moment
        for change in reversed(self.changes):
            if change.in_force_at > moment:
                continue
            if change.days:
                fewest = min(fewest, change.days)
            if fewest <= MAX_DAYS:
                yield min(hour_of(moment - fewest * DAY), until)
            until = change.in_force_at


KEEP_ALL = Retention()


def time_to_live_s(days: int) -> int:
    """The time to live of rows that belong to an hour, seconds; 0 if they are kept."""
    return (days * DAY + EXPIRES_AFTER) // timedelta(seconds=1) if days else 0


def hour_of(moment: datetime) -> datetime:
    return moment.replace(minute=0, second=0, microsecond=0)

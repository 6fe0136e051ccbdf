"""The downstream assets of this process's settings, and the ranges of hours that they are due to make."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from recruit_assets.contract.tables import CLICK_QUALITY
from recruit_assets.hours.downstream import Downstream, downstream_of
from recruit_assets.hours.planning import FailedRun, HourRange, PendingHour, plan, rest_of, retry_delay
from recruit_assets.runtime.settings import load_settings
from recruit_assets.stores.mysql.connection import ReportDatabase
from recruit_assets.stores.mysql.downstream import stale_hours
from recruit_assets.stores.mysql.end_dates import follow_end_dates

DOWNSTREAM = downstream_of(load_settings())
LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)
EVENTS_PER_REST = 30_000
"""An hour with more counted events rests longer. A run counts all of them: 15 s for so many, with every table on."""
MOST_RESTS = 9
"""45 minutes in the sensor. The run then ends before the audit expects the hour, an hour after the report has it."""


@dataclass(frozen=True, slots=True)
class DueRange:
    """Hours to make in one run, and the assets that lack some of them."""

    hours: HourRange
    assets: tuple[str, ...]


def reopen_changed(
    database: ReportDatabase, downstream: Sequence[Downstream], *, clock: Callable[[], datetime]
) -> None:
    """Mark the hours that must be made again because a job's last day has changed. `clock` tells Cassandra's time."""
    if any(one.table is CLICK_QUALITY for one in downstream):
        follow_end_dates(database, clock=clock)


def due_ranges(
    database: ReportDatabase,
    downstream: Sequence[Downstream],
    *,
    now: datetime,
    first_hour: datetime,
    frozen_before: datetime | None = None,
    rest: timedelta = timedelta(0),
    failures: Sequence[FailedRun] = (),
) -> list[DueRange]:
    """The stale hours that are due, in ranges, newest first. Frozen hours aren't due, nor are hours that rest.

    An hour rests for `rest` after it was made, a busy one up to MOST_RESTS times as long. `now` is Cassandra's clock.
    After a failure an hour waits, the longer the more often it failed, and is tried in a shorter range.
    """
    due: dict[datetime, PendingHour] = {}
    assets: dict[datetime, set[str]] = {}
    for one in downstream:
        first_whole = frozen_before and frozen_before + timedelta(hours=one.hours_before)
        for stale in stale_hours(database, one):
            covered = stale.covered_through or LONG_AGO
            own = rest_of(stale.event_count, rest, events_per_rest=EVENTS_PER_REST, most_rests=MOST_RESTS)
            if covered > now - own or (first_whole is not None and stale.hour < first_whole):
                continue
            pending = PendingHour(stale.hour, now, LONG_AGO, event_count=stale.event_count)
            due[stale.hour] = _after(pending, failures)
            assets.setdefault(stale.hour, set()).update(one.table.assets)
    decided = plan(due.values(), now=now, first_hour=first_hour, slots=len(due))
    return [DueRange(hours, _of(hours, assets)) for hours in decided.requests]


def _after(pending: PendingHour, failures: Sequence[FailedRun]) -> PendingHour:
    """The hour with the runs counted that failed lately."""
    ended = [failure.ended_at for failure in failures if pending.hour in failure.hours]
    if not ended:
        return pending
    return PendingHour(
        pending.hour, pending.newest_change, max(ended) + retry_delay(len(ended)), attempts=len(ended),
        event_count=pending.event_count,
    )  # fmt: skip


def _of(hours: HourRange, assets: Mapping[datetime, set[str]]) -> tuple[str, ...]:
    return tuple(sorted({name for hour in hours.hours() for name in assets.get(hour, ())}))

"""Decides which hours are pending, when they are due, and in which ranges they run.

Pure functions, shared by the sensor, the daily schedule and `materialize`; the current time is an argument.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from recruit_assets.contract.tables import CHANGE_SKEW_S

HOUR = timedelta(hours=1)
SKEW = timedelta(seconds=CHANGE_SKEW_S)
MOST_HOURS = (92 * 24, 24, 1)
"""The most hours in a range: after no failure, one, and more. So an hour that makes its range fail is soon alone."""
EVENTS_PER_RUN = 1_000_000
"""A run of so many changed events takes well under a minute. The report shows nothing of a run before its end."""
EVENTS_IF_UNKNOWN = EVENTS_PER_RUN // 24
"""Assumed of an hour whose changes weren't counted, and of one between pending hours, which may be read again."""
FIRST_RETRY = timedelta(seconds=30)
LAST_RETRY = timedelta(minutes=10)
REST = timedelta(minutes=3)
"""How long an hour rests after a run. Late events keep arriving for the hours of the last days: replacing these at once
each time took half of a machine, and the current hour had to wait. An hour that has just ended doesn't rest."""
EVENTS_PER_REST = 130_000
"""An hour with more reported events is busy and rests longer. Late events are in all of its buckets, so a run reads
all of it: 6 s for so many reported events, which is 3 % of a rest."""
AFTER_END = timedelta(minutes=1)
"""How long an hour stays live after its end, since its last events are still coming."""
MOST_RESTS = 3
"""With its run, the longest rest ends well before an hour counts as late, after 15 minutes."""


@dataclass(frozen=True, slots=True, order=True)
class HourRange:
    """Contiguous hours, both ends included."""

    first: datetime
    last: datetime

    def __contains__(self, hour: datetime) -> bool:
        return self.first <= hour <= self.last

    def __len__(self) -> int:
        return (self.last - self.first) // HOUR + 1

    def __str__(self) -> str:
        first = f"{self.first:%Y-%m-%d %H:%M}"
        return first if self.first == self.last else f"{first} to {self.last:%Y-%m-%d %H:%M}"

    def hours(self) -> Iterator[datetime]:
        return (self.first + index * HOUR for index in range(len(self)))


@dataclass(frozen=True, slots=True)
class PendingHour:
    """An hour whose changes the report doesn't cover; not to be requested before `next_try_at`."""

    hour: datetime
    newest_change: datetime
    next_try_at: datetime
    attempts: int = 0
    covered_through: datetime | None = None
    """How far the report covers the hour; None if it doesn't cover the hour at all."""
    event_count: int | None = None
    """About how many events its changes stand for; None if unknown."""
    reported_events: int = 0
    """How many events the report counts in the hour."""

    @property
    def is_busy(self) -> bool:
        return self.reported_events > EVENTS_PER_REST


@dataclass(frozen=True, slots=True)
class FailedRun:
    """A run that ended without success."""

    hours: HourRange
    ended_at: datetime


@dataclass(frozen=True, slots=True)
class Plan:
    """What to request now, and why the other pending hours aren't in it."""

    requests: tuple[HourRange, ...] = ()
    running: tuple[datetime, ...] = ()
    waiting: tuple[datetime, ...] = ()
    """Failed before; their next try is later."""
    outside: tuple[datetime, ...] = ()
    """Not a partition: before the first hour, or after the one that follows the current."""
    left: tuple[datetime, ...] = ()
    """For the next time: all slots are used."""
    resting: tuple[datetime, ...] = ()
    """Replaced a moment ago; a run after the rest covers more late events at once."""


def is_ahead(moment: datetime, now: datetime) -> bool:
    """Whether a time that was stored as past can only come from a clock that was ahead and has been set back."""
    return moment > now + SKEW


def is_covered(newest_change: datetime, covered_through: datetime | None) -> bool:
    """Whether rows with this coverage contain the change, even if the two times come from clocks that differ."""
    return covered_through is not None and covered_through > newest_change + SKEW


def uncovered(
    changes: Mapping[datetime, datetime], covered_through: Mapping[datetime, datetime]
) -> dict[datetime, datetime]:
    """The hours, with their newest change, that aren't covered."""
    return {hour: newest for hour, newest in changes.items() if not is_covered(newest, covered_through.get(hour))}


def retry_delay(attempts: int) -> timedelta:
    """The pause after this many failures in a row: 30 s, doubling, at most 10 minutes."""
    doublings = min(attempts - 1, LAST_RETRY // FIRST_RETRY)
    return min(FIRST_RETRY * (1 << doublings), LAST_RETRY)


def after_runs(pending: PendingHour, failures: Iterable[FailedRun]) -> PendingHour:
    """The hour with its failures counted: one more for the newest, or 0 if a run that began later has succeeded.

    Counting the same failures again changes nothing: a counted failure lies before the next try that it led to.
    """
    covered = pending.covered_through
    if pending.attempts:
        failed_at = pending.next_try_at - retry_delay(pending.attempts)
        if covered is not None and covered >= failed_at:
            pending = replace(pending, attempts=0, next_try_at=failed_at)
    newest = max((failure.ended_at for failure in failures if pending.hour in failure.hours), default=None)
    if newest is None or newest <= pending.next_try_at or (covered is not None and covered >= newest):
        return pending
    attempts = pending.attempts + 1
    return replace(pending, attempts=attempts, next_try_at=newest + retry_delay(attempts))


def first_live_hour(now: datetime, *, rest: timedelta) -> datetime:
    """The current hour or, if hours rest, the one before until AFTER_END has passed."""
    return (now - min(rest, AFTER_END)).replace(minute=0, second=0, microsecond=0)


def rest_of(events: int, rest: timedelta, *, events_per_rest: int, most_rests: int) -> timedelta:
    """The rest of an hour with so many events: longer for a busy one, but not more than `most_rests` times as long."""
    return rest * min(max(1, events / events_per_rest), most_rests)


def is_resting(pending: PendingHour, *, now: datetime, rest: timedelta) -> bool:
    """Whether a run covered the hour within its rest, and the hour isn't live any more."""
    covered = pending.covered_through
    if pending.hour >= first_live_hour(now, rest=rest) or covered is None:
        return False
    own = rest_of(pending.reported_events, rest, events_per_rest=EVENTS_PER_REST, most_rests=MOST_RESTS)
    return covered > now - own


def plan(
    pending: Collection[PendingHour],
    *,
    now: datetime,
    first_hour: datetime,
    slots: int,
    running: Collection[HourRange] = (),
    rest: timedelta = timedelta(0),
    live_apart: bool = True,
) -> Plan:
    """What to request: the live hours, and at most `slots` ranges of earlier hours, newest first.

    A range has at most MOST_HOURS, and at most EVENTS_PER_RUN events: those of the changes, of a busy hour of the past
    all. It may span hours that aren't pending, but none that is in a run already, no busy one that rests, and none that
    failed more often, which could make the whole range fail. Without `running` hours and `rest`, every hour whose
    `next_try_at` has passed is due. A running range of older hours too doesn't hold back the live hours. With
    `live_apart`, the current hour and the one that has just ended have ranges of their own: more runs, but these hours
    are done sooner.
    """
    current = first_live_hour(now, rest=timedelta(0))
    bounds = HourRange(first_hour, current + HOUR)
    live = first_live_hour(now, rest=rest) if live_apart else bounds.last + HOUR
    # the current hour's run is short: it takes along neither older hours nor the one that has just ended
    starts = (live, current) if live_apart else ()
    running = [run if run.first >= live else HourRange(run.first, min(run.last, live - HOUR)) for run in running]
    inside = {one.hour: one for one in pending if one.hour in bounds}
    busy = {hour for hour in inside if any(hour in run for run in running)}
    # a pause longer than the longest comes from a host whose clock is ahead
    paused = {hour for hour, one in inside.items() if now < one.next_try_at <= now + LAST_RETRY}
    waiting = {hour for hour in paused if inside[hour].attempts} - busy
    resting = {hour for hour, one in inside.items() if is_resting(one, now=now, rest=rest)} - busy - waiting
    barriers = waiting | {hour for hour in resting if inside[hour].is_busy}
    due = inside.keys() - busy - waiting - resting
    requests, left = _ranges(
        {hour: inside[hour] for hour in due},
        live=live,
        slots=slots,
        begins_range=lambda hour: (
            hour in starts or hour - HOUR in barriers or any(hour - HOUR in run for run in running)
        ),
    )
    return Plan(
        requests=tuple(requests),
        running=tuple(sorted(busy)),
        waiting=tuple(sorted(waiting)),
        outside=tuple(sorted(one.hour for one in pending if one.hour not in bounds)),
        left=tuple(sorted(left)),
        resting=tuple(sorted(resting)),
    )


def _ranges(
    due: Mapping[datetime, PendingHour], *, live: datetime, slots: int, begins_range: Callable[[datetime], bool]
) -> tuple[list[HourRange], Collection[datetime]]:
    """Ranges for the due hours, until the slots are used, and the hours that are left over.

    Live hours need no slot: a backlog must not delay them.
    """
    left = dict(due)
    requests: list[HourRange] = []
    for last in sorted(due, reverse=True):
        if last not in left:
            continue
        slots -= last < live
        if slots < 0:
            break
        requests.append(HourRange(_first_hour(due[last], left, live=live, begins_range=begins_range), last))
        for hour in requests[-1].hours():
            left.pop(hour, None)
    return requests, left.keys()


def _first_hour(
    last: PendingHour,
    due: Mapping[datetime, PendingHour],
    *,
    live: datetime,
    begins_range: Callable[[datetime], bool],
) -> datetime:
    """The first hour of the range that ends with `last`: a due one within the limits.

    The range goes no further back than an hour that `begins_range`.
    """
    failures = _failures(last)
    floor = last.hour - (MOST_HOURS[failures] - 1) * HOUR
    first = hour = last.hour
    events = _events(last, live=live)
    while hour > floor and not begins_range(hour):
        hour -= HOUR
        one = due.get(hour)
        events += _events(one, live=live)
        if events > EVENTS_PER_RUN or (one is not None and _failures(one) != failures):
            break
        if one is not None:
            first = hour
    return first


def _failures(one: PendingHour) -> int:
    return min(one.attempts, len(MOST_HOURS) - 1)


def _events(one: PendingHour | None, *, live: datetime) -> int:
    if one is None or one.event_count is None:
        return EVENTS_IF_UNKNOWN
    return max(one.event_count, one.reported_events if one.is_busy and one.hour < live else 0)

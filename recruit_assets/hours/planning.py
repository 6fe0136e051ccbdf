"""Which hours are pending, when, and in which ranges they are run: one decision for sensor, schedule and `materialize`.

Belongs here: pure functions of what was read (changes, coverage marks, runs) and of the time that is passed in.
Not here: queries (`stores.change_reads`, `stores.pending_hours`), the order of reading and storing (`change_feed`).
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from recruit_assets.contract.tables import CHANGE_SKEW_S

HOUR = timedelta(hours=1)
SKEW = timedelta(seconds=CHANGE_SKEW_S)
HOURS_PER_RUN = 24
FIRST_RETRY = timedelta(seconds=30)
LAST_RETRY = timedelta(minutes=10)
REST = timedelta(minutes=3)
"""Late events keep hitting the hours of the last days: doing each at once again took half of a machine, and the current
hour waited for it. An hour that has just ended doesn't rest, nor does one whose last run is longer ago."""


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
    """The report's mark of the hour; None where the report has no row for it."""


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
    """For the next time: there were no more slots."""
    resting: tuple[datetime, ...] = ()
    """Done a moment ago; more may have come late until they are done again."""


def is_covered(newest_change: datetime, covered_through: datetime | None) -> bool:
    """Whether a report with this mark holds the change, whichever coordinator's clock each was taken from."""
    return covered_through is not None and covered_through > newest_change + SKEW


def uncovered(changes: Mapping[datetime, datetime], marks: Mapping[datetime, datetime]) -> dict[datetime, datetime]:
    """The changed hours, with their newest change, that the report's marks don't cover."""
    return {hour: newest for hour, newest in changes.items() if not is_covered(newest, marks.get(hour))}


def retry_delay(attempts: int) -> timedelta:
    """The pause after so many failures in a row: 30 s, doubling, at most 10 minutes."""
    doublings = min(attempts - 1, 10)
    return min(FIRST_RETRY * (1 << doublings), LAST_RETRY)


def after_runs(pending: PendingHour, failures: Iterable[FailedRun]) -> PendingHour:
    """The hour with its failures counted: one more for the newest, none once a run that began later has succeeded.

    Idempotent without a memory of which were counted: a counted one lies before the next try that it caused.
    """
    mark = pending.covered_through
    if pending.attempts:
        failed_at = pending.next_try_at - retry_delay(pending.attempts)
        if mark is not None and mark >= failed_at:
            pending = replace(pending, attempts=0, next_try_at=failed_at)
    newest = max((failure.ended_at for failure in failures if pending.hour in failure.hours), default=None)
    if newest is None or newest <= pending.next_try_at or (mark is not None and mark >= newest):
        return pending
    attempts = pending.attempts + 1
    return replace(pending, attempts=attempts, next_try_at=newest + retry_delay(attempts))


def rests(pending: PendingHour, *, now: datetime, rest: timedelta) -> bool:
    """Whether the hour ended before the last `rest`, in which it was done."""
    mark = pending.covered_through
    return pending.hour + HOUR <= now - rest and mark is not None and mark > now - rest


def plan(
    pending: Collection[PendingHour],
    *,
    now: datetime,
    first_hour: datetime,
    slots: int,
    running: Collection[HourRange] = (),
    rest: timedelta = timedelta(0),
) -> Plan:
    """The current hour, and at most `slots` ranges of at most 24 hours from before it, from the newest on.

    A range may bridge hours that aren't pending; never one that runs already, or that failed, since it would fail with
    it. An hour that failed is requested alone. With `running` empty, no `rest` and every `next_try_at` past, all hours
    are due.
    """
    current = now.replace(minute=0, second=0, microsecond=0)
    bounds = HourRange(first_hour, current + HOUR)
    inside = {one.hour: one for one in pending if one.hour in bounds}
    busy = {hour for hour in inside if any(hour in run for run in running)}
    waiting = {hour for hour, one in inside.items() if one.next_try_at > now and one.attempts} - busy
    resting = {hour for hour, one in inside.items() if rests(one, now=now, rest=rest)} - busy - waiting
    due = inside.keys() - busy - waiting - resting
    alone = {hour for hour in due if inside[hour].attempts}
    requests, left = _ranges(due, alone=alone, current=current, slots=slots, barriers=[*running, *_single(waiting)])
    return Plan(
        requests=tuple(requests),
        running=tuple(sorted(busy)),
        waiting=tuple(sorted(waiting)),
        outside=tuple(sorted(one.hour for one in pending if one.hour not in bounds)),
        left=tuple(sorted(left)),
        resting=tuple(sorted(resting)),
    )


def _ranges(
    due: Collection[datetime],
    *,
    alone: Collection[datetime],
    current: datetime,
    slots: int,
    barriers: Sequence[HourRange],
) -> tuple[list[HourRange], set[datetime]]:
    """Ranges for the due hours until the slots are used, and the hours that are left.

    What happens now needs no slot: a backlog must not hold it up.
    """
    rest = set(due)
    requests: list[HourRange] = []
    for last in sorted(due, reverse=True):
        slots -= last in rest and last < current
        if slots < 0:
            break
        if last not in rest:
            continue
        first = last
        if last not in alone:
            # what happens now isn't made to wait for the past
            floor = current if last >= current else last - (HOURS_PER_RUN - 1) * HOUR
            first = _reach_back(last, floor=floor, rest=rest - set(alone), barriers=[*barriers, *_single(alone)])
        requests.append(HourRange(first, last))
        rest -= set(requests[-1].hours())
    return requests, rest


def _reach_back(
    last: datetime, *, floor: datetime, rest: Collection[datetime], barriers: Sequence[HourRange]
) -> datetime:
    """The earliest due hour from `floor` on that no barrier separates from `last`."""
    first = hour = last
    while hour > floor and not any(hour - HOUR in barrier for barrier in barriers):
        hour -= HOUR
        if hour in rest:
            first = hour
    return first


def _single(hours: Iterable[datetime]) -> list[HourRange]:
    return [HourRange(hour, hour) for hour in hours]

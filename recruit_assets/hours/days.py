"""Which parts of which UTC hours belong to a day of a time zone.

An instant belongs to the date that clocks in the zone showed. So a day has 23, 24 or 25 hours, begins within an hour
where the zone's offset isn't whole hours, has a gap where clocks were set back past midnight, and may not exist at all.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from math import ceil
from zoneinfo import ZoneInfo

from recruit_assets.hours.planning import HOUR

MINUTE, SECOND = timedelta(minutes=1), timedelta(seconds=1)
FARTHEST = timedelta(hours=18)
"""No zone's offset is larger: those in use reach from -12 to +14 hours, the largest ever was nearly 16."""
DAYS_CACHED = 2_000


@dataclass(frozen=True, slots=True)
class Span:
    """Instants from `start` on and before `end`, UTC."""

    start: datetime
    end: datetime


@dataclass(frozen=True, slots=True)
class HourPart:
    """What a day has of an hour; more than one span where clocks were set back past midnight."""

    hour: datetime
    spans: tuple[Span, ...]

    @property
    def is_whole(self) -> bool:
        return self.spans == (Span(self.hour, self.hour + HOUR),)


@dataclass(frozen=True, slots=True)
class LocalDays:
    """Days of a time zone, and the hours that they are made of."""

    days: tuple[date, ...]
    zone: ZoneInfo

    @property
    def whole_hours(self) -> list[datetime]:
        """The hours that belong to one of the days completely."""
        return sorted({part.hour for part in self._parts() if part.is_whole})

    @property
    def cut_hours(self) -> list[datetime]:
        """The hours that a day has only a part of: their events must be looked at one by one."""
        return sorted({part.hour for part in self._parts() if not part.is_whole})

    @property
    def hours(self) -> list[datetime]:
        """Every hour that one of the days has a part of."""
        return sorted({part.hour for part in self._parts()})

    def hours_by_day(self) -> dict[datetime, list[datetime]]:
        """All hours of each day, by the day's label."""
        return {label(day): [part.hour for part in day_hours(day, self.zone)] for day in self.days}

    def spans(self) -> list[tuple[date, datetime, datetime]]:
        """Each day with the start and the end, excluded, of its instants; a day may be there twice."""
        return [(day, span.start, span.end) for day in self.days for span in day_spans(day, self.zone)]

    def _parts(self) -> Iterator[HourPart]:
        return (part for day in self.days for part in day_hours(day, self.zone))


def label(day: date) -> datetime:
    """Stands for the day where an hour is named by its beginning: midnight of the date, marked as UTC."""
    return datetime.combine(day, time(), UTC)


@lru_cache(maxsize=DAYS_CACHED)
def day_hours(day: date, zone: ZoneInfo) -> tuple[HourPart, ...]:
    """The hours that the day has a part of, oldest first; none for a date that the zone left out."""
    first = datetime.combine(day, time(), UTC) - FARTHEST
    hours = (first + number * HOUR for number in range((2 * FARTHEST + timedelta(days=1)) // HOUR))
    parts = (HourPart(hour, tuple(_spans(hour, day, zone))) for hour in hours)
    return tuple(part for part in parts if part.spans)


def day_spans(day: date, zone: ZoneInfo) -> Sequence[Span]:
    """The instants of the day as few spans, oldest first: normally one."""
    merged: list[Span] = []
    for span in (span for part in day_hours(day, zone) for span in part.spans):
        if merged and merged[-1].end == span.start:
            merged[-1] = Span(merged[-1].start, span.end)
        else:
            merged.append(span)
    return merged


def local_date(instant: datetime, zone: ZoneInfo) -> date:
    """The date that clocks in the zone showed."""
    return instant.astimezone(zone).date()


def is_ever_ahead(zone: ZoneInfo, since: datetime) -> bool:
    """Whether a local date may begin before that of UTC, from this time on."""
    return any(offset > timedelta(0) for offset in _offsets(zone, since))


def is_ever_behind(zone: ZoneInfo, since: datetime) -> bool:
    """Whether a local date may end after that of UTC, from this time on."""
    return any(offset < timedelta(0) for offset in _offsets(zone, since))


def _offsets(zone: ZoneInfo, since: datetime) -> set[timedelta]:
    """The offsets from then to the end of next year's clock changes, looked at once a day."""
    days = (max(datetime.now(UTC), since) + timedelta(days=731) - since).days
    found = ((since + timedelta(days=number)).astimezone(zone).utcoffset() for number in range(days))
    return {offset for offset in found if offset is not None}


def _spans(hour: datetime, day: date, zone: ZoneInfo) -> Iterator[Span]:
    """The hour's instants that belong to the day."""
    end = hour + HOUR
    if _is_constant(hour, zone):
        if local_date(hour, zone) == day:
            yield Span(hour, end)
        return
    start = hour
    while start < end:
        until = _next_change(start, end, zone)
        if local_date(start, zone) == day:
            yield Span(start, until)
        start = until


def _is_constant(hour: datetime, zone: ZoneInfo) -> bool:
    """Whether the date stays the same for the whole hour, and no clock change could hide another one in it."""
    first, last = hour.astimezone(zone), (hour + HOUR - SECOND).astimezone(zone)
    return first.utcoffset() == last.utcoffset() and first.date() == last.date()


def _next_change(start: datetime, end: datetime, zone: ZoneInfo) -> datetime:
    """The first instant after `start` with another date, to the second; `end` if it stays the same."""
    day = local_date(start, zone)
    minute = next((at for at in _steps(start, end, MINUTE) if local_date(at, zone) != day), end)
    seconds = _steps(max(start, minute - MINUTE), minute, SECOND)
    return next((at for at in seconds if local_date(at, zone) != day), minute)


def _steps(start: datetime, end: datetime, step: timedelta) -> Iterator[datetime]:
    """The instants between both, excluded, in steps from `start`."""
    return (start + number * step for number in range(1, ceil((end - start) / step)))

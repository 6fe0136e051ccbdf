"""The date in a time zone, in Spark SQL, by Python's time zones: Spark's own may be of another year."""

from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import pairwise
from zoneinfo import ZoneInfo

_FROM, _TO = datetime(2000, 1, 1, tzinfo=UTC), datetime(2050, 1, 1, tzinfo=UTC)
"""Clock changes outside of these years aren't known."""
_DAY, _SECOND = timedelta(days=1), timedelta(seconds=1)


def local_date(time: str, timezone: str) -> str:
    """Spark SQL: the date that clocks in the zone show at a timestamp."""
    (_, first), *changes = offsets(timezone)
    cases = " ".join(
        f"WHEN {time} >= timestamp'{at:%Y-%m-%d %H:%M:%SZ}' THEN {_seconds(offset)}" for at, offset in reversed(changes)
    )
    seconds = f"CASE {cases} ELSE {_seconds(first)} END" if cases else str(_seconds(first))
    return f"cast(timestamp_millis(unix_millis({time}) + 1000L * ({seconds})) AS date)"


@cache
def offsets(timezone: str) -> tuple[tuple[datetime, timedelta], ...]:
    """From when on clocks in the zone were how far ahead of UTC, in order of time."""
    zone = ZoneInfo(timezone)
    found = [(_FROM, _offset(_FROM, zone))]
    days = [_FROM + number * _DAY for number in range((_TO - _FROM).days + 1)]
    for before, after in pairwise(days):
        if _offset(before, zone) != _offset(after, zone):
            at = _change(before, after, zone)
            found.append((at, _offset(at, zone)))
    return tuple(found)


def _change(before: datetime, after: datetime, zone: ZoneInfo) -> datetime:
    """The first second with the offset of `after`; a zone changes its clocks at most once a day."""
    wanted = _offset(after, zone)
    while after - before > _SECOND:
        middle = before + (after - before) // (2 * _SECOND) * _SECOND
        before, after = (before, middle) if _offset(middle, zone) == wanted else (middle, after)
    return after


def _offset(at: datetime, zone: ZoneInfo) -> timedelta:
    return at.astimezone(zone).utcoffset() or timedelta(0)


def _seconds(offset: timedelta) -> int:
    return offset // _SECOND

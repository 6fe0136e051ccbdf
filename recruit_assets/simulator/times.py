"""When events happen, and how trackers write their times."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import accumulate

from recruit_assets.simulator.spec import DayShape, SimulationSpec

HOUR_MS = 3_600_000
HOUR_WEIGHTS = {
    DayShape.FLAT: (1,) * 24,
    DayShape.OFFICE: (2, 1, 1, 1, 1, 2, 5, 10, 18, 22, 23, 21, 17, 19, 21, 20, 17, 13, 10, 9, 8, 7, 5, 3),
    DayShape.EVENING: (6, 3, 2, 1, 1, 1, 2, 4, 6, 6, 6, 7, 9, 8, 7, 7, 9, 12, 16, 20, 23, 22, 17, 11),
}
"""Relative weights by hour of the day, UTC."""


def milliseconds(moment: datetime) -> int:
    """Whole milliseconds since the epoch."""
    return int(moment.timestamp()) * 1000 + moment.microsecond // 1000


def segments(spec: SimulationSpec) -> Iterator[tuple[int, int, int]]:
    """(from, to, number of records) for each hour of the window that has records; times in ms since the epoch."""
    if spec.start is None or spec.end is None:
        raise ValueError("the spec has no start or end: call resolved() first")
    start_ms, end_ms = milliseconds(spec.start), milliseconds(spec.end)
    weights = HOUR_WEIGHTS[spec.day_shape]
    first_hour_ms = start_ms - start_ms % HOUR_MS
    spans = [(max(hour, start_ms), min(hour + HOUR_MS, end_ms)) for hour in range(first_hour_ms, end_ms, HOUR_MS)]
    masses = [(to - begin) * weights[begin // HOUR_MS % 24] for begin, to in spans]
    total, mass_so_far, sent = sum(masses), 0, 0
    for (begin, to), mass in zip(spans, masses, strict=True):
        mass_so_far += mass
        due = spec.events * mass_so_far // total  # cumulative, so that the hours add up exactly
        if due > sent:
            yield begin, to, due - sent
        sent = due


class _HourPrefixes(dict[int, bytes]):
    """Day and hour as text, by hours since the epoch; filled on demand."""

    def __init__(self, layout: str, zone_hours: int) -> None:
        super().__init__()
        self._layout = layout
        self._zone_hours = zone_hours

    def __missing__(self, hour: int) -> bytes:
        local = datetime.fromtimestamp((hour + self._zone_hours) * HOUR_MS / 1000, UTC)
        text = self[hour] = local.strftime(self._layout).encode()
        return text


@dataclass(frozen=True, slots=True, eq=False)
class TimeStyle:
    """How a tracker writes `ts`: lookup tables for the hour, the second of the hour, and the millisecond.

    create_time is `lag_ms` earlier. If ts is missing or null, create_time is the event time.
    """

    hours: _HourPrefixes
    seconds: Sequence[bytes]
    fractions: Sequence[bytes]
    lag_ms: int = 0


def time_styles() -> tuple[list[TimeStyle], list[float]]:
    """All time styles and their cumulative weights."""
    weighted = [
        (_time_style("%Y-%m-%d %H", "", lag_ms=1_420), 40.0),
        (_time_style("%Y-%m-%d %H", ".{:03d}", lag_ms=35), 24.0),
        (_time_style("%Y-%m-%d %H", ".{:03d}417", lag_ms=8), 5.0),
        (_time_style("%Y-%m-%dT%H", ".{:03d}Z", lag_ms=210), 12.0),
        (_time_style("%Y-%m-%dT%H", "Z", lag_ms=0), 4.0),
        (_time_style("%Y-%m-%dT%H", "+02:00", zone_hours=2, lag_ms=640), 4.0),
        (_time_style("%Y-%m-%d %H", ".{:03d}-07:00", zone_hours=-7, lag_ms=2_900), 2.0),
        (_time_style("%Y-%m-%dT%H", "", lag_ms=77), 2.0),
        (_without_time(b""), 5.0),
        (_without_time(b',"ts":null'), 2.0),
    ]
    return [style for style, _ in weighted], list(accumulate(weight for _, weight in weighted))


def _time_style(hour_layout: str, tail: str, *, lag_ms: int, zone_hours: int = 0) -> TimeStyle:
    return TimeStyle(
        hours=_HourPrefixes(f',"ts":"{hour_layout}', zone_hours),
        seconds=[b":%02d:%02d" % divmod(second, 60) for second in range(3600)],
        fractions=[f'{tail.format(ms)}",'.encode() for ms in range(1000)],
        lag_ms=lag_ms,
    )


def _without_time(members: bytes) -> TimeStyle:
    hours = _HourPrefixes(members.decode(), 0)
    return TimeStyle(hours=hours, seconds=[b""] * 3600, fractions=[b","] * 1000)

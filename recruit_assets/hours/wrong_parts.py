"""Parts of hours that a check compares, and their names in few words."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from itertools import groupby
from typing import NamedTuple

from recruit_assets.hours.planning import HOUR, HourRange


class Part(NamedTuple):
    """An hour; for a check that reads samples, one of the hour's samples."""

    hour: datetime
    sample: int = 0


def texts_of(parts: Iterable[Part]) -> list[str]:
    """The parts in few words: neighboring hours are one range, so that a wrong year is as short as a wrong hour."""
    return [f"{hours} #{sample}" if sample else str(hours) for hours, sample in ranges_of(parts)]


def ranges_of(parts: Iterable[Part]) -> Iterator[tuple[HourRange, int]]:
    """The same parts as ranges of neighboring hours, each with its sample."""
    in_order = sorted(parts, key=lambda part: (part.sample, part.hour))
    for sample, group in groupby(in_order, key=lambda part: part.sample):
        for hours in _neighbors([part.hour for part in group]):
            yield hours, sample


def _neighbors(hours: Sequence[datetime]) -> Iterator[HourRange]:
    first = last = hours[0]
    for hour in hours[1:]:
        if hour - last > HOUR:
            yield HourRange(first, last)
            first = hour
        last = hour
    yield HourRange(first, last)

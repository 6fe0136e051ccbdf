"""A benchmark's result: a number with its goal, and the single measurements that it is computed from."""

import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Goal:
    """A bound of the figure's value. `stretch` is the next goal, which is only shown."""

    at_least: float | None = None
    at_most: float | None = None
    stretch: float | None = None

    def is_met(self, value: float) -> bool:
        return (self.at_least is None or value >= self.at_least) and (self.at_most is None or value <= self.at_most)

    def __str__(self) -> str:
        sign, bound = ("≥", self.at_least) if self.at_least is not None else ("≤", self.at_most)
        return f"{sign} {bound:,g}" + (f", then {self.stretch:,g}" if self.stretch is not None else "")


@dataclass(frozen=True, slots=True)
class Side:
    """One of the things compared: its name, and its measurements with their unit."""

    name: str
    unit: str
    repeats: tuple[float, ...]

    @property
    def median(self) -> float:
        return statistics.median(self.repeats)

    @property
    def spread(self) -> float:
        """Difference of the extremes, as a share of the median."""
        return (max(self.repeats) - min(self.repeats)) / self.median if self.median else 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One row of docs/benchmarks.md.

    The goal applies to `value`: a ratio of two sides (unit "x"), or the median of `ours`. `others` are sides that were
    measured too; `notes` say what a reader must know to trust or repeat the measurement.
    """

    key: str
    title: str
    value: float
    unit: str
    goal: Goal
    ours: Side
    peer: Side | None = None
    others: tuple[Side, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def is_met(self) -> bool:
        return self.goal.is_met(self.value)

    @property
    def sides(self) -> tuple[Side, ...]:
        return (self.ours, *((self.peer,) if self.peer else ()), *self.others)


def interleaved(sides: Mapping[str, Callable[[], float]], repeats: int) -> dict[str, tuple[float, ...]]:
    """Measure each side `repeats` times, in turns, so that drift affects all sides equally."""
    found: dict[str, list[float]] = {name: [] for name in sides}
    for _ in range(repeats):
        for name, measure in sides.items():
            found[name].append(measure())
    return {name: tuple(values) for name, values in found.items()}


def better_by_median(sides: Sequence[Side]) -> Side:
    """The side with the greatest median rate."""
    return max(sides, key=lambda side: side.median)

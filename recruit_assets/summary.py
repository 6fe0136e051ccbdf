"""The report summed up for people: over time, and those jobs, publishers, campaigns and companies with the most spend.

Belongs here: what a summary is made of, and its ratios. Not here: reading it (`stores.report_summary`), showing it
(`report_page`).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum

HOUR, DAY = timedelta(hours=1), timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Totals:
    """Sums over some rows of the report. A ratio is None where it would divide by 0."""

    clicks: int = 0
    applications: int = 0
    qualified: int = 0
    disqualified: int = 0
    spend: float = 0.0

    def __add__(self, other: "Totals") -> "Totals":
        return Totals(
            self.clicks + other.clicks,
            self.applications + other.applications,
            self.qualified + other.qualified,
            self.disqualified + other.disqualified,
            self.spend + other.spend,
        )

    def __sub__(self, other: "Totals") -> "Totals":
        return self + Totals(-other.clicks, -other.applications, -other.qualified, -other.disqualified, -other.spend)

    @property
    def cost_per_click(self) -> float | None:
        return _ratio(self.spend, self.clicks)

    @property
    def cost_per_application(self) -> float | None:
        return _ratio(self.spend, self.applications)

    @property
    def apply_rate(self) -> float | None:
        return _ratio(self.applications, self.clicks)

    @property
    def qualified_rate(self) -> float | None:
        return _ratio(self.qualified, self.applications)


class Step(Enum):
    """What one point in time stands for."""

    HOUR = "hour"
    DAY = "day"

    @property
    def length(self) -> timedelta:
        return HOUR if self is Step.HOUR else DAY


@dataclass(frozen=True, slots=True)
class Point:
    """What happened in the hour or on the day that begins at `start`."""

    start: datetime
    totals: Totals


@dataclass(frozen=True, slots=True)
class Place:
    """One of those with the most spend; `id` is None for a job's unknown company, `name` where no table has it."""

    id: int | None
    name: str | None
    totals: Totals


@dataclass(frozen=True, slots=True)
class Ranking:
    """Those of one kind with the most spend, and all others together."""

    kind: str
    places: Sequence[Place]
    others: Totals


@dataclass(frozen=True, slots=True)
class ReportSummary:
    """The report's last days. `points` has every hour or day from the first with rows to the last, without a gap."""

    step: Step
    points: Sequence[Point] = ()
    rankings: Sequence[Ranking] = ()
    totals: Totals = Totals()

    @property
    def first(self) -> datetime | None:
        return self.points[0].start if self.points else None

    @property
    def end(self) -> datetime | None:
        """Where the last hour or day ends."""
        return self.points[-1].start + self.step.length if self.points else None


def _ratio(numerator: float, denominator: float) -> float | None:
    return numerator / denominator if denominator else None

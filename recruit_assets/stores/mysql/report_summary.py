"""Reading the report's summary: a few sums over its rows, all of one moment.

Not here: what a summary is (`summary`), how far the report is (`report_state`).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import Enum
from typing import Any

from pymysql.cursors import Cursor

from recruit_assets.contract.analyst_model import CAMPAIGN, COMPANY, PUBLISHER
from recruit_assets.contract.tables import JOB, MYSQL_REPORT
from recruit_assets.stores.mysql.connection import ReportDatabase

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


RANKED = 10
HOURS_SHOWN = 72
"""A longer report is summed by day: more points than this say nothing that a day doesn't."""
DAYS = 366

_SUMS = ", ".join(
    f"COALESCE(SUM({name}), 0)"
    for name in ("clicks", "conversion", "qualified_application", "disqualified_application", "spend_hour")
)


@dataclass(frozen=True, slots=True)
class Kind:
    """What a ranking is of: the report's column, and where names are kept."""

    name: str
    column: str
    names: tuple[str, str]
    """Table and column."""


KINDS = (
    Kind("job", "job_id", (JOB.name, "title")),
    Kind("publisher", "publisher_id", (PUBLISHER.name, "name")),
    Kind("campaign", "campaign_id", (CAMPAIGN.name, "name")),
    Kind("company", "company_id", (COMPANY.name, "name")),
)


def read_summary(database: ReportDatabase, *, days: int = DAYS) -> ReportSummary:
    """The last so many days that the report has, all of one moment; costs their rows, a few times over."""
    with database.snapshot() as cursor:
        last = _edge(cursor, "DESC")
        if last is None:
            return ReportSummary(Step.HOUR)
        since = last.replace(hour=0) - (days - 1) * DAY
        first = _edge(cursor, "ASC", since) or last
        step = Step.HOUR if last - first < HOURS_SHOWN * HOUR else Step.DAY
        points = _without_gaps(_points(cursor, step, since), step)
        totals = sum((point.totals for point in points), Totals())
        rankings = tuple(_ranking(cursor, kind, since, totals=totals) for kind in KINDS)
    return ReportSummary(step, points, rankings, totals)


def _edge(cursor: Cursor, order: str, since: datetime | None = None) -> datetime | None:
    """The first or last hour with rows; the first from a day on."""
    where, parameters = ("WHERE dates >= %s", (_naive(since),)) if since else ("", ())
    by = f"ORDER BY dates {order}, hours {order}"
    cursor.execute(f"SELECT dates, hours FROM {MYSQL_REPORT.name} {where} {by} LIMIT 1", parameters)
    row = cursor.fetchone()
    return row[0].replace(tzinfo=UTC) + row[1] * HOUR if row else None


def _points(cursor: Cursor, step: Step, since: datetime) -> Sequence[Point]:
    columns = "dates, hours" if step is Step.HOUR else "dates, 0"
    keys = "dates, hours" if step is Step.HOUR else "dates"
    cursor.execute(
        f"SELECT {columns}, {_SUMS} FROM {MYSQL_REPORT.name} WHERE dates >= %s GROUP BY {keys} ORDER BY {keys}",
        (_naive(since),),
    )
    return [Point(day.replace(tzinfo=UTC) + hour * HOUR, _totals(sums)) for day, hour, *sums in cursor.fetchall()]


def _without_gaps(points: Sequence[Point], step: Step) -> Sequence[Point]:
    by_start = {point.start: point for point in points}
    count = (points[-1].start - points[0].start) // step.length + 1
    starts = (points[0].start + index * step.length for index in range(count))
    return tuple(by_start.get(start, Point(start, Totals())) for start in starts)


def _ranking(cursor: Cursor, kind: Kind, since: datetime, *, totals: Totals) -> Ranking:
    cursor.execute(
        f"SELECT {kind.column}, {_SUMS} FROM {MYSQL_REPORT.name} WHERE dates >= %s GROUP BY {kind.column} "
        f"ORDER BY SUM(spend_hour) DESC, SUM(clicks) DESC, {kind.column} LIMIT {RANKED}",
        (_naive(since),),
    )
    found = {id: _totals(sums) for id, *sums in cursor.fetchall()}
    names = _names(cursor, kind, [id for id in found if id is not None])
    places = tuple(Place(id, names.get(id), one) for id, one in found.items())
    return Ranking(kind.name, places, others=totals - sum(found.values(), Totals()))


def _names(cursor: Cursor, kind: Kind, ids: Sequence[int]) -> Mapping[int | None, str]:
    if not ids:
        return {}
    table, column = kind.names
    markers = ", ".join(["%s"] * len(ids))
    cursor.execute(f"SELECT id, {column} FROM {table} WHERE {column} IS NOT NULL AND id IN ({markers})", ids)
    return dict(cursor.fetchall())


def _totals(sums: Sequence[Any]) -> Totals:
    clicks, applications, qualified, disqualified, spend = sums
    return Totals(int(clicks), int(applications), int(qualified), int(disqualified), float(spend))


def _naive(time: datetime) -> datetime:
    return time.astimezone(UTC).replace(tzinfo=None)

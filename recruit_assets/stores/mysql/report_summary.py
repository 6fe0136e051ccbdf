"""The report's summary: totals by time and by member, all of one snapshot."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import Enum

from pymysql.cursors import Cursor

from recruit_assets.contract.analyst_model import CAMPAIGN, COMPANY, PUBLISHER
from recruit_assets.contract.measures import CLICKS, SPEND
from recruit_assets.contract.tables import FUNNEL_ACTIONS, JOB, MYSQL_REPORT
from recruit_assets.runtime.times import aware, naive
from recruit_assets.stores.mysql.connection import ReportDatabase, placeholders
from recruit_assets.stores.mysql.credits import Credit, read_credits
from recruit_assets.stores.mysql.totals import NOTHING, SUMS, Totals, totals_of

HOUR, DAY = timedelta(hours=1), timedelta(days=1)


class Step(Enum):
    """How long each point of the summary is."""

    HOUR = "hour"
    DAY = "day"

    @property
    def length(self) -> timedelta:
        return HOUR if self is Step.HOUR else DAY


@dataclass(frozen=True, slots=True)
class Point:
    """The totals of the hour or day that begins at `start`."""

    start: datetime
    totals: Totals


@dataclass(frozen=True, slots=True)
class Place:
    """A member of a ranking; `id` is None for the company of an unknown job, `name` if no table has it."""

    id: int | None
    name: str | None
    totals: Totals


@dataclass(frozen=True, slots=True)
class Ranking:
    """The members of one kind with the most RANKED_BY, highest first, and the totals of all others."""

    kind: str
    places: Sequence[Place]
    others: Totals


@dataclass(frozen=True, slots=True)
class ReportSummary:
    """The report's last days. `points` has every hour or day from the first to the last with rows, without a gap."""

    step: Step
    points: Sequence[Point] = ()
    rankings: Sequence[Ranking] = ()
    totals: Totals = NOTHING
    actions: Mapping[str, int] = field(default_factory=dict)
    """How often each further action of the funnel happened, the most frequent first."""
    credits: Sequence[Credit] = ()
    """Applications by the publisher of the click that led to them, the most first."""

    @property
    def first(self) -> datetime | None:
        return self.points[0].start if self.points else None

    @property
    def end(self) -> datetime | None:
        """Where the last hour or day ends."""
        return self.points[-1].start + self.step.length if self.points else None


RANKED = 10
RANKED_BY = SPEND
HOURS_SHOWN = 72
"""A report of more hours is summed by day; more points can't be told apart in a plot."""
DAYS = 366


@dataclass(frozen=True, slots=True)
class Kind:
    """What a ranking is about: the report's column, and the table and column with the names."""

    name: str
    column: str
    names: tuple[str, str]


KINDS = (
    Kind("job", "job_id", (JOB.name, "title")),
    Kind("publisher", "publisher_id", (PUBLISHER.name, "name")),
    Kind("campaign", "campaign_id", (CAMPAIGN.name, "name")),
    Kind("company", "company_id", (COMPANY.name, "name")),
)


def read_summary(database: ReportDatabase, *, days: int = DAYS) -> ReportSummary:
    """The last `days` days of the report, from one snapshot; reads their rows once, and once per ranking."""
    with database.snapshot() as cursor:
        last = _edge(cursor, "DESC")
        if last is None:
            return ReportSummary(Step.HOUR)
        since = last.replace(hour=0) - (days - 1) * DAY
        first = _edge(cursor, "ASC", since) or last
        step = Step.HOUR if last - first < HOURS_SHOWN * HOUR else Step.DAY
        points = _without_gaps(_points(cursor, step, since), step)
        totals = sum((point.totals for point in points), NOTHING)
        rankings = tuple(_ranking(cursor, kind, since, totals=totals) for kind in KINDS)
        cursor.execute(
            f"SELECT action, SUM(events) FROM {FUNNEL_ACTIONS.name} WHERE event_hour >= %s GROUP BY action "
            "ORDER BY 2 DESC, 1",
            (naive(since),),
        )
        actions = {action: int(events) for action, events in cursor.fetchall()}
        credits = read_credits(cursor, since)
    return ReportSummary(step, points, rankings, totals, actions, credits)


def _edge(cursor: Cursor, order: str, since: datetime | None = None) -> datetime | None:
    """The first (ASC) or last (DESC) hour with rows, of those since a day if one is given."""
    where, parameters = ("WHERE dates >= %s", (naive(since),)) if since else ("", ())
    by = f"ORDER BY dates {order}, hours {order}"
    cursor.execute(f"SELECT dates, hours FROM {MYSQL_REPORT.name} {where} {by} LIMIT 1", parameters)
    row = cursor.fetchone()
    return aware(row[0]) + row[1] * HOUR if row else None


def _points(cursor: Cursor, step: Step, since: datetime) -> Sequence[Point]:
    columns = "dates, hours" if step is Step.HOUR else "dates, 0"
    keys = "dates, hours" if step is Step.HOUR else "dates"
    cursor.execute(
        f"SELECT {columns}, {SUMS} FROM {MYSQL_REPORT.name} WHERE dates >= %s GROUP BY {keys} ORDER BY {keys}",
        (naive(since),),
    )
    return [Point(aware(day) + hour * HOUR, totals_of(sums)) for day, hour, *sums in cursor.fetchall()]


def _without_gaps(points: Sequence[Point], step: Step) -> Sequence[Point]:
    by_start = {point.start: point for point in points}
    count = (points[-1].start - points[0].start) // step.length + 1
    starts = (points[0].start + index * step.length for index in range(count))
    return tuple(by_start.get(start, Point(start, NOTHING)) for start in starts)


def _ranking(cursor: Cursor, kind: Kind, since: datetime, *, totals: Totals) -> Ranking:
    order = ", ".join(f"SUM({measure.report_column}) DESC" for measure in (RANKED_BY, CLICKS))
    cursor.execute(
        f"SELECT {kind.column}, {SUMS} FROM {MYSQL_REPORT.name} WHERE dates >= %s GROUP BY {kind.column} "
        f"ORDER BY {order}, {kind.column} LIMIT {RANKED}",
        (naive(since),),
    )
    found = {id: totals_of(sums) for id, *sums in cursor.fetchall()}
    names = _names(cursor, kind, [id for id in found if id is not None])
    places = tuple(Place(id, names.get(id), one) for id, one in found.items())
    return Ranking(kind.name, places, others=totals - sum(found.values(), NOTHING))


def _names(cursor: Cursor, kind: Kind, ids: Sequence[int]) -> Mapping[int | None, str]:
    if not ids:
        return {}
    table, column = kind.names
    cursor.execute(f"SELECT id, {column} FROM {table} WHERE {column} IS NOT NULL AND id IN ({placeholders(ids)})", ids)
    return dict(cursor.fetchall())

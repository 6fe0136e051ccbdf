"""The star schema that analysts see: dimensions, views and their columns, and the tables of names that a site fills.

The SQL of the views is in `stores.mysql.analyst_views`.
"""

from dataclasses import dataclass

from recruit_assets.contract.click_quality import VALID, VERDICTS
from recruit_assets.contract.measures import CLICKS, KPIS, MEASURES, SPEND
from recruit_assets.contract.tables import ATTRIBUTED_CONVERSIONS, BUDGET, FUNNEL_ACTIONS, JOB
from recruit_assets.contract.types import Column, SqlTable, Type

UNKNOWN = "unknown"
"""Shown for an id without a name, and for id 0, which stands for none."""


@dataclass(frozen=True, slots=True)
class Dimension:
    """What the report is counted by: its key in the fact view, and the table with the names of its members."""

    name: str
    key: str
    label: str
    names: SqlTable
    name_column: str
    description: str

    @property
    def key_column(self) -> Column:
        return Column(self.key, Type.INT, self.description, nullable=False)

    @property
    def label_column(self) -> Column:
        return Column(self.label, Type.VARCHAR, f"Its name; '{UNKNOWN}' where none is known", nullable=False)


@dataclass(frozen=True, slots=True)
class View:
    """A view's name, meaning and columns, in their order."""

    name: str
    description: str
    columns: tuple[Column, ...]

    @property
    def column_names(self) -> tuple[str, ...]:
        return tuple(column.name for column in self.columns)


def _names(table: str, what: str) -> SqlTable:
    id = Column("id", Type.INT, f"{what}, as the report has it", nullable=False)
    return SqlTable(table, f"Names: {what}.", (id, Column("name", Type.VARCHAR, "Its name")), ("id",))


COMPANY = _names("company", "Company that offers jobs")
CAMPAIGN = _names("campaign", "Advertising campaign")
JOB_GROUP = _names("job_group", "Group of jobs")
PUBLISHER = _names("publisher", "Site that showed the advertisement")
NAME_TABLES = (COMPANY, CAMPAIGN, JOB_GROUP, PUBLISHER)
APPLIED_VIEWS = SqlTable(
    "applied_views",
    "Which definition each view of the model was made from.",
    (
        Column("name", Type.VARCHAR, "The view", nullable=False),
        Column("definition_sha256", Type.VARCHAR, "Of its SELECT", nullable=False),
    ),
    ("name",),
)
MODEL_TABLES = (*NAME_TABLES, APPLIED_VIEWS)

DIMENSIONS = (
    Dimension("job", "job_id", "job_title", JOB, "title", "Job advertisement"),
    Dimension("company", "company_id", "company_name", COMPANY, "name", "Company of the job, 0 if unknown"),
    Dimension("campaign", "campaign_id", "campaign_name", CAMPAIGN, "name", "Advertising campaign, 0 if unknown"),
    Dimension("group", "group_id", "group_name", JOB_GROUP, "name", "Group of jobs, 0 if unknown"),
    Dimension(
        "publisher", "publisher_id", "publisher_name", PUBLISHER, "name",
        "Site that showed the advertisement, 0 if unknown",
    ),
)  # fmt: skip

EVENT_HOUR = Column("event_hour", Type.DATETIME, "Start of the hour, UTC", nullable=False)
DATE = Column("date", Type.DATE, "The day, UTC", nullable=False)
FACT_KEYS = (EVENT_HOUR, DATE, *(dimension.key_column for dimension in DIMENSIONS))

FACT = View(
    "fact_hourly",
    "What happened per hour, job, publisher, campaign and group: numbers that may be summed over anything.",
    (
        *FACT_KEYS,
        *(measure.view_column for measure in MEASURES),
    ),
)

GROSS = "gross"
FACT_CLICKS = View(
    "fact_clicks",
    "Gross, valid and invalid clicks per hour, job, publisher, campaign and group: numbers that may be summed over "
    "anything. It has the hours that click_quality has.",
    (
        *FACT_KEYS,
        Column(f"{GROSS}_{CLICKS.name}", Type.BIGINT, "All clicks, as in the report", nullable=False),
        *(Column(f"{one.name}_{CLICKS.name}", Type.BIGINT, one.description, nullable=False) for one in VERDICTS),
        Column(f"{GROSS}_{SPEND.name}", Type.DOUBLE, "Sum of the bids of all clicks", nullable=False),
        Column(f"{VALID.name}_{SPEND.name}", Type.DOUBLE, "Sum of the bids of the valid clicks", nullable=False),
    ),
)

DIM_DATE = View(
    "dim_date",
    "Every day of every year that the report touches, without a gap.",
    (
        DATE,
        Column("year", Type.INT, "Year", nullable=False),
        Column("quarter", Type.INT, "Quarter, 1 to 4", nullable=False),
        Column("month", Type.INT, "Month, 1 to 12", nullable=False),
        Column("month_name", Type.VARCHAR, "January to December", nullable=False),
        Column("iso_week", Type.INT, "Week as in ISO 8601, 1 to 53", nullable=False),
        Column("weekday", Type.INT, "1 Monday to 7 Sunday", nullable=False),
        Column("weekday_name", Type.VARCHAR, "Monday to Sunday", nullable=False),
    ),
)


def dimension_view(dimension: Dimension) -> View:
    return View(
        f"dim_{dimension.name}",
        f"{dimension.description}: every one in the report or in the table {dimension.names.name}.",
        (dimension.key_column, dimension.label_column),
    )


def kpi_view(name: str, *keys: Column) -> View:
    """Sums and key figures of each member, over all time."""
    sums = (Column(m.name, Type.BIGINT if m.type is Type.INT else m.type, m.description) for m in MEASURES)
    columns = (*keys, *sums, *(kpi.view_column for kpi in KPIS))
    return View(f"kpi_by_{name}", f"Sums and key figures by {name}, over all time.", columns)


DIMENSION_VIEWS = {dimension: dimension_view(dimension) for dimension in DIMENSIONS}
KPI_BY_DATE = kpi_view("date", DATE)
KPI_VIEWS = {
    dimension: kpi_view(dimension.name, dimension.key_column, dimension.label_column) for dimension in DIMENSIONS
}

_ACTION, _EVENTS = (column for column in FUNNEL_ACTIONS.columns if column.name in ("action", "events"))
CREDITED = ("attributed", *ATTRIBUTED_CONVERSIONS.events_in)
FACT_FUNNEL = View(
    "fact_funnel",
    f"{FUNNEL_ACTIONS.description} Empty without that setting.",
    (*FACT_KEYS, _ACTION, _EVENTS),
)
FACT_ATTRIBUTED = View(
    "fact_attributed",
    f"{ATTRIBUTED_CONVERSIONS.description} Empty without RECRUIT_ATTRIBUTION_DAYS.",
    (
        *FACT_KEYS,
        *(column for column in ATTRIBUTED_CONVERSIONS.columns if column.name in CREDITED),
    ),
)
KPI_BY_ACTION = View(
    "kpi_by_action",
    "How often each further action of the funnel happened, and what one cost, over all time.",
    (
        _ACTION,
        Column("events", Type.BIGINT, "Number of events", nullable=False),
        Column("spend", Type.DOUBLE, "Sum of the bids of all clicks"),
        Column("cost_per_event", Type.DOUBLE, "Spend per event of this action"),
    ),
)

BUDGET_PACING = View(
    "budget_pacing",
    "What each budget's campaign or job has spent in its month (UTC), beside what an even pace would have spent.",
    (
        *(column for column in BUDGET.columns if column.name in BUDGET.primary_key),
        Column("name", Type.VARCHAR, f"Of the campaign, or title of the job; '{UNKNOWN}' where none is known", False),
        *(column for column in BUDGET.columns if column.name not in BUDGET.primary_key),
        Column("spent", Type.DOUBLE, "Sum of the bids of the month's clicks so far", nullable=False),
        Column("spent_share", Type.DOUBLE, "Share of the amount that is spent; null if the amount is 0"),
        Column("expected_by_now", Type.DOUBLE, "Share of the month that is over x the amount", nullable=False),
        Column("forecast", Type.DOUBLE, "The month's spend at the pace so far; null before the month"),
    ),
)

VIEWS = (
    FACT,
    FACT_CLICKS,
    FACT_FUNNEL,
    FACT_ATTRIBUTED,
    KPI_BY_ACTION,
    DIM_DATE,
    *DIMENSION_VIEWS.values(),
    KPI_BY_DATE,
    *KPI_VIEWS.values(),
    BUDGET_PACING,
)

"""The dashboard of recruitment performance: what was spent, and what came of it.

Belongs here: its panels. Their sums and ratios are the analyst model's, over a range of hours. Not here: Grafana's
format (`document`).
"""

from recruit_assets.contract.analyst_model import DIMENSION_VIEWS, DIMENSIONS, FACT, Dimension
from recruit_assets.contract.measures import KPIS
from recruit_assets.observability.dashboards.document import Dashboard, Panel, Query, Variable
from recruit_assets.stores.mysql.analyst_views import kpi_columns, kpi_select, sum_columns, sums_by

BY_NAME = {dimension.name: dimension for dimension in DIMENSIONS}
CHOSEN = ("publisher", "campaign", "company")
TOP_JOBS = 20
TOP_MEMBERS = 50

CONDITION = " AND ".join(["$__timeFilter(event_hour)", *(f"{BY_NAME[name].key} IN (${name})" for name in CHOSEN)])
"""The hours that begin in the dashboard's range, of the members that are chosen."""
TIME = "$__timeGroup(event_hour, $__interval) AS time"
UNITS = tuple((kpi.name, "percentunit") for kpi in KPIS if kpi.name.endswith("rate"))


def _variable(dimension: Dimension) -> Variable:
    view = DIMENSION_VIEWS[dimension].name
    text = f"CONCAT({dimension.label}, ' (', {dimension.key}, ')')"
    query = f"SELECT {text} AS __text, {dimension.key} AS __value FROM {view} ORDER BY __text"
    return Variable(name=dimension.name, key=dimension.key, query=query)


def _totals(*names: str) -> str:
    """Of measures and key figures over the whole range."""
    chosen = [f"f.{name}" for name in names if name not in {kpi.name for kpi in KPIS}]
    ratios = [column for column in kpi_columns() if column.rpartition(" ")[2] in names]
    sums = f"SELECT {', '.join(sum_columns())} FROM {FACT.name} WHERE {CONDITION}"
    return f"SELECT {', '.join(chosen + ratios)} FROM ({sums}) f"


def _over_time(*names: str) -> Query:
    chosen = [f"f.{name}" for name in names if name not in {kpi.name for kpi in KPIS}]
    ratios = [column for column in kpi_columns() if column.rpartition(" ")[2] in names]
    columns = ", ".join(["f.time", *chosen, *ratios])
    return Query(text=f"SELECT {columns} FROM ({sums_by(TIME, CONDITION)}) f ORDER BY f.time", series=True)


def _by(name: str, *, limit: int) -> Query:
    return Query(text=f"{kpi_select(BY_NAME[name], CONDITION)} ORDER BY f.clicks DESC LIMIT {limit}")


PERFORMANCE = Dashboard(
    uid="recruit-performance",
    title="Recruitment performance",
    description="Spend, clicks and applications of the hours that begin in the chosen range. Times are UTC.",
    time_from="now-7d",
    refresh="1m",
    variables=[_variable(BY_NAME[name]) for name in CHOSEN],
    panels=[
        Panel(
            title="Totals", kind="stat", width=10, height=4,
            query=Query(text=_totals("spend", "clicks", "applications", "qualified_applications")),
        ),
        Panel(
            title="Costs", kind="stat", width=8, height=4, unit="none",
            description="Spend per click, per application and per qualified application",
            query=Query(text=_totals("cpc", "cpa", "cost_per_qualified_application")),
        ),
        Panel(
            title="Rates", kind="stat", width=6, height=4, unit="percentunit",
            description="Applications per click, qualified applications per application",
            query=Query(text=_totals("apply_rate", "qualified_rate")),
        ),
        Panel(title="Clicks and applications", kind="timeseries", width=12,
              query=_over_time("clicks", "applications", "qualified_applications")),
        Panel(title="Spend", kind="timeseries", width=12, query=_over_time("spend")),
        Panel(
            title="Funnel", kind="bargauge", width=12, description="From the click to the qualified application",
            query=Query(text=_totals("clicks", "applications", "qualified_applications")),
        ),
        Panel(title="Cost per click and per application", kind="timeseries", width=12, unit="none",
              query=_over_time("cpc", "cpa")),
        Panel(title="Top jobs", kind="table", units=UNITS, query=_by("job", limit=TOP_JOBS), height=10,
              description=f"The {TOP_JOBS} jobs with the most clicks"),
        Panel(title="By publisher", kind="table", units=UNITS, query=_by("publisher", limit=TOP_MEMBERS)),
        Panel(title="By campaign", kind="table", units=UNITS, query=_by("campaign", limit=TOP_MEMBERS)),
        Panel(title="By company", kind="table", units=UNITS, query=_by("company", limit=TOP_MEMBERS)),
    ],
)  # fmt: skip

"""The dashboard "Recruitment performance": what was spent, and what came of it.

Its sums and ratios are those of the analyst model, over the chosen range of hours.
"""

from recruit_assets.contract.analyst_model import DIMENSION_VIEWS, DIMENSIONS, FACT, Dimension
from recruit_assets.contract.measures import KPIS
from recruit_assets.observability.dashboards.document import Dashboard, Json, panel, sql, variable
from recruit_assets.stores.mysql.analyst_views import action_select, kpi_columns, kpi_select, sum_columns, sums_by

DIMENSION = {dimension.name: dimension for dimension in DIMENSIONS}
FILTERS = ("publisher", "campaign", "company")
TOP_JOBS = 20
TOP_MEMBERS = 50

CONDITION = " AND ".join(["$__timeFilter(event_hour)", *(f"{DIMENSION[name].key} IN (${name})" for name in FILTERS)])
"""Hours that begin in the dashboard's range, filtered by the variables."""
TIME = "$__timeGroup(event_hour, $__interval) AS time"
RATES = [(kpi.name, "percentunit") for kpi in KPIS if kpi.name.endswith("rate")]


def _totals(*names: str) -> Json:
    """Measures and key figures over the whole range."""
    sums = f"SELECT {', '.join(sum_columns())} FROM {FACT.name} WHERE {CONDITION}"
    return sql(f"SELECT {', '.join(_columns(names))} FROM ({sums}) f")


def _over_time(*names: str) -> Json:
    columns = ", ".join(["f.time", *_columns(names)])
    return sql(f"SELECT {columns} FROM ({sums_by(TIME, CONDITION)}) f ORDER BY f.time", series=True)


def _by(name: str, *, limit: int) -> Json:
    return sql(f"{kpi_select(DIMENSION[name], CONDITION)} ORDER BY f.clicks DESC LIMIT {limit}")


def _columns(names: tuple[str, ...]) -> list[str]:
    """Measures first, then key figures."""
    measures = [f"f.{name}" for name in names if name not in {kpi.name for kpi in KPIS}]
    return measures + [column for column in kpi_columns() if column.rpartition(" ")[2] in names]


def _variable(dimension: Dimension) -> Json:
    text = f"CONCAT({dimension.label}, ' (', {dimension.key}, ')')"
    view = DIMENSION_VIEWS[dimension].name
    query = f"SELECT {text} AS __text, {dimension.key} AS __value FROM {view} ORDER BY __text"
    return variable(dimension.name, key=dimension.key, query=query)


PERFORMANCE = Dashboard(
    uid="recruit-performance",
    title="Recruitment performance",
    description="Spend, clicks and applications of the hours that begin in the chosen range. Times are UTC.",
    time_from="now-7d",
    refresh="1m",
    variables=[_variable(DIMENSION[name]) for name in FILTERS],
    panels=[
        panel("Totals", "stat", _totals("spend", "clicks", "applications", "qualified_applications"),
              width=10, height=4),
        panel("Costs", "stat", _totals("cpc", "cpa", "cost_per_qualified_application"),
              width=8, height=4, unit="none",
              description="Spend per click, per application and per qualified application"),
        panel("Rates", "stat", _totals("apply_rate", "qualified_rate"), width=6, height=4, unit="percentunit",
              description="Applications per click, qualified applications per application"),
        panel("Clicks and applications", "timeseries", _over_time("clicks", "applications", "qualified_applications"),
              width=12),
        panel("Spend", "timeseries", _over_time("spend"), width=12),
        panel("Funnel", "bargauge", _totals("clicks", "applications", "qualified_applications"), width=12,
              description="From click to qualified application"),
        panel("Further actions", "table", sql(f"{action_select(CONDITION)} ORDER BY a.events DESC"), width=12,
              description="The actions of RECRUIT_FUNNEL_ACTIONS, and what one of each cost"),
        panel("Cost per click and per application", "timeseries", _over_time("cpc", "cpa"), width=12, unit="none"),
        panel("Top jobs", "table", _by("job", limit=TOP_JOBS), height=10, unit_of=RATES,
              description=f"The {TOP_JOBS} jobs with the most clicks"),
        panel("By publisher", "table", _by("publisher", limit=TOP_MEMBERS), unit_of=RATES),
        panel("By campaign", "table", _by("campaign", limit=TOP_MEMBERS), unit_of=RATES),
        panel("By company", "table", _by("company", limit=TOP_MEMBERS), unit_of=RATES),
    ],
)  # fmt: skip

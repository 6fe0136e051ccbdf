"""The dashboard "Click quality": how many clicks are valid, why others aren't, and where these come from.

It has the hours that click_quality has; without RECRUIT_CLICK_QUALITY it is empty.
"""

from recruit_assets.contract.analyst_model import DIMENSIONS, FACT_CLICKS, GROSS, Dimension
from recruit_assets.contract.click_quality import INVALID, VALID
from recruit_assets.contract.measures import CLICKS, SPEND
from recruit_assets.contract.tables import CLICK_QUALITY, REPORT_HOURS
from recruit_assets.observability.dashboards.document import Dashboard, Json, panel, sql
from recruit_assets.stores.mysql.analyst_views import label_of

DIMENSION = {dimension.name: dimension for dimension in DIMENSIONS}
TOP = 50
CONDITION = "$__timeFilter(event_hour)"
TIME = "$__timeGroup(event_hour, $__interval) AS time"
GROSS_CLICKS, VALID_CLICKS = f"{GROSS}_{CLICKS.name}", f"{VALID.name}_{CLICKS.name}"
GROSS_SPEND, VALID_SPEND = f"{GROSS}_{SPEND.name}", f"{VALID.name}_{SPEND.name}"
INVALID_CLICKS = tuple(f"{one.name}_{CLICKS.name}" for one in INVALID)
VALID_SHARE = f"SUM(1e0 * {VALID_CLICKS}) / NULLIF(SUM({GROSS_CLICKS}), 0) AS valid_share"
NOT_MADE = (
    f"SELECT COUNT(*) AS hours FROM {REPORT_HOURS.name} own LEFT JOIN {CLICK_QUALITY.coverage.name} made "
    "USING (event_hour) WHERE $__timeFilter(event_hour) "
    "AND (made.event_hour IS NULL OR made.covered_through < own.covered_through)"
)


def _sums(*names: str) -> str:
    return ", ".join(f"SUM(1e0 * {name}) AS {name}" for name in names)


def _totals(*columns: str) -> Json:
    return sql(f"SELECT {', '.join(columns)} FROM {FACT_CLICKS.name} WHERE {CONDITION}")


def _over_time(*columns: str) -> Json:
    query = f"SELECT {TIME}, {', '.join(columns)} FROM {FACT_CLICKS.name} WHERE {CONDITION} GROUP BY time ORDER BY time"
    return sql(query, series=True)


def _by(dimension: Dimension) -> Json:
    """The members with the most invalid clicks."""
    names = (GROSS_CLICKS, VALID_CLICKS, *INVALID_CLICKS, GROSS_SPEND, VALID_SPEND)
    shown = f"{_sums(*names)}, {VALID_SHARE}"
    return sql(
        f"SELECT f.{dimension.key}, {label_of(dimension)}, {', '.join(f'f.{name}' for name in names)}, f.valid_share "
        f"FROM (SELECT {dimension.key}, {shown} FROM {FACT_CLICKS.name} WHERE {CONDITION} GROUP BY {dimension.key}) f "
        f"LEFT JOIN {dimension.names.name} n ON n.id = f.{dimension.key} "
        f"ORDER BY f.{GROSS_CLICKS} - f.{VALID_CLICKS} DESC LIMIT {TOP}"
    )


QUALITY = Dashboard(
    uid="recruit-quality",
    title="Click quality",
    description="Valid and invalid clicks of the hours that begin in the chosen range; empty unless "
    "RECRUIT_CLICK_QUALITY is on. Times are UTC.",
    time_from="now-7d",
    refresh="1m",
    panels=[
        panel("Gross and valid", "stat", _totals(_sums(GROSS_CLICKS, VALID_CLICKS)), width=8, height=4,
              description="All clicks, and those against which no rule speaks"),
        panel("Valid share", "stat", _totals(VALID_SHARE), width=4, height=4, unit="percentunit"),
        panel("Gross and valid, as spend", "stat", _totals(_sums(GROSS_SPEND, VALID_SPEND)), width=8, height=4,
              description="Sum of the bids"),
        panel("Hours not judged yet", "stat", sql(NOT_MADE), width=4, height=4,
              description="Hours of the report that the table lacks, or has older than the report"),
        panel("Gross and valid over time", "timeseries", _over_time(_sums(GROSS_CLICKS, VALID_CLICKS)), width=12),
        panel("Invalid by verdict", "timeseries", _over_time(_sums(*INVALID_CLICKS)), width=12,
              description="; ".join(f"{one.title}: {one.description}" for one in INVALID)),
        *(
            panel(f"By {name}", "table", _by(DIMENSION[name]), height=10, unit_of=[("valid_share", "percentunit")],
                  description=f"The {TOP} with the most invalid ones")
            for name in ("publisher", "campaign", "job")
        ),
    ],
)  # fmt: skip

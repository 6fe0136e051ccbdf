"""The dashboard "Budgets": what is spent of each budget, beside an even pace, and which alerts that caused."""

from recruit_assets.contract.analyst_model import BUDGET_PACING
from recruit_assets.contract.tables import BUDGET_ALERTS
from recruit_assets.observability.dashboards.document import Dashboard, panel, sql
from recruit_assets.stores.mysql.analyst_views import pacing_select

HINT = "Empty without a budget of these months; `recruit-assets import-budgets FILE` loads budgets"
ROWS = 200

# a month belongs to the range if they have a moment in common
IN_RANGE = "b.month <= $__timeTo() AND b.month + INTERVAL 1 MONTH > $__timeFrom()"
PACING = f"({pacing_select(IN_RANGE)}) p"

TOTALS = (
    "SELECT COUNT(*) AS budgets, COALESCE(SUM(spent_share >= 1), 0) AS used_up, "
    f"COALESCE(SUM(forecast > amount AND spent_share < 1), 0) AS heading_beyond FROM {PACING}"
)
SUMS = (
    "SELECT scope, SUM(amount) AS amount, SUM(spent) AS spent, SUM(expected_by_now) AS expected_by_now, "
    f"SUM(forecast) AS forecast FROM {PACING} GROUP BY scope"
)
EACH = f"SELECT {', '.join(BUDGET_PACING.column_names)} FROM {PACING} ORDER BY spent_share DESC LIMIT {ROWS}"
ALERTS = (
    f"SELECT noticed_at, scope, id, month, threshold, amount, spent FROM {BUDGET_ALERTS.name} b "
    f"WHERE {IN_RANGE} ORDER BY noticed_at DESC LIMIT {ROWS}"
)

BUDGETS = Dashboard(
    uid="recruit-budgets",
    title="Budgets",
    description="Spend of campaigns and jobs beside their budgets, of the months in the chosen range. Months are UTC.",
    time_from="now/M",
    refresh="1m",
    panels=[
        panel("Budgets", "stat", sql(TOTALS), height=4, unit="none",
              description=f"Used up: all is spent. Heading beyond: more than all will be, at the pace so far. {HINT}"),
        panel("Sums", "table", sql(SUMS), height=5, unit="none",
              description="A job's spend may be part of a campaign's, so the two can't be added"),
        panel("Pacing", "table", sql(EACH), height=12, unit="none", unit_of=[("spent_share", "percentunit")],
              description=f"Expected by now: the amount x the share of the month that is over. {HINT}"),
        panel("Alerts", "table", sql(ALERTS), height=8, unit="none",
              description="When 50, 75, 90 and 100 % were reached"),
    ],
)  # fmt: skip

"""The dashboard of the pipeline's health: is the report fresh, and what keeps it from being so.

Belongs here: its panels. What the report database knows is asked there, the rest of Prometheus (docs/operators.md).
"""

from recruit_assets.contract.tables import PENDING_HOURS, REPORT_HOURS
from recruit_assets.observability.dashboards.document import Dashboard, Panel, Query, Source

LATEST_HOURS = 48

SINCE_COVERED = (
    f"SELECT TIMESTAMPDIFF(SECOND, MAX(covered_through), UTC_TIMESTAMP()) AS since_covered FROM {REPORT_HOURS.name}"
)
PENDING = (
    "SELECT COUNT(*) AS pending_hours, COALESCE(SUM(attempts > 0), 0) AS failing_hours, "
    "COALESCE(TIMESTAMPDIFF(SECOND, MIN(newest_change), UTC_TIMESTAMP()), 0) AS oldest_change "
    f"FROM {PENDING_HOURS.name}"
)
EVENTS = (
    f"SELECT event_hour AS time, event_count AS events, row_count AS report_rows FROM {REPORT_HOURS.name} "
    "WHERE $__timeFilter(event_hour) ORDER BY event_hour"
)
HOURS = (
    "SELECT hour.event_hour, pending.newest_change IS NOT NULL AS pending, pending.attempts AS failed_runs, "
    "pending.newest_change, done.covered_through, done.row_count, done.event_count, done.run_id "
    f"FROM ((SELECT event_hour FROM {REPORT_HOURS.name} ORDER BY event_hour DESC LIMIT {LATEST_HOURS}) "
    f"UNION (SELECT event_hour FROM {PENDING_HOURS.name})) hour "
    f"LEFT JOIN {REPORT_HOURS.name} done ON done.event_hour = hour.event_hour "
    f"LEFT JOIN {PENDING_HOURS.name} pending ON pending.event_hour = hour.event_hour "
    "ORDER BY pending DESC, hour.event_hour DESC"
)


def _now(expression: str, *, legend: str = "__auto") -> Query:
    return Query(text=expression, source=Source.PROMETHEUS, legend=legend)


def _history(expression: str, *, legend: str = "__auto") -> Query:
    return Query(text=expression, source=Source.PROMETHEUS, legend=legend, series=True)


HEALTH = Dashboard(
    uid="recruit-health",
    title="Pipeline health",
    description="Freshness of the report, what is pending, lag, dead letters, runs and checks. Times are UTC.",
    time_from="now-24h",
    refresh="30s",
    panels=[
        Panel(title="Since the newest coverage", kind="stat", width=6, height=4, unit="s",
              query=Query(text=SINCE_COVERED),
              description="Every change older than this is in the report, if nothing is pending"),
        Panel(title="Pending", kind="stat", width=9, height=4, units=(("oldest_change", "s"),),
              query=Query(text=PENDING)),
        Panel(title="Stores", kind="stat", width=9, height=4, lowest_good=1,
              query=_now("recruit_up", legend="{{store}}"), description="1 where the store answered the last scrape"),
        Panel(title="Freshness", kind="timeseries", width=12, unit="s",
              query=_history("recruit_report_freshness_seconds", legend="report")),
        Panel(title="Lag", kind="timeseries", width=12,
              query=_history("recruit_kafka_lag_records", legend="partition {{partition}}")),
        Panel(title="Events in the report", kind="timeseries", width=12, query=Query(text=EVENTS, series=True)),
        Panel(title="Dead letters by reason", kind="bargauge", width=12,
              query=_now("sum by (reason) (recruit_dead_letters_total)", legend="{{reason}}")),
        Panel(title="Last runs", kind="stat", width=12, height=5, lowest_good=1,
              query=_now("recruit_last_run_success", legend="{{job}}"), description="1 succeeded, 0 failed"),
        Panel(title="Checks", kind="stat", width=12, height=5, lowest_good=1,
              query=_now("recruit_check_passed", legend="{{asset}} {{check}}"), description="1 passed, 0 failed"),
        Panel(title="Pending and latest hours", kind="table", query=Query(text=HOURS), height=10),
    ],
)  # fmt: skip

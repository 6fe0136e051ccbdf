"""The dashboard "Pipeline health": is the report fresh, and if not, why?

The report database is asked for what it knows, Prometheus (docs/operators.md) for the rest.
"""

from recruit_assets.contract.tables import PENDING_HOURS, REPORT_HOURS
from recruit_assets.observability.dashboards.document import Dashboard, panel, promql, sql

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

HEALTH = Dashboard(
    uid="recruit-health",
    title="Pipeline health",
    description="Freshness of the report, pending hours, lag, dead letters, runs and checks. Times are UTC.",
    time_from="now-24h",
    refresh="30s",
    panels=[
        panel("Since the newest coverage", "stat", sql(SINCE_COVERED), width=6, height=4, unit="s",
              description="While nothing is pending, the report contains every change older than this"),
        panel("Pending", "stat", sql(PENDING), width=9, height=4, unit_of=[("oldest_change", "s")]),
        panel("Stores", "stat", promql("recruit_up", legend="{{store}}"), width=9, height=4, red_below=1,
              description="1 if the store answered the last scrape"),
        panel("Freshness", "timeseries", promql("recruit_report_freshness_seconds", series=True, legend="report"),
              width=12, unit="s", description="Of what Kafka holds and of what is stored but not in the report yet"),
        panel("Oldest record in Kafka that isn't stored", "timeseries",
              promql("recruit_kafka_lag_age_seconds", series=True, legend="age"), width=12, unit="s"),
        panel("Lag", "timeseries", promql("recruit_kafka_lag_records", series=True, legend="partition {{partition}}"),
              width=12),
        panel("Processes in the ingest group", "timeseries",
              promql("recruit_kafka_group_members", series=True, legend="processes"), width=12),
        panel("Events in the report", "timeseries", sql(EVENTS, series=True), width=12),
        panel("Dead letters by reason", "bargauge",
              promql("sum by (reason) (recruit_dead_letters_total)", legend="{{reason}}"), width=12),
        panel("Last runs", "stat", promql("recruit_last_run_success", legend="{{job}}"), width=12, height=5,
              red_below=1, description="1 succeeded, 0 failed"),
        panel("Checks", "stat", promql("recruit_check_passed", legend="{{asset}} {{check}}"), width=12, height=5,
              red_below=1, description="1 passed, 0 failed, until what was found wrong is good"),
        panel("Pending and latest hours", "table", sql(HOURS), height=10),
    ],
)  # fmt: skip

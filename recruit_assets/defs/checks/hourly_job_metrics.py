"""Check of hourly_job_metrics: it counts every event that filtered_events has. It blocks, as the report comes next."""

from collections.abc import Iterator

import dagster as dg

from recruit_assets.contract.tables import FILTERED_EVENTS, HOURLY_JOB_METRICS
from recruit_assets.defs.checks.comparisons import counts_same_events, in_batches
from recruit_assets.defs.checks.scope import Scope, first_comparable_hour
from recruit_assets.defs.checks.verdict import Finding
from recruit_assets.defs.resources import CassandraResource, MySqlResource
from recruit_assets.stores.cassandra.check_reads import hours_in_hour_coverage, recorded_in_hour_coverage
from recruit_assets.stores.mysql.wrong_hours import WrongHours

counts_every_event = dg.AssetCheckSpec(
    "counts_every_event",
    asset=HOURLY_JOB_METRICS.name,
    blocking=True,
    description="Events counted in the metrics = rows of filtered_events, in each hour, at the same coverage. "
    "Executed alone, it compares all hours.",
)


@dg.multi_asset_check(name="hourly_job_metrics_checks", specs=[counts_every_event], can_subset=True)
def hourly_job_metrics_checks(
    context: dg.AssetCheckExecutionContext, cassandra: CassandraResource, mysql: MySqlResource
) -> Iterator[dg.AssetCheckResult]:
    """Compare what hour_coverage records of both tables."""
    scope = Scope.of(context, WrongHours(mysql.report_database(), HOURLY_JOB_METRICS.name))
    session = cassandra.session()
    findings: list[Finding] = []
    for hours in in_batches(scope.hours_and_again(lambda: hours_in_hour_coverage(session))):
        recorded = recorded_in_hour_coverage(session, hours)
        findings += counts_same_events(hours, recorded, source=FILTERED_EVENTS.name, derived=HOURLY_JOB_METRICS.name)
    yield from scope.results(counts_every_event, findings, first_hour=first_comparable_hour(scope, session))

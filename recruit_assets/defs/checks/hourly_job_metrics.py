"""Check of hourly_job_metrics: it counts every event that filtered_events has. It blocks, as the report comes next."""

from collections.abc import Iterator

import dagster as dg

from recruit_assets.contract.tables import FILTERED_EVENTS, HOURLY_JOB_METRICS
from recruit_assets.defs.checks.comparisons import counts_same_events
from recruit_assets.defs.checks.verdict import hours_of_run, result_of
from recruit_assets.defs.resources import CassandraResource
from recruit_assets.stores.cassandra.check_reads import recorded_in_hour_coverage

counts_every_event = dg.AssetCheckSpec(
    "counts_every_event",
    asset=HOURLY_JOB_METRICS.name,
    blocking=True,
    description="Events counted in the metrics = rows of filtered_events, in each hour, at the same coverage.",
)


@dg.multi_asset_check(name="hourly_job_metrics_checks", specs=[counts_every_event])
def hourly_job_metrics_checks(
    context: dg.AssetCheckExecutionContext, cassandra: CassandraResource
) -> Iterator[dg.AssetCheckResult]:
    """Compare what hour_coverage records of both tables."""
    hours = hours_of_run(context)
    recorded = recorded_in_hour_coverage(cassandra.session(), hours)
    verdict = counts_same_events(hours, recorded, source=FILTERED_EVENTS.name, derived=HOURLY_JOB_METRICS.name)
    yield result_of(counts_every_event, verdict)

"""The asset hourly_job_metrics: counts per hour, job, publisher, campaign and group. How is `transforms.hourly`'s."""

import dagster as dg

from recruit_assets.contract.measures import COUNTS, SUMS
from recruit_assets.contract.tables import BUCKET_METRICS, FILTERED_EVENTS, GRAIN, HOURLY_JOB_METRICS
from recruit_assets.defs.assets.column_metadata import FOR_OPERATORS, OWNERS, column_lineage, column_schema, same_names
from recruit_assets.defs.partitions import hours
from recruit_assets.hours.ports import ByBucket, Derivation, StoredHours
from recruit_assets.transforms.hourly import (
    add_up,
    count_actions,
    count_actions_by_bucket,
    tally_bucket_metrics,
    tally_metrics,
)

BY_BUCKET = ByBucket(
    BUCKET_METRICS,
    parts=StoredHours(FILTERED_EVENTS).derive(count_actions_by_bucket, tally=tally_bucket_metrics),
    total=StoredHours(BUCKET_METRICS).derive(add_up, tally=tally_metrics),
    from_events=300_000,
)
"""So many are counted in the second that the detour takes."""


@dg.asset(
    partitions_def=hours,
    backfill_policy=dg.BackfillPolicy.single_run(),
    io_manager_key="cassandra_io_manager",
    group_name="report",
    kinds={"spark", "cassandra"},
    owners=OWNERS,
    description=HOURLY_JOB_METRICS.description,
    metadata={
        "docs": FOR_OPERATORS,
        "dagster/column_schema": column_schema(HOURLY_JOB_METRICS.columns),
        "dagster/column_lineage": column_lineage(
            dg.AssetKey("filtered_events"),
            same_names("event_hour", *GRAIN)
            | {count.column: ("action",) for count in COUNTS}
            | {total.column: (total.of, "action") for total in SUMS}
            | {"latest_received_at": ("received_at",)},
        ),
    },
)
def hourly_job_metrics(filtered_events: StoredHours) -> Derivation:
    """An hour without countable events has no rows but keeps its coverage mark, so that the report is cleared."""
    return filtered_events.derive(count_actions, tally=tally_metrics, by_bucket=BY_BUCKET)

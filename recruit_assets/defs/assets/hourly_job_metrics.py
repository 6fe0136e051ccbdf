"""The asset hourly_job_metrics: counts per hour, job, publisher, campaign and group."""

import dagster as dg
from pyspark.sql import DataFrame

from recruit_assets.contract.measures import COUNTS, SUMS
from recruit_assets.contract.tables import GRAIN, HOURLY_JOB_METRICS
from recruit_assets.defs.assets.code_version import code_version
from recruit_assets.defs.assets.column_metadata import OWNERS, column_lineage, column_schema, same_names
from recruit_assets.defs.assets.documentation import FOR_OPERATORS
from recruit_assets.defs.partitions import BACKFILL_POLICY, hours
from recruit_assets.transforms.hourly import count_actions, count_by


@dg.asset(
    partitions_def=hours,
    backfill_policy=BACKFILL_POLICY,
    io_manager_key="cassandra_io_manager",
    group_name="recruitment",
    kinds={"spark", "cassandra"},
    owners=OWNERS,
    code_version=code_version(
        count_actions,
        count_by,
        GRAIN,
        [(count.column, count.action) for count in COUNTS],
        [(total.column, total.of, total.where.action) for total in SUMS],
    ),
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
def hourly_job_metrics(filtered_events: DataFrame) -> DataFrame:
    """Clicks, applications and spend per job, publisher, campaign and group. An hour without events has no rows."""
    return count_actions(filtered_events)

"""The asset mysql_report: the hourly report that analysts read."""

from datetime import timedelta

import dagster as dg
from pyspark.sql import DataFrame

from recruit_assets.contract.measures import MEANS, MEASURES
from recruit_assets.contract.tables import GRAIN, MYSQL_REPORT
from recruit_assets.defs.assets.code_version import code_version
from recruit_assets.defs.assets.column_metadata import OWNERS, column_lineage, column_schema, same_names
from recruit_assets.defs.assets.documentation import FOR_ANALYSTS
from recruit_assets.defs.assets.sources import job
from recruit_assets.defs.partitions import BACKFILL_POLICY, hours
from recruit_assets.transforms.hourly import to_report

FRESHNESS = dg.FreshnessPolicy.time_window(warn_window=timedelta(hours=6), fail_window=timedelta(hours=25))
"""An event is in the report within a minute, a late one within minutes, and the 6 AM schedule repeats the last day. So
6 hours without an update mean that no events arrive, and more than a day that something has stopped."""


@dg.asset(
    deps=[job],
    partitions_def=hours,
    backfill_policy=BACKFILL_POLICY,
    io_manager_key="mysql_io_manager",
    group_name="recruitment",
    kinds={"spark", "mysql"},
    owners=OWNERS,
    code_version=code_version(
        to_report,
        [(measure.report_column, measure.column) for measure in MEASURES],
        [(mean.report_column, mean.sum.column, mean.count.column) for mean in MEANS],
    ),
    freshness_policy=FRESHNESS,
    description=MYSQL_REPORT.description,
    metadata={
        "docs": FOR_ANALYSTS,
        "dagster/column_schema": column_schema(MYSQL_REPORT.columns),
        "dagster/column_lineage": column_lineage(
            dg.AssetKey("hourly_job_metrics"),
            same_names(*GRAIN)
            | {"dates": ("event_hour",), "hours": ("event_hour",), "latest_update_time": ("latest_received_at",)}
            | {measure.report_column: (measure.column,) for measure in MEASURES}
            | {mean.report_column: (mean.sum.column, mean.count.column) for mean in MEANS},
        ),
    },
)
def mysql_report(hourly_job_metrics: DataFrame) -> DataFrame:
    """The metrics in the report's columns. The company of a job is looked up in `job` when the rows are stored."""
    return to_report(hourly_job_metrics)

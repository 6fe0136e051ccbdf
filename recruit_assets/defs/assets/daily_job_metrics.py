"""The asset daily_job_metrics: what happened per job and day of RECRUIT_REPORT_TIMEZONE."""

from datetime import timedelta

import dagster as dg
from pyspark.sql import DataFrame

from recruit_assets.contract.measures import KPIS, MEASURES
from recruit_assets.contract.tables import DAILY_JOB_METRICS
from recruit_assets.defs.assets.code_version import code_version
from recruit_assets.defs.assets.column_metadata import OWNERS, column_lineage, column_schema, same_names
from recruit_assets.defs.assets.documentation import FOR_ANALYSTS
from recruit_assets.defs.assets.sources import job
from recruit_assets.defs.io_managers.days import CUT, PARTS, WHOLE
from recruit_assets.defs.partitions import DAYS_BACKFILL_POLICY, HOURS_OF_DAYS, REPORT_TIMEZONE, days
from recruit_assets.transforms.daily import count_days, to_daily, with_date

HOURS = dg.AssetSelection.assets("hourly_job_metrics")
"""They are replaced after filtered_events, so one of the two inputs tells that an hour has changed."""
AN_HOUR_CHANGED = dg.AutomationCondition.any_deps_match(dg.AutomationCondition.newly_updated()).allow(HOURS)
HAS_HOURS = dg.AutomationCondition.any_deps_match(~dg.AutomationCondition.missing()).allow(HOURS)
REQUESTED = dg.AutomationCondition.newly_requested()
LATEST_DAYS = dg.AutomationCondition.in_latest_time_window(timedelta(days=3))
MORNING = dg.AutomationCondition.cron_tick_passed("30 6 * * *")
CONDITION = (
    # not any_deps_updated(): Dagster forgets the times of its parts, and with them hours that change while a run is on
    AN_HOUR_CHANGED.since(REQUESTED)
    | (dg.AutomationCondition.initial_evaluation() & HAS_HOURS).since(REQUESTED)
    | (dg.AutomationCondition.code_version_changed() & HAS_HOURS).since(REQUESTED)
    # Dagster overlooks what is replaced before its hour begins, as for events of a clock that is ahead
    | (MORNING & LATEST_DAYS & HAS_HOURS).since(REQUESTED)
    | dg.AutomationCondition.execution_failed()
) & ~dg.AutomationCondition.in_progress()
"""Days with an hour that was replaced since they were last requested. Also every day that has hours, when the sensor
begins and after a change of the code or zone; the last days in the morning; and days whose run failed. The sensor
`daily_metrics_automation` asks."""


@dg.asset(
    deps=[job],
    ins={
        "hourly_job_metrics": dg.AssetIn(
            partition_mapping=HOURS_OF_DAYS, input_manager_key="days_io_manager", metadata={PARTS: WHOLE}
        ),
        "filtered_events": dg.AssetIn(
            partition_mapping=HOURS_OF_DAYS, input_manager_key="days_io_manager", metadata={PARTS: CUT}
        ),
    },
    partitions_def=days,
    backfill_policy=DAYS_BACKFILL_POLICY,
    io_manager_key="days_io_manager",
    automation_condition=CONDITION,
    group_name="recruitment",
    kinds={"spark", "mysql"},
    owners=OWNERS,
    code_version=code_version(
        with_date,
        count_days,
        to_daily,
        REPORT_TIMEZONE,
        [(measure.name, measure.column) for measure in MEASURES],
        [(kpi.name, kpi.numerator.column, kpi.denominator.column) for kpi in KPIS],
    ),
    description=DAILY_JOB_METRICS.description,
    metadata={
        "docs": FOR_ANALYSTS,
        "timezone": REPORT_TIMEZONE,
        "dagster/column_schema": column_schema(DAILY_JOB_METRICS.columns),
        "dagster/column_lineage": column_lineage(
            dg.AssetKey("hourly_job_metrics"),
            same_names("job_id")
            | {"date": ("event_hour",), "latest_update_time": ("latest_received_at",)}
            | {measure.name: (measure.column,) for measure in MEASURES}
            | {kpi.name: (kpi.numerator.column, kpi.denominator.column) for kpi in KPIS},
        ),
    },
)
def daily_job_metrics(hourly_job_metrics: DataFrame, filtered_events: DataFrame) -> DataFrame:
    """The metrics of a day's whole hours and the events that it has of other hours, added up."""
    return to_daily(count_days(hourly_job_metrics, filtered_events))

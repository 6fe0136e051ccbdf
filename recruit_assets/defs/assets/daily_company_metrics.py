"""The asset daily_company_metrics: what happened per company and day of RECRUIT_REPORT_TIMEZONE."""

from time import monotonic

import dagster as dg

from recruit_assets.contract.measures import KPIS, MEASURES
from recruit_assets.contract.tables import DAILY_COMPANY_METRICS, DAILY_JOB_METRICS
from recruit_assets.defs.assets.code_version import code_version
from recruit_assets.defs.assets.column_metadata import OWNERS, column_lineage, column_schema, same_names
from recruit_assets.defs.assets.daily_job_metrics import daily_job_metrics
from recruit_assets.defs.assets.documentation import FOR_ANALYSTS
from recruit_assets.defs.partitions import DAYS_BACKFILL_POLICY, REPORT_TIMEZONE, day_of, days
from recruit_assets.defs.resources import MySqlResource
from recruit_assets.defs.resources.current_run import CurrentRun
from recruit_assets.defs.resources.failures import as_failures
from recruit_assets.stores.mysql.day_sums import add_up

CONDITION = (
    dg.AutomationCondition.any_deps_updated().since(dg.AutomationCondition.newly_requested())
    | dg.AutomationCondition.execution_failed()
) & ~dg.AutomationCondition.in_progress()
"""In the run of daily_job_metrics, or after it. The sensor of the change feed makes up for days without a run."""
ADDED_UP = (*(measure.name for measure in MEASURES), DAILY_JOB_METRICS.updated_at)


@dg.asset(
    deps=[daily_job_metrics],
    partitions_def=days,
    backfill_policy=DAYS_BACKFILL_POLICY,
    automation_condition=CONDITION,
    group_name="recruitment",
    kinds={"mysql"},
    owners=OWNERS,
    code_version=code_version(add_up, ADDED_UP, [kpi.name for kpi in KPIS]),
    description=DAILY_COMPANY_METRICS.description,
    metadata={
        "docs": FOR_ANALYSTS,
        "timezone": REPORT_TIMEZONE,
        "dagster/column_schema": column_schema(DAILY_COMPANY_METRICS.columns),
        "dagster/column_lineage": column_lineage(
            daily_job_metrics.key,
            same_names("date", "company_id", *ADDED_UP)
            | {kpi.name: (kpi.numerator.name, kpi.denominator.name) for kpi in KPIS},
        ),
    },
)
def daily_company_metrics(context: dg.AssetExecutionContext, mysql: MySqlResource) -> dg.MaterializeResult[None]:
    """Each day of daily_job_metrics, added up by company in the report database; Spark isn't needed."""
    started = monotonic()
    with as_failures(CurrentRun(context.instance, context.run.run_id)):
        rows = add_up(mysql.report_database(), DAILY_JOB_METRICS, map(day_of, context.partition_keys))
    return dg.MaterializeResult(
        metadata={"dagster/row_count": sum(rows.values()), "seconds": round(monotonic() - started, 3)}
    )

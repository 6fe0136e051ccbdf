"""What runs: the whole lineage, the three hourly assets, and the deletion of old runs.

Not here: when (`schedules`, `sensors`), for which hours (`pending`, by tags of the run).
"""

from datetime import UTC, datetime, timedelta

import dagster as dg
from dagster._core.storage.dagster_run import FINISHED_STATUSES  # the public API has no set of these

from recruit_assets.runtime.settings import load_settings

RAW_ASSETS = (dg.AssetKey("raw_events"),)
HOURLY_ASSETS = (dg.AssetKey("filtered_events"), dg.AssetKey("hourly_job_metrics"), dg.AssetKey("mysql_report"))

DELETED_AT_ONCE = 100
DELETED_PER_RUN = 20_000
"""Some minutes of SQLite; a longer backlog is worked off day by day."""

lineage_job = dg.define_asset_job(
    "lineage_job",
    selection=dg.AssetSelection.assets(*RAW_ASSETS, *HOURLY_ASSETS),
    description="From Kafka to the report: drains the topic, then replaces the hours that the run's tags name.",
)

hours_job = dg.define_asset_job(
    "hours_job",
    selection=dg.AssetSelection.assets(*HOURLY_ASSETS),
    description="Replaces the hours that the run's tags name, from what Cassandra holds.",
)


@dg.op
def delete_finished_runs(context: dg.OpExecutionContext) -> None:
    """Delete runs that ended before the retention, with their events; nothing looks back that far.

    Run keys go with them: those of the sensor and the schedule hold the time of their tick and never come again.
    """
    before = datetime.now(UTC) - timedelta(days=load_settings().run_retention_days)
    deleted = delete_runs(context.instance, before=before)
    context.add_output_metadata({"deleted_runs": deleted, "before": before.isoformat()})


@dg.job(description="Deletes Dagster runs that ended more than RECRUIT_RUN_RETENTION_DAYS ago, with their events.")
def delete_old_runs() -> None:
    delete_finished_runs()


JOBS = (lineage_job, hours_job, delete_old_runs)


def delete_runs(instance: dg.DagsterInstance, *, before: datetime, limit: int = DELETED_PER_RUN) -> int:
    """Delete at most `limit` runs that ended before then; returns how many. Unfinished runs stay, however old."""
    old = dg.RunsFilter(statuses=FINISHED_STATUSES, updated_before=before)
    deleted = 0
    while deleted < limit and (runs := instance.get_runs(old, limit=min(DELETED_AT_ONCE, limit - deleted))):
        for run in runs:
            instance.delete_run(run.run_id)
        deleted += len(runs)
    return deleted

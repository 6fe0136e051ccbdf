"""The jobs: the whole lineage, the hourly assets alone, and the deletion of old runs.

The tags of a run say which hours it replaces.
"""

from datetime import UTC, datetime, timedelta

import dagster as dg

from recruit_assets.contract.tables import DOWNSTREAM_TABLES, RAW_EVENTS
from recruit_assets.defs import assets
from recruit_assets.defs.downstream import DOWNSTREAM
from recruit_assets.defs.partitions import hours
from recruit_assets.defs.runs import DOWNSTREAM_JOB, HOURS_JOB, LINEAGE_JOB
from recruit_assets.runtime.settings import load_settings
from recruit_assets.stores.dagster.compat import repository_label
from recruit_assets.stores.dagster.old_runs import delete_runs

DOWNSTREAM_ASSETS = tuple(dg.AssetKey(name) for one in DOWNSTREAM for name in one.table.assets)
SWITCHED_OFF = {dg.AssetKey(name) for table in DOWNSTREAM_TABLES for name in table.assets} - {*DOWNSTREAM_ASSETS}
ASSETS = [
    one
    for one in dg.load_assets_from_package_module(assets, include_specs=True)
    if isinstance(one, dg.AssetsDefinition | dg.AssetSpec) and one.key not in SWITCHED_OFF
]
RAW_ASSETS = (dg.AssetKey(RAW_EVENTS.name),)
HOURLY_ASSETS = tuple(
    asset.key
    for asset in ASSETS
    if isinstance(asset, dg.AssetsDefinition) and asset.partitions_def == hours and asset.key not in DOWNSTREAM_ASSETS
)

lineage_job = dg.define_asset_job(
    LINEAGE_JOB,
    selection=dg.AssetSelection.assets(*RAW_ASSETS, *HOURLY_ASSETS),
    description="From Kafka to the report: drains the topic, then replaces the hours named by the run's tags.",
)

hours_job = dg.define_asset_job(
    HOURS_JOB,
    selection=dg.AssetSelection.assets(*HOURLY_ASSETS),
    description="Replaces the hours named by the run's tags, from the events in Cassandra.",
)

downstream_job = dg.define_asset_job(
    DOWNSTREAM_JOB,
    selection=dg.AssetSelection.assets(*DOWNSTREAM_ASSETS),
    description="Makes the hours named by the run's tags in the tables beside the report.",
)


@dg.op
def delete_finished_runs(context: dg.OpExecutionContext) -> None:
    """Delete this code location's runs that ended before the retention period, with their events.

    Their run keys are forgotten too. That is safe: ours contain the time of their tick, so none is ever used again.
    """
    before = datetime.now(UTC) - timedelta(days=load_settings().run_retention_days)
    deleted = delete_runs(context.instance, before=before, label=repository_label(context.run))
    context.add_output_metadata({"deleted_runs": deleted, "before": before.isoformat()})


@dg.job(description="Deletes Dagster runs that ended more than RECRUIT_RUN_RETENTION_DAYS ago, with their events.")
def delete_old_runs() -> None:
    delete_finished_runs()


JOBS = (lineage_job, hours_job, *((downstream_job,) if DOWNSTREAM else ()), delete_old_runs)

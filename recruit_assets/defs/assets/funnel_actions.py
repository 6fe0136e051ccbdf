"""The asset funnel_actions: how often the further actions of the funnel happened."""

import dagster as dg
from pyspark.sql import DataFrame

from recruit_assets.contract.attribution import OWN
from recruit_assets.contract.tables import FUNNEL_ACTIONS, GRAIN
from recruit_assets.defs.assets.code_version import code_version
from recruit_assets.defs.assets.column_metadata import OWNERS, column_lineage, column_schema, same_names
from recruit_assets.defs.assets.documentation import FOR_ANALYSTS
from recruit_assets.defs.partitions import BACKFILL_POLICY, hours
from recruit_assets.defs.rules import RULES
from recruit_assets.runtime.settings import load_settings
from recruit_assets.transforms.attribution import with_action
from recruit_assets.transforms.funnel import count_funnel

ACTIONS = load_settings().funnel_action_list


@dg.asset(
    ins={"raw_events": dg.AssetIn(input_manager_key="downstream_io_manager")},
    partitions_def=hours,
    backfill_policy=BACKFILL_POLICY,
    io_manager_key="downstream_io_manager",
    group_name="recruitment",
    kinds={"spark", "mysql"},
    owners=OWNERS,
    code_version=code_version(count_funnel, with_action, sorted(ACTIONS), str(RULES)),
    description=FUNNEL_ACTIONS.description,
    metadata={
        "docs": FOR_ANALYSTS,
        "dagster/column_schema": column_schema(FUNNEL_ACTIONS.columns),
        "dagster/column_lineage": column_lineage(
            dg.AssetKey("raw_events"),
            same_names("event_hour", *GRAIN)
            | {"job_id": (OWN,), "action": ("custom_track",), "latest_update_time": ("received_at",)},
        ),
    },
)
def funnel_actions(raw_events: DataFrame) -> DataFrame:
    """The events with an action of RECRUIT_FUNNEL_ACTIONS, counted per job, publisher, campaign and group."""
    return count_funnel(raw_events, ACTIONS, RULES)

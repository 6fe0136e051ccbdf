"""The asset conversion_clicks: applications, each with the click that led to it."""

import dagster as dg
from pyspark.sql import DataFrame

from recruit_assets.contract.tables import CONVERSION_CLICKS, GRAIN
from recruit_assets.defs.assets.code_version import code_version
from recruit_assets.defs.assets.column_metadata import OWNERS, column_lineage, column_schema, same_names
from recruit_assets.defs.assets.documentation import FOR_ANALYSTS
from recruit_assets.defs.partitions import BACKFILL_POLICY, hours
from recruit_assets.defs.rules import RULES
from recruit_assets.runtime.settings import load_settings
from recruit_assets.transforms.conversions import journey_events
from recruit_assets.transforms.journeys import Journeys, journeys_of

SETTINGS = load_settings()
COPIED = ("event_hour", "create_time", "event_time", "received_at", *GRAIN)


@dg.asset(
    partitions_def=hours,
    backfill_policy=BACKFILL_POLICY,
    ins={"raw_events": dg.AssetIn(input_manager_key="cassandra_io_manager")},
    io_manager_key="conversion_clicks_io_manager",
    group_name="recruitment",
    kinds={"spark", "cassandra"},
    owners=OWNERS,
    code_version=code_version(
        journey_events,
        journeys_of,
        Journeys.last_click,
        SETTINGS.attribution_days,
        str(RULES),
        SETTINGS.click_rules if SETTINGS.has_click_quality else "",
    ),
    description=CONVERSION_CLICKS.description,
    metadata={
        "docs": FOR_ANALYSTS,
        "dagster/column_schema": column_schema(CONVERSION_CLICKS.columns),
        "dagster/column_lineage": column_lineage(
            dg.AssetKey("raw_events"), same_names(*COPIED) | {"action": ("custom_track",), "person": ("uid", "job_id")}
        ),
    },
)
def conversion_clicks(raw_events: DataFrame) -> DataFrame:
    """Events that count. The IO manager finds the click of each application, by the index on uid, and stores both."""
    return journey_events(raw_events, RULES)

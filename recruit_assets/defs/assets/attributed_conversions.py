"""The asset attributed_conversions: applications by the publisher, campaign and group of their clicks."""

import dagster as dg
from pyspark.sql import DataFrame

from recruit_assets.contract.tables import ATTRIBUTED_CONVERSIONS, GRAIN
from recruit_assets.defs.assets.code_version import code_version
from recruit_assets.defs.assets.column_metadata import OWNERS, column_lineage, column_schema, same_names
from recruit_assets.defs.assets.documentation import FOR_ANALYSTS
from recruit_assets.defs.partitions import BACKFILL_POLICY, hours
from recruit_assets.transforms.conversions import count_credits


@dg.asset(
    partitions_def=hours,
    backfill_policy=BACKFILL_POLICY,
    ins={"conversion_clicks": dg.AssetIn(input_manager_key="cassandra_io_manager")},
    io_manager_key="downstream_io_manager",
    group_name="recruitment",
    kinds={"spark", "mysql"},
    owners=OWNERS,
    code_version=code_version(count_credits),
    description=ATTRIBUTED_CONVERSIONS.description,
    metadata={
        "docs": FOR_ANALYSTS,
        "dagster/column_schema": column_schema(ATTRIBUTED_CONVERSIONS.columns),
        "dagster/column_lineage": column_lineage(
            dg.AssetKey("conversion_clicks"),
            same_names("event_hour", *GRAIN)
            | {"attributed": ("click_time",), ATTRIBUTED_CONVERSIONS.updated_at: ("received_at",)}
            | dict.fromkeys(ATTRIBUTED_CONVERSIONS.events_in, ("action",)),
        ),
    },
)
def attributed_conversions(conversion_clicks: DataFrame) -> DataFrame:
    """The applications of each hour, counted by whose click led to them."""
    return count_credits(conversion_clicks)

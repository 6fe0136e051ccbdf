"""The asset click_quality: valid clicks, and those that are invalid, by the reason."""

import dagster as dg
from pyspark.sql import DataFrame

from recruit_assets.contract.attribution import OWN
from recruit_assets.contract.click_quality import VERDICTS
from recruit_assets.contract.measures import CLICKS, SPEND
from recruit_assets.contract.tables import CLICK_QUALITY, GRAIN
from recruit_assets.defs.assets.code_version import code_version
from recruit_assets.defs.assets.column_metadata import OWNERS, column_lineage, column_schema, same_names
from recruit_assets.defs.assets.documentation import FOR_ANALYSTS
from recruit_assets.defs.partitions import BACKFILL_POLICY, hours
from recruit_assets.defs.rules import RULES
from recruit_assets.runtime.settings import load_settings
from recruit_assets.transforms.attribution import with_action
from recruit_assets.transforms.click_quality import JUDGED_BY, count_verdicts, with_verdicts

CLICK_RULES = load_settings().click_rules


@dg.asset(
    ins={name: dg.AssetIn(input_manager_key="downstream_io_manager") for name in ("raw_events", "job")},
    partitions_def=hours,
    backfill_policy=BACKFILL_POLICY,
    io_manager_key="downstream_io_manager",
    group_name="recruitment",
    kinds={"spark", "mysql"},
    owners=OWNERS,
    code_version=code_version(count_verdicts, with_verdicts, with_action, VERDICTS, CLICK_RULES, str(RULES)),
    description=CLICK_QUALITY.description,
    metadata={
        "docs": FOR_ANALYSTS,
        "dagster/column_schema": column_schema(CLICK_QUALITY.columns),
        "dagster/column_lineage": column_lineage(
            dg.AssetKey("raw_events"),
            same_names("event_hour", *GRAIN)
            | {"job_id": (OWN,), "verdict": JUDGED_BY, CLICKS.name: ("custom_track",), SPEND.name: (SPEND.of,)}
            | {"latest_update_time": ("received_at",)},
        ),
    },
)
def click_quality(raw_events: DataFrame, job: DataFrame) -> DataFrame:
    """The clicks by verdict, which may depend on clicks of the hours before and on the job's last day."""
    return count_verdicts(raw_events, job.where("end_date IS NOT NULL"), CLICK_RULES, RULES)

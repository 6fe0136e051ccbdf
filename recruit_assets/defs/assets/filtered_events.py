"""The asset filtered_events: the events that count."""

import dagster as dg
from pyspark.sql import DataFrame

from recruit_assets.contract.attribution import OWN
from recruit_assets.contract.measures import ACTION_SPELLINGS, SUMMED_FIELDS
from recruit_assets.contract.tables import FILTERED_EVENTS, GRAIN
from recruit_assets.defs.assets.code_version import code_version
from recruit_assets.defs.assets.column_metadata import OWNERS, column_lineage, column_schema, same_names
from recruit_assets.defs.assets.documentation import FOR_OPERATORS
from recruit_assets.defs.partitions import BACKFILL_POLICY, hours
from recruit_assets.defs.rules import RULES
from recruit_assets.transforms.attribution import FINDS_JOBS, countable_with_found_jobs
from recruit_assets.transforms.hourly import countable

OTHER_RULES = () if RULES.is_default else (*FINDS_JOBS, str(RULES))
"""Other rules make all hours stale; the rule `job_id` alone none, whenever it was computed."""
FOUND_IN = {rule.name.partition(".")[0] for rule in RULES.rules} - {OWN}
COPIED = ("event_hour", "bucket", "create_time", "event_time", *GRAIN, *SUMMED_FIELDS, "received_at")


@dg.asset(
    partitions_def=hours,
    backfill_policy=BACKFILL_POLICY,
    io_manager_key="cassandra_io_manager",
    group_name="recruitment",
    kinds={"spark", "cassandra"},
    owners=OWNERS,
    code_version=code_version(countable, ACTION_SPELLINGS, SUMMED_FIELDS, GRAIN, *OTHER_RULES),
    description=FILTERED_EVENTS.description,
    metadata={
        "docs": FOR_OPERATORS,
        "dagster/column_schema": column_schema(FILTERED_EVENTS.columns),
        "dagster/column_lineage": column_lineage(
            dg.AssetKey("raw_events"),
            same_names(*COPIED) | {"action": ("custom_track",)} | {"job_id": (OWN, *sorted(FOUND_IN))},
        ),
    },
)
def filtered_events(raw_events: DataFrame) -> DataFrame:
    """Events whose action counts, with the columns that counting needs; those without a job aren't stored."""
    return countable_with_found_jobs(raw_events, RULES)

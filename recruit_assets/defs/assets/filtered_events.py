"""The asset filtered_events: the events that count. Which do is `transforms.hourly`'s to say."""

import dagster as dg

from recruit_assets.contract.measures import SUMMED_FIELDS
from recruit_assets.contract.tables import FILTERED_EVENTS, GRAIN
from recruit_assets.defs.assets.column_metadata import FOR_OPERATORS, OWNERS, column_lineage, column_schema, same_names
from recruit_assets.defs.partitions import hours
from recruit_assets.hours.ports import Derivation, StoredHours
from recruit_assets.transforms.hourly import attributed, countable, tally_events

TAKEN_OVER = ("event_hour", "bucket", "create_time", "event_time", *GRAIN, *SUMMED_FIELDS, "received_at")


@dg.asset(
    partitions_def=hours,
    backfill_policy=dg.BackfillPolicy.single_run(),
    io_manager_key="cassandra_io_manager",
    group_name="events",
    kinds={"spark", "cassandra"},
    owners=OWNERS,
    description=FILTERED_EVENTS.description,
    metadata={
        "docs": FOR_OPERATORS,
        "dagster/column_schema": column_schema(FILTERED_EVENTS.columns),
        "dagster/column_lineage": column_lineage(
            dg.AssetKey("raw_events"), same_names(*TAKEN_OVER) | {"action": ("custom_track",)}
        ),
    },
)
def filtered_events(raw_events: StoredHours) -> Derivation:
    """Countable events with a job; the others are only tallied, those without a job as unattributed."""
    return raw_events.derive(countable, stored=attributed, tally=tally_events)

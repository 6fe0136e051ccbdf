"""raw_events in the UI while the ingest service fills it: one materialization per ten minutes with new events."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import dagster as dg

from recruit_assets.contract.tables import RAW_EVENTS
from recruit_assets.hours.change_feed import FeedState

REPORT_EVERY = timedelta(minutes=10)
"""Dagster keeps these events forever: 144 a day."""
DATA_VERSION_TAG = "dagster/data_version"


def arrivals(state: FeedState, instance: dg.DagsterInstance) -> Sequence[dg.AssetMaterialization]:
    """A materialization if the newest change is ten minutes later than the last one; one query, none when idle.

    It keeps the data version that the last run gave raw_events, so that no hour becomes stale because of it.
    """
    newest = max((one.newest_change for one in state.pending), default=None)
    if newest is None:
        return []
    last = instance.get_latest_materialization_event(dg.AssetKey(RAW_EVENTS.name))
    if last is not None and newest < datetime.fromtimestamp(last.timestamp, UTC) + REPORT_EVERY:
        return []
    before = last.asset_materialization if last else None
    version = (before.tags or {}).get(DATA_VERSION_TAG) if before else None
    return [
        dg.AssetMaterialization(
            RAW_EVENTS.name,
            description="Stored by the ingest service",
            metadata={
                "newest_change": dg.MetadataValue.timestamp(newest),
                "hours_pending": len(state.pending),
            },
            tags={DATA_VERSION_TAG: version} if version else None,
        )
    ]

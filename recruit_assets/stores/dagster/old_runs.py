"""Deletes old runs of one code location, except those that the UI needs to show which hours are materialized."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime

import dagster as dg

from recruit_assets.stores.dagster.compat import REPOSITORY_TAG, last_materialized_by
from recruit_assets.stores.dagster.history import FINISHED

DELETED_AT_ONCE = 100
DELETED_PER_CALL = 20_000
"""Some ten minutes with SQLite. The next days' calls delete the rest."""


def delete_runs(instance: dg.DagsterInstance, *, before: datetime, label: str, limit: int = DELETED_PER_CALL) -> int:
    """Delete up to `limit` runs with this label that ended before then, and their output; returns their number.

    Two kinds stay, however old: unfinished runs, and those that hold the last materialization of an asset or of one of
    its partitions. A run's events go with it, and without them a good hour would look as if it had never been computed.
    """
    old = dg.RunsFilter(statuses=FINISHED, updated_before=before, tags={REPOSITORY_TAG: label})
    deleted = 0
    for page in _pages(instance, old):
        needed = _needed(instance, page)
        for run in [one for one in page if one not in needed][: limit - deleted]:
            instance.delete_run(run)
            instance.compute_log_manager.delete_logs(prefix=[run])
            deleted += 1
        if deleted == limit:
            break
    return deleted


def _pages(instance: dg.DagsterInstance, wanted: dg.RunsFilter) -> Iterator[Sequence[str]]:
    """The ids of the runs, newest first. A page may be deleted: the next one has been read already."""
    page = instance.get_run_ids(wanted, limit=DELETED_AT_ONCE)
    while page:
        following = instance.get_run_ids(wanted, cursor=page[-1], limit=DELETED_AT_ONCE)
        yield page
        page = following


def _needed(instance: dg.DagsterInstance, runs: Iterable[str]) -> set[str]:
    """Those of the runs that hold the last materialization of anything."""
    partitions: dict[dg.AssetKey, set[str]] = defaultdict(set)
    for run in runs:
        of_run = instance.get_records_for_run(run, of_type=dg.DagsterEventType.ASSET_MATERIALIZATION).records
        for event in (record.event_log_entry.dagster_event for record in of_run):
            if event is not None and event.asset_key is not None:
                partitions[event.asset_key] |= {event.partition} if event.partition else set()
    return {run for key, of_key in partitions.items() for run in last_materialized_by(instance, key, of_key)}

"""What Dagster's runs say about hours: the tags of a range, which hours are running, which runs failed.

Belongs here: queries of the run storage, and the way between a range of hours and a run's tags. Not here: which hours
to run (`pending`), what a run is made of (`jobs`), whether a run's process lives (`run_launcher`).
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import dagster as dg
from dagster._core.storage.dagster_run import NOT_FINISHED_STATUSES  # the public API has no set of these
from dagster._core.storage.tags import (
    ASSET_PARTITION_RANGE_END_TAG,
    ASSET_PARTITION_RANGE_START_TAG,
    PARTITION_NAME_TAG,
    SENSOR_NAME_TAG,
)

from recruit_assets.defs.partitions import hour_of, key_of
from recruit_assets.hours.planning import LAST_RETRY, FailedRun, HourRange

MAX_RUNS_READ = 1000
FAILURES_REMEMBERED = LAST_RETRY + timedelta(minutes=20)
"""A failure is counted by the first tick after it; one that no tick saw for so long only costs an early retry."""


@dataclass(frozen=True, slots=True)
class UnfinishedRuns:
    """Runs that wait or run: their hours, all of them and those that each sensor asked for."""

    hours: tuple[HourRange, ...]
    by_sensor: Mapping[str, tuple[HourRange, ...]]


def range_tags(hours: HourRange) -> dict[str, str]:
    """Tags that make one run materialize exactly these hours."""
    return {ASSET_PARTITION_RANGE_START_TAG: key_of(hours.first), ASSET_PARTITION_RANGE_END_TAG: key_of(hours.last)}


def hours_of_tags(tags: Mapping[str, str]) -> HourRange | None:
    """The hours that a run with these tags is about; None for a run of something else."""
    first = tags.get(ASSET_PARTITION_RANGE_START_TAG) or tags.get(PARTITION_NAME_TAG)
    last = tags.get(ASSET_PARTITION_RANGE_END_TAG) or first
    if first is None or last is None:
        return None
    try:
        return HourRange(hour_of(first), hour_of(last))
    except ValueError:
        return None  # another partitioning's run


def unfinished_runs(instance: dg.DagsterInstance) -> UnfinishedRuns:
    """The runs that aren't finished, whoever started them."""
    runs = instance.get_runs(dg.RunsFilter(statuses=NOT_FINISHED_STATUSES), limit=MAX_RUNS_READ)
    sensors = {run.tags[SENSOR_NAME_TAG] for run in runs if SENSOR_NAME_TAG in run.tags}
    by_sensor = {
        sensor: tuple(_ranges(run.tags for run in runs if run.tags.get(SENSOR_NAME_TAG) == sensor))
        for sensor in sensors
    }
    return UnfinishedRuns(hours=tuple(_ranges(run.tags for run in runs)), by_sensor=by_sensor)


def started_hours(instance: dg.DagsterInstance) -> tuple[HourRange, ...]:
    """The hours of runs that have begun; a queued run may wait for a daemon that isn't there."""
    runs = instance.get_runs(dg.RunsFilter(statuses=[dg.DagsterRunStatus.STARTED]), limit=MAX_RUNS_READ)
    return tuple(_ranges(run.tags for run in runs))


def recent_failures(instance: dg.DagsterInstance, *, now: datetime | None = None) -> Sequence[FailedRun]:
    """The runs of hours that ended without success a short while ago."""
    since = (now or datetime.now(UTC)) - FAILURES_REMEMBERED
    records = instance.get_run_records(
        dg.RunsFilter(statuses=[dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.CANCELED], updated_after=since),
        limit=MAX_RUNS_READ,
    )
    failures = []
    for record in records:
        hours = hours_of_tags(record.dagster_run.tags)
        if hours is not None and record.end_time is not None:
            failures.append(FailedRun(hours, ended_at=datetime.fromtimestamp(record.end_time, UTC)))
    return failures


def _ranges(tags: Iterable[Mapping[str, str]]) -> Iterable[HourRange]:
    return (hours for hours in map(hours_of_tags, tags) if hours is not None)

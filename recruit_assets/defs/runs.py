"""Hours and runs: the tags that give a run its hours, the hours of unfinished runs, recently failed hours."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import dagster as dg

from recruit_assets.contract.tables import CASSANDRA_TABLES, SQL_TABLES
from recruit_assets.defs.partitions import hour_of, key_of
from recruit_assets.hours.planning import LAST_RETRY, FailedRun, HourRange
from recruit_assets.stores.dagster.history import UNFINISHED

RANGE_START_TAG = "dagster/asset_partition_range_start"
RANGE_END_TAG = "dagster/asset_partition_range_end"
PARTITION_TAG = "dagster/partition"
SENSOR_TAG = "dagster/sensor_name"
INCREMENTAL_TAG = "recruit/incremental"
"""On runs that may keep the buckets of an hour that didn't change."""

LINEAGE_JOB, HOURS_JOB = "lineage_job", "hours_job"
OUR_ASSETS = frozenset(dg.AssetKey(table.name) for table in (*CASSANDRA_TABLES, *SQL_TABLES))

MAX_RUNS_READ = 1000
FAILURES_REMEMBERED = LAST_RETRY + timedelta(minutes=20)
"""The first tick after a failure counts it. If no tick runs for this long, the hour is just retried too early."""

HOURS_TAG = "hours"
"""The list of runs shows about 36 characters of it."""


@dataclass(frozen=True, slots=True)
class UnfinishedRuns:
    """The hours of runs that are queued or running: all of them, and by the sensor that requested the run."""

    hours: tuple[HourRange, ...]
    by_sensor: Mapping[str, tuple[HourRange, ...]]


def range_tags(hours: HourRange) -> dict[str, str]:
    """Tags with which one run materializes exactly these hours, and one that shows them in the list of runs."""
    return {
        RANGE_START_TAG: key_of(hours.first),
        RANGE_END_TAG: key_of(hours.last),
        HOURS_TAG: str(hours) if len(hours) == 1 else f"{len(hours)} h from {hours.first:%Y-%m-%d %H:%M}",
    }


def hours_of_tags(tags: Mapping[str, str]) -> HourRange | None:
    """The hours of a run with these tags; None if its partitions aren't hours."""
    first = tags.get(RANGE_START_TAG) or tags.get(PARTITION_TAG)
    last = tags.get(RANGE_END_TAG) or first
    if first is None or last is None:
        return None
    try:
        return HourRange(hour_of(first), hour_of(last))
    except ValueError:
        return None  # a partition of another kind


def names_partitions(tags: Mapping[str, str]) -> bool:
    """Whether a run with these tags is about partitions, of any kind."""
    return PARTITION_TAG in tags or RANGE_START_TAG in tags


def is_ours(run: dg.DagsterRun) -> bool:
    """Whether the run replaces our hours. Others may use the same Dagster instance, and have hours of their own."""
    if not run.asset_selection:
        return run.job_name in {LINEAGE_JOB, HOURS_JOB}
    return not OUR_ASSETS.isdisjoint(run.asset_selection)


def unfinished_runs(instance: dg.DagsterInstance) -> UnfinishedRuns:
    """All unfinished runs of our hours, however they were started."""
    runs = _ours(instance.get_runs(dg.RunsFilter(statuses=UNFINISHED), limit=MAX_RUNS_READ))
    sensors = {run.tags[SENSOR_TAG] for run in runs if SENSOR_TAG in run.tags}
    by_sensor = {
        sensor: tuple(_ranges(run.tags for run in runs if run.tags.get(SENSOR_TAG) == sensor)) for sensor in sensors
    }
    return UnfinishedRuns(hours=tuple(_ranges(run.tags for run in runs)), by_sensor=by_sensor)


def started_hours(instance: dg.DagsterInstance) -> tuple[HourRange, ...]:
    """The hours of runs that have begun. Queued runs don't count: no daemon may be there to start them."""
    runs = _ours(instance.get_runs(dg.RunsFilter(statuses=[dg.DagsterRunStatus.STARTED]), limit=MAX_RUNS_READ))
    return tuple(_ranges(run.tags for run in runs))


def recent_failures(instance: dg.DagsterInstance, *, now: datetime | None = None) -> Sequence[FailedRun]:
    """The runs of our hours that failed or were canceled within FAILURES_REMEMBERED."""
    since = (now or datetime.now(UTC)) - FAILURES_REMEMBERED
    records = instance.get_run_records(
        dg.RunsFilter(statuses=[dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.CANCELED], updated_after=since),
        limit=MAX_RUNS_READ,
    )
    failures = []
    for record in records:
        hours = hours_of_tags(record.dagster_run.tags)
        if hours is not None and record.end_time is not None and is_ours(record.dagster_run):
            failures.append(FailedRun(hours, ended_at=datetime.fromtimestamp(record.end_time, UTC)))
    return failures


def _ours(runs: Iterable[dg.DagsterRun]) -> Sequence[dg.DagsterRun]:
    return [run for run in runs if is_ours(run)]


def _ranges(tags: Iterable[Mapping[str, str]]) -> Iterable[HourRange]:
    return (hours for hours in map(hours_of_tags, tags) if hours is not None)

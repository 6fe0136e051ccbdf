"""Hours and runs: the tags that give a run its hours, the hours of unfinished runs, recently failed hours."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

import dagster as dg

from recruit_assets.contract.tables import CASSANDRA_TABLES, HOURLY_SQL_TABLES
from recruit_assets.defs.partitions import day_of, hour_of, key_of
from recruit_assets.hours.planning import LAST_RETRY, FailedRun, HourRange

RANGE_START_TAG = "dagster/asset_partition_range_start"
RANGE_END_TAG = "dagster/asset_partition_range_end"
PARTITION_TAG = "dagster/partition"
SENSOR_TAG = "dagster/sensor_name"
INCREMENTAL_TAG = "recruit/incremental"
"""On runs that may keep the buckets of an hour that didn't change."""

LINEAGE_JOB, HOURS_JOB, DOWNSTREAM_JOB = "lineage_job", "hours_job", "downstream_job"
CDC_SENSOR = "cassandra_cdc_sensor"
DOWNSTREAM_SENSOR = "downstream_sensor"
OUR_ASSETS = frozenset(dg.AssetKey(table.name) for table in (*CASSANDRA_TABLES, *HOURLY_SQL_TABLES))
"""Assets whose runs replace the report's hours."""

FAILURE_REASON_TAG = "dagster/failure_reason"
NO_FAULT_OF_ITS_HOURS = {"START_TIMEOUT", "UNEXPECTED_TERMINATION"}
"""Failure reasons of a run that never began, and of one that was stopped together with the daemon or the machine."""

QUEUED = [dg.DagsterRunStatus.NOT_STARTED, dg.DagsterRunStatus.QUEUED]
BEGUN = [dg.DagsterRunStatus.STARTING, dg.DagsterRunStatus.STARTED]
"""Not CANCELING: such a run won't complete its hours."""
MAX_RUNS_READ = 1000
FAILURES_REMEMBERED = LAST_RETRY + timedelta(minutes=20)
"""The first tick after a failure counts it. If no tick runs for this long, the hour is just retried too early."""

HOURS_TAG = "hours"
"""The list of runs shows about 36 characters of it."""


@dataclass(frozen=True, slots=True)
class UnfinishedRuns:
    """The hours of runs that will replace them soon: of all that have begun, and of the sensor's that are queued.

    Another queued run doesn't count: a person's range may wait for hours.
    """

    hours: tuple[HourRange, ...]
    of_sensor: tuple[HourRange, ...]
    """Those that the sensor requested."""


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


def days_of_tags(tags: Mapping[str, str]) -> tuple[date, ...] | None:
    """The days of a run with these tags; None if its partitions aren't days."""
    first = tags.get(RANGE_START_TAG) or tags.get(PARTITION_TAG)
    last = tags.get(RANGE_END_TAG) or first
    if first is None or last is None:
        return None
    try:
        start, end = day_of(first), day_of(last)
    except ValueError:
        return None  # a partition of another kind
    return tuple(start + timedelta(days=number) for number in range((end - start).days + 1))


def names_partitions(tags: Mapping[str, str]) -> bool:
    """Whether a run with these tags is about partitions, of any kind."""
    return PARTITION_TAG in tags or RANGE_START_TAG in tags


def is_ours(run: dg.DagsterRun) -> bool:
    """Whether the run replaces our hours. Others may use the same Dagster instance, and have hours of their own."""
    if not run.asset_selection:
        return run.job_name in {LINEAGE_JOB, HOURS_JOB}
    return not OUR_ASSETS.isdisjoint(run.asset_selection)


def unfinished_runs(instance: dg.DagsterInstance) -> UnfinishedRuns:
    """Two queries, whose cost doesn't grow with the queue: a backfill may have queued a thousand runs."""
    of_sensor = _ranges(instance, dg.RunsFilter(statuses=[*QUEUED, *BEGUN], tags={SENSOR_TAG: CDC_SENSOR}))
    return UnfinishedRuns(hours=(*_ranges(instance, dg.RunsFilter(statuses=BEGUN)), *of_sensor), of_sensor=of_sensor)


def started_hours(instance: dg.DagsterInstance) -> tuple[HourRange, ...]:
    """The hours of runs that have begun. Queued runs don't count: no daemon may be there to start them."""
    return _ranges(instance, dg.RunsFilter(statuses=[dg.DagsterRunStatus.STARTED]))


def recent_failures(
    instance: dg.DagsterInstance, *, sensor: str = CDC_SENSOR, now: datetime | None = None
) -> Sequence[FailedRun]:
    """The sensor's runs that failed within FAILURES_REMEMBERED because of what they did.

    Only these count against their hours. A person's range may be too large or reach into frozen hours, and a run that
    somebody canceled hasn't failed.
    """
    since = (now or datetime.now(UTC)) - FAILURES_REMEMBERED
    records = instance.get_run_records(
        dg.RunsFilter(statuses=[dg.DagsterRunStatus.FAILURE], tags={SENSOR_TAG: sensor}, updated_after=since),
        limit=MAX_RUNS_READ,
    )
    failures = []
    for record in records:
        run = record.dagster_run
        hours = hours_of_tags(run.tags)
        if hours is None or record.end_time is None or run.tags.get(FAILURE_REASON_TAG) in NO_FAULT_OF_ITS_HOURS:
            continue
        if run.job_name == DOWNSTREAM_JOB or is_ours(run):
            failures.append(FailedRun(hours, ended_at=datetime.fromtimestamp(record.end_time, UTC)))
    return failures


def _ranges(instance: dg.DagsterInstance, runs_filter: dg.RunsFilter) -> tuple[HourRange, ...]:
    """The hours of ours among these runs."""
    ours = filter(is_ours, instance.get_runs(runs_filter, limit=MAX_RUNS_READ))
    return tuple(hours for hours in (hours_of_tags(run.tags) for run in ours) if hours is not None)

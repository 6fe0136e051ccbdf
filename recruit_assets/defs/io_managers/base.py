"""Which hours a run replaces, checked against what was asked for, and how; what both IO managers report of them."""

from collections.abc import Sequence
from datetime import datetime, timedelta

import dagster as dg

from recruit_assets.defs.partitions import hour_of, hours_of
from recruit_assets.defs.runs import RANGE_END_TAG, RANGE_START_TAG, SENSOR_TAG
from recruit_assets.hours.ports import StageResult
from recruit_assets.runtime.errors import Inconsistent

ONE_HOUR = timedelta(hours=1)


def hours_of_run(context: dg.OutputContext) -> Sequence[datetime]:
    """The hours of the run's partitions; Inconsistent if its tags ask for others.

    A range resolves against the code location's partitions, which may begin later or end earlier than the tags say.
    """
    hours = hours_of(context.asset_partition_keys)
    wanted = _hours_of_tags(context)
    if wanted and list(hours) != wanted:
        raise Inconsistent(
            f"the run's tags ask for {_span(wanted)}, its partitions are {_span(hours)}: "
            "check RECRUIT_FIRST_HOUR and the clock of the code location"
        )
    return hours


def keeps_unchanged(context: dg.OutputContext) -> bool:
    """Whether what didn't change since the last run may stay: in the sensor's runs, which follow the site closely.

    Everyone else's (the daily schedule's, a backfill, `materialize`) read everything again, so that nothing which a
    person changed in raw_events behind the pipeline's back stays unnoticed for more than a day.
    """
    return SENSOR_TAG in context.step_context.dagster_run.tags


def stage_metadata(result: StageResult, seconds: float) -> dict[str, dg.MetadataValue]:
    """The numbers that the UI plots per materialization."""
    tallies = result.tallies.values()
    return {
        "dagster/row_count": dg.MetadataValue.int(sum(tally.row_count for tally in tallies)),
        "hours": dg.MetadataValue.int(len(result.tallies)),
        "events": dg.MetadataValue.int(sum(tally.event_count for tally in tallies)),
        "write_number": dg.MetadataValue.int(result.t),
        "seconds": dg.MetadataValue.float(round(seconds, 3)),
    }


def _span(hours: Sequence[datetime]) -> str:
    return f"{len(hours)} hours, {hours[0]:%Y-%m-%d %H:%M} to {hours[-1]:%Y-%m-%d %H:%M}" if hours else "no hours"


def _hours_of_tags(context: dg.OutputContext) -> list[datetime]:
    tags = context.step_context.dagster_run.tags
    if RANGE_START_TAG not in tags:
        return []
    first, last = hour_of(tags[RANGE_START_TAG]), hour_of(tags[RANGE_END_TAG])
    return [first + index * ONE_HOUR for index in range((last - first) // ONE_HOUR + 1)]

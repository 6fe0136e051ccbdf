"""Metadata of each hour of a run: every partition gets its own numbers, which the UI plots over time."""

from collections.abc import Mapping, Sequence
from datetime import datetime

import dagster as dg

from recruit_assets.contract.measures import MEASURES
from recruit_assets.defs.partitions import key_of
from recruit_assets.hours.bucket_state import Tally
from recruit_assets.hours.ports import StageResult
from recruit_assets.stores.mysql.hour_sink import HourTotals
from recruit_assets.stores.mysql.totals import NOTHING, Totals

Numbers = dict[str, int | float]
MAX_HOURS = 31 * 24
"""In a larger backfill every hour has the numbers of the run: adding an hour's costs Dagster a search through all."""


def add_hour_metadata(context: dg.OutputContext, by_hour: Mapping[datetime, Numbers]) -> None:
    """Replace the run's numbers by the hour's own, of the same name, in each hour's materialization."""
    if len(by_hour) > MAX_HOURS:
        return
    for hour, numbers in by_hour.items():
        # add_output_metadata is for all partitions alike; only the step's method takes a partition
        context.step_context.add_asset_metadata(numbers, asset_key=context.asset_key, partition_key=key_of(hour))


def stage_numbers(result: StageResult) -> dict[datetime, Numbers]:
    """Rows and events of each hour."""
    return {hour: _of_tally(tally) for hour, tally in result.tallies.items()}


def with_unattributed(result: StageResult) -> dict[datetime, Numbers]:
    """Rows, events, and countable events without a job, of each hour."""
    numbers = stage_numbers(result)
    return {hour: one | {"unattributed": result.tallies[hour].unattributed} for hour, one in numbers.items()}


def with_totals(
    result: StageResult, totals: Mapping[datetime, HourTotals], *, now: datetime
) -> dict[datetime, Numbers]:
    """Rows, events, and the total of each measure, of each hour."""
    return {hour: one | _of_hour(totals[hour], now) for hour, one in stage_numbers(result).items()}


def run_totals(by_hour: Sequence[HourTotals]) -> dict[str, dg.MetadataValue]:
    """The total of each measure over all hours of a run."""
    totals = _by_name(sum((hour.totals for hour in by_hour), NOTHING))
    return {
        name: dg.MetadataValue.int(total) if isinstance(total, int) else dg.MetadataValue.float(total)
        for name, total in totals.items()
    }


def _of_tally(tally: Tally) -> Numbers:
    return {"dagster/row_count": tally.row_count, "events": tally.event_count}


def _of_hour(hour: HourTotals, now: datetime) -> Numbers:
    """`freshness_s` is the age of the hour's newest event when the report has it."""
    numbers = _by_name(hour.totals)
    if hour.newest_event is not None:
        numbers["freshness_s"] = round((now - hour.newest_event).total_seconds(), 3)
    return numbers


def _by_name(totals: Totals) -> Numbers:
    return {measure.name: totals[measure] for measure in MEASURES}

"""What is reported of each hour of a run: an asset's partitions get numbers of their own, which the UI plots over time.

Belongs here: the numbers of one hour, and handing them to Dagster. Not here: those of the whole run (`run_hours`).
"""

from collections.abc import Mapping, Sequence
from datetime import datetime

import dagster as dg

from recruit_assets.defs.partitions import key_of
from recruit_assets.hours.bucket_state import Tally
from recruit_assets.hours.ports import StageResult
from recruit_assets.stores.mysql.hour_sink import HourTotals

Numbers = dict[str, int | float]
MAX_HOURS = 31 * 24
"""Of a larger backfill every hour has the numbers of the run: Dagster looks for each hour among all of the run's."""


def add_hour_metadata(context: dg.OutputContext, by_hour: Mapping[datetime, Numbers]) -> None:
    """Numbers that take the place of the run's of the same name in the materialization of their hour."""
    if len(by_hour) > MAX_HOURS:
        return
    for hour, numbers in by_hour.items():
        # an output's metadata is the same for all partitions; only the step can tell them apart
        context.step_context.add_asset_metadata(numbers, asset_key=context.asset_key, partition_key=key_of(hour))


def stage_numbers(result: StageResult) -> dict[datetime, Numbers]:
    """Rows and events of each hour."""
    return {hour: _of_tally(tally) for hour, tally in result.tallies.items()}


def with_unattributed(result: StageResult) -> dict[datetime, Numbers]:
    """The same, and the countable events without a job."""
    numbers = stage_numbers(result)
    return {hour: one | {"unattributed": result.tallies[hour].unattributed} for hour, one in numbers.items()}


def with_totals(
    result: StageResult, totals: Mapping[datetime, HourTotals], *, now: datetime
) -> dict[datetime, Numbers]:
    """The same, and what the hour's rows add up to."""
    return {hour: one | _of_totals(totals[hour], now) for hour, one in stage_numbers(result).items()}


def run_totals(totals: Sequence[HourTotals]) -> dict[str, dg.MetadataValue]:
    """Clicks, conversions and spend of all hours of a run."""
    return {
        "clicks": dg.MetadataValue.int(sum(one.clicks for one in totals)),
        "conversions": dg.MetadataValue.int(sum(one.conversions for one in totals)),
        "spend": dg.MetadataValue.float(float(sum(one.spend for one in totals))),
    }


def _of_tally(tally: Tally) -> Numbers:
    return {"dagster/row_count": tally.row_count, "events": tally.event_count}


def _of_totals(totals: HourTotals, now: datetime) -> Numbers:
    """`freshness_s` is the age of the hour's newest event now, when it is in the report."""
    numbers: Numbers = {"clicks": totals.clicks, "conversions": totals.conversions, "spend": totals.spend}
    if totals.newest_event is not None:
        numbers["freshness_s"] = round((now - totals.newest_event).total_seconds(), 3)
    return numbers

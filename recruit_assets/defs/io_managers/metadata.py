"""Metadata of each hour of a run: every partition gets its own numbers, which the UI plots over time."""

from collections.abc import Mapping
from datetime import datetime

import dagster as dg

from recruit_assets.defs.partitions import key_of
from recruit_assets.hours.replacement import Replaced
from recruit_assets.stores.dagster.compat import add_partition_metadata
from recruit_assets.stores.mysql.hour_sink import HourTotals

HourNumbers = Mapping[datetime, Mapping[str, float]]
MAX_HOURS = 31 * 24
"""In a larger backfill every hour shows the run's numbers: for each hour added, Dagster searches through all hours."""


def add_hour_metadata(context: dg.OutputContext, numbers: HourNumbers) -> None:
    """Give each hour's materialization its own numbers in place of the run's of the same name."""
    if len(numbers) > MAX_HOURS:
        return
    for hour, of_hour in numbers.items():
        add_partition_metadata(context, key_of(hour), of_hour)


def hour_numbers(replaced: Replaced, *, unattributed: bool = False) -> HourNumbers:
    """Rows and events of each hour, and on request the countable events without a job."""
    return {
        hour: {
            "dagster/row_count": counts.row_count,
            "events": counts.event_count,
            **({"unattributed": counts.unattributed} if unattributed else {}),
        }
        for hour, counts in replaced.counts.items()
    }


def with_totals(numbers: HourNumbers, totals: Mapping[datetime, HourTotals], *, now: datetime) -> HourNumbers:
    """The numbers of each hour with its totals and `freshness_s`, the age of its newest event."""
    return {hour: {**one, **totals[hour].totals, **_freshness(totals[hour], now)} for hour, one in numbers.items()}


def run_totals(totals: Mapping[datetime, HourTotals]) -> dict[str, dg.MetadataValue]:
    """The totals of all hours of a run."""
    names = dict.fromkeys(name for hour in totals.values() for name in hour.totals)
    sums = {name: sum(hour.totals[name] for hour in totals.values()) for name in names}
    return {
        name: dg.MetadataValue.int(total) if isinstance(total, int) else dg.MetadataValue.float(total)
        for name, total in sums.items()
    }


def _freshness(hour: HourTotals, now: datetime) -> dict[str, float]:
    newest = hour.newest_event
    return {} if newest is None else {"freshness_s": round((now - newest).total_seconds(), 3)}

"""Metadata of each hour of a run: every partition gets its own numbers, which the UI plots over time."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from itertools import zip_longest

import dagster as dg

from recruit_assets.contract.attribution import Attribution
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


def hour_numbers(replaced: Replaced, *, unattributed: bool = False, rules: Attribution | None = None) -> HourNumbers:
    """Rows and events of each hour, on request the countable events without a job, and what each rule found."""
    return {
        hour: {
            "dagster/row_count": counts.row_count,
            "events": counts.event_count,
            **({"unattributed": counts.unattributed} if unattributed else {}),
            **(attributed_by(rules, counts.by_rule) if rules and not rules.is_default else {}),
        }
        for hour, counts in replaced.counts.items()
    }


def attributed_by(rules: Attribution, by_rule: Sequence[int]) -> Mapping[str, int]:
    """How many events each rule found the job of, by the name of the number in Dagster's UI."""
    return {f"attributed/{name}": found for name, found in zip_longest(rules.names, by_rule, fillvalue=0)}


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

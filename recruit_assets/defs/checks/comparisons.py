"""Compares what was recorded of the same hours in two tables. Leaves out hours that another run has replaced."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime

from recruit_assets.contract.tables import MYSQL_REPORT
from recruit_assets.defs.checks.verdict import Finding, hour_text
from recruit_assets.hours.ports import RecordedHour
from recruit_assets.hours.wrong_parts import Part
from recruit_assets.stores.mysql.check_reads import StoredCounts

HOURS_AT_ONCE = 31 * 24
"""A check of everything reads a month at a time: one query per store, which ends long before its timeout."""

Records = Mapping[tuple[str, datetime], RecordedHour]
"""By table and hour."""


def in_batches(hours: Sequence[datetime]) -> Iterator[Sequence[datetime]]:
    """The hours, HOURS_AT_ONCE at a time."""
    return (hours[start : start + HOURS_AT_ONCE] for start in range(0, len(hours), HOURS_AT_ONCE))


def counts_same_events(hours: Sequence[datetime], recorded: Records, *, source: str, derived: str) -> Iterator[Finding]:
    """Whether `derived` counts as many events as `source`, in each hour where both cover the same changes."""
    for hour in hours:
        part, text = Part(hour), hour_text(hour)
        wanted, has = recorded.get((source, hour)), recorded.get((derived, hour))
        if wanted is None or has is None:
            missing = source if wanted is None else derived
            yield Finding(part, not_compared=f"{text}: {missing} has none, or another run is replacing it")
        elif wanted.covered_through_ms != has.covered_through_ms:
            yield Finding(part, not_compared=f"{text}: another run has replaced it in {source} or {derived}")
        else:
            counts = f"{text}: {derived} counts {has.event_count} events, {source} {wanted.event_count}"
            difference = "" if wanted.event_count == has.event_count else counts
            yield Finding(part, wanted.event_count, has.event_count, difference)


def holds_what_was_recorded(
    hours: Sequence[datetime], recorded: Records, stored: Mapping[datetime, StoredCounts], *, again: Records
) -> Iterator[Finding]:
    """Whether each hour of the report has the rows and events that report_hours records.

    `recorded` was read before the report's rows and `again` after them.
    """
    for hour in hours:
        part, text = Part(hour), hour_text(hour)
        record = recorded.get((MYSQL_REPORT.name, hour))
        if record != again.get((MYSQL_REPORT.name, hour)):
            yield Finding(part, not_compared=f"{text}: another run replaced it during the check")
            continue
        wanted = StoredCounts(record.row_count, record.event_count) if record else StoredCounts()
        has = stored.get(hour, StoredCounts())
        counts = (
            f"{text}: {has.row_count} rows with {has.event_count} events, "
            f"report_hours records {wanted.row_count} with {wanted.event_count}"
        )
        difference = "" if wanted == has else counts
        empty = record is None and not has.row_count
        yield Finding(part, wanted.event_count, has.event_count, difference, empty=empty)

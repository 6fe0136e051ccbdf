"""Compares what was recorded of the same hours in two tables. Leaves out hours that another run has replaced."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from recruit_assets.contract.tables import MYSQL_REPORT
from recruit_assets.defs.checks.verdict import Verdict, hour_text
from recruit_assets.hours.ports import RecordedHour
from recruit_assets.stores.mysql.check_reads import StoredCounts

Records = Mapping[tuple[str, datetime], RecordedHour]
"""By table and hour."""


def counts_same_events(hours: Sequence[datetime], recorded: Records, *, source: str, derived: str) -> Verdict:
    """Whether `derived` counts as many events as `source`, in each hour where both cover the same changes."""
    expected = found = 0
    differences, not_compared = [], []
    for hour in hours:
        wanted, has = recorded.get((source, hour)), recorded.get((derived, hour))
        if wanted is None or has is None:
            missing = source if wanted is None else derived
            not_compared.append(f"{hour_text(hour)}: another run is replacing it in {missing}")
        elif wanted.covered_through_ms != has.covered_through_ms:
            not_compared.append(f"{hour_text(hour)}: another run has replaced it in {source} or {derived}")
        else:
            expected += wanted.event_count
            found += has.event_count
            if wanted.event_count != has.event_count:
                counts = f"{derived} counts {has.event_count} events, {source} {wanted.event_count}"
                differences.append(f"{hour_text(hour)}: {counts}")
    return Verdict(expected, found, tuple(differences), tuple(not_compared))


def holds_what_was_recorded(
    hours: Sequence[datetime], recorded: Records, stored: Mapping[datetime, StoredCounts], *, again: Records
) -> Verdict:
    """Whether each hour of the report has the rows and events that report_hours records.

    `recorded` was read before the report's rows and `again` after them.
    """
    expected = found = 0
    differences, not_compared = [], []
    for hour in hours:
        record = recorded.get((MYSQL_REPORT.name, hour))
        if record != again.get((MYSQL_REPORT.name, hour)):
            not_compared.append(f"{hour_text(hour)}: another run replaced it during the check")
            continue
        wanted = StoredCounts(record.row_count, record.event_count) if record else StoredCounts()
        has = stored.get(hour, StoredCounts())
        expected += wanted.event_count
        found += has.event_count
        if wanted != has:
            differences.append(
                f"{hour_text(hour)}: {has.row_count} rows with {has.event_count} events, "
                f"report_hours records {wanted.row_count} with {wanted.event_count}"
            )
    return Verdict(expected, found, tuple(differences), tuple(not_compared))

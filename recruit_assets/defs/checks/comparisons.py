"""Comparing what stages recorded of the same hours: pure, and fair to a newer run that overtook one of them.

Not here: reading (`stores.check_reads`), Dagster (`verdicts`).
"""

from collections.abc import Mapping, Sequence
from datetime import datetime

from recruit_assets.contract.tables import MYSQL_REPORT
from recruit_assets.defs.checks.verdict import Verdict, hour_text
from recruit_assets.hours.ports import RecordedHour
from recruit_assets.stores.mysql.check_reads import StoredCounts

Records = Mapping[tuple[str, datetime], RecordedHour]
"""By stage and hour."""


def counts_same_events(hours: Sequence[datetime], recorded: Records, *, source: str, derived: str) -> Verdict:
    """Whether a stage counts the events of another, hour by hour, where both cover the same changes."""
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
    """Whether the report has the rows and events that its marks tell; `again` are the marks after reading the rows."""
    expected = found = 0
    differences, not_compared = [], []
    for hour in hours:
        mark = recorded.get((MYSQL_REPORT.name, hour))
        if mark != again.get((MYSQL_REPORT.name, hour)):
            not_compared.append(f"{hour_text(hour)}: another run replaced it meanwhile")
            continue
        told = StoredCounts(mark.row_count, mark.event_count) if mark else StoredCounts()
        has = stored.get(hour, StoredCounts())
        expected += told.event_count
        found += has.event_count
        if told != has:
            differences.append(
                f"{hour_text(hour)}: {has.row_count} rows with {has.event_count} events, "
                f"recorded are {told.row_count} with {told.event_count}"
            )
    return Verdict(expected, found, tuple(differences), tuple(not_compared))

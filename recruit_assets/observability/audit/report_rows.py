"""What the report database holds: report rows, the job dimension, and what report_hours records of each hour."""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

from recruit_assets.contract.tables import MYSQL_REPORT
from recruit_assets.observability.audit.audit_db import AuditDatabase, Values, as_texts
from recruit_assets.observability.audit.results import EXAMPLES, Progress, Sample
from recruit_assets.stores.mysql.audit_reads import ReportedHour

_DATES = MYSQL_REPORT.column_names.index("dates")
_HOURS = MYSQL_REPORT.column_names.index("hours")
_COUNTED = tuple(MYSQL_REPORT.column_names.index(name) for name in MYSQL_REPORT.events_in)

HourCounts = dict[datetime, tuple[int, int]]
"""Number of rows and of the events they stand for, by hour (naive UTC)."""


def take_report(audit_db: AuditDatabase, hours: Iterable[list[Values]], *, progress: Progress) -> HourCounts:
    """Copy the report's rows into the audit database; returns what each hour has."""
    counts: HourCounts = {}
    for number, rows in enumerate(hours, start=1):
        audit_db.add_reported(as_texts(MYSQL_REPORT, rows))
        for row in rows:
            hour = row[_DATES] + timedelta(hours=row[_HOURS])
            known_rows, known_events = counts.get(hour, (0, 0))
            counts[hour] = (known_rows + 1, known_events + sum(row[index] for index in _COUNTED))
        progress("hours in MySQL", number, 0)
    return counts


def take_companies(audit_db: AuditDatabase, pages: Iterable[list[Values]]) -> None:
    """Copy the job dimension into the audit database."""
    for page in pages:
        audit_db.add_companies(page)


def wrong_reported_hours(counts: HourCounts, reported: Mapping[datetime, ReportedHour]) -> Sample:
    """Hours whose counts in report_hours differ from the report's rows, or that report_hours doesn't have."""
    wrong = []
    for hour in sorted(counts.keys() | reported.keys()):
        found = counts.get(hour, (0, 0))
        record = reported.get(hour)
        recorded = (record.row_count, record.event_count) if record else None
        if recorded != found:
            text = f"{recorded[0]} rows and {recorded[1]} events" if recorded else "nothing"
            wrong.append(
                f"{hour:%Y-%m-%d %H:%M}: report_hours records {text}, the report has {found[0]} and {found[1]}"
            )
    return Sample(len(wrong), tuple(wrong[:EXAMPLES]))

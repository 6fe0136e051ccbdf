"""What the report database holds: report rows, the job dimension, and what report_hours says about each hour.

Not here: statements (`stores.audit_reads`), what the rows should be (`rows`, `ledger`).
"""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

from recruit_assets.contract.tables import MYSQL_REPORT
from recruit_assets.observability.audit.audit_db import LATEST, AuditDatabase, Values
from recruit_assets.observability.audit.results import EXAMPLES, Progress, Sample
from recruit_assets.stores.mysql.audit_reads import ReportMark

_DATES = MYSQL_REPORT.column_names.index("dates")
_HOURS = MYSQL_REPORT.column_names.index("hours")
_LATEST = MYSQL_REPORT.column_names.index(LATEST)
_COUNTS = tuple(
    MYSQL_REPORT.column_names.index(name)
    for name in ("clicks", "conversion", "qualified_application", "disqualified_application")
)

HourCounts = dict[datetime, tuple[int, int]]
"""Rows, and the events that they stand for, by hour (naive UTC)."""


def take_report(audit_db: AuditDatabase, hours: Iterable[list[Values]], *, progress: Progress) -> HourCounts:
    """Take the report's rows into the scratch database; returns what each hour has."""
    counts: HourCounts = {}
    for number, rows in enumerate(hours, start=1):
        audit_db.add_reported(_as_texts(row) for row in rows)
        for row in rows:
            hour = row[_DATES] + timedelta(hours=row[_HOURS])
            known_rows, known_events = counts.get(hour, (0, 0))
            counts[hour] = (known_rows + 1, known_events + sum(row[index] for index in _COUNTS))
        progress("hours in MySQL", number, 0)
    return counts


def take_companies(audit_db: AuditDatabase, pages: Iterable[list[Values]]) -> None:
    """Take the job dimension."""
    for page in pages:
        audit_db.add_companies(page)


def wrong_marks(counts: HourCounts, marks: Mapping[datetime, ReportMark]) -> Sample:
    """Hours of which report_hours tells other counts than the report has, or nothing at all."""
    wrong = []
    for hour in sorted(counts.keys() | marks.keys()):
        found = counts.get(hour, (0, 0))
        mark = marks.get(hour)
        told = (mark.row_count, mark.event_count) if mark else None
        if told != found:
            says = f"{told[0]} rows and {told[1]} events" if told else "nothing"
            wrong.append(f"{hour:%Y-%m-%d %H:%M}: report_hours tells {says}, found {found[0]} and {found[1]}")
    return Sample(len(wrong), tuple(wrong[:EXAMPLES]))


def _as_texts(row: Values) -> Values:
    """SQLite has no times; texts of the same form compare as times do."""
    values = list(row)
    values[_DATES] = row[_DATES].isoformat(sep=" ")
    values[_LATEST] = row[_LATEST].isoformat(sep=" ", timespec="milliseconds")
    return tuple(values)

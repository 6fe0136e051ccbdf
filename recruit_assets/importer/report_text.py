"""What an import found in a file, as lines of text."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from recruit_assets.importer.check import EXAMPLES, FileReport, HourCount
from recruit_assets.importer.rows import RefusedRow
from recruit_assets.runtime.times import from_ms
from recruit_assets.transforms.buckets import HOUR_MS

MAX_HOURS = 48
"""A file with more is shown by day."""
MAX_DAYS = 60


def report_lines(report: FileReport, *, place: str = "line") -> Iterator[str]:
    """The counts, the hours or days of the events, and the refused rows by reason; `place` is what numbers count."""
    yield f"rows: {report.rows:,}, events: {report.accepted:,}, refused: {report.refused.total():,}"
    if report.accepted:
        without_job = f", countable but for the missing job: {report.without_job:,}" if report.without_job else ""
        yield f"countable: {report.countable:,}{without_job}"
    if report.unknown:
        kept = ", ".join(f"{name} (rows: {count:,})" for name, count in report.unknown.most_common())
        yield f"kept as unknown fields: {kept}"
    yield from _times(report)
    yield from refused_lines(report.examples, report.refused, place=place)


def refused_lines(rows: Iterable[RefusedRow], counts: Counter[str], *, place: str = "line") -> Iterator[str]:
    """Each reason with its count and the first of these rows, the most frequent first."""
    examples: dict[str, list[RefusedRow]] = {}
    for row in rows:
        examples.setdefault(row.reason, []).append(row)
    for reason, count in counts.most_common():
        yield f"refused, {reason}: {count:,}"
        for row in examples[reason][:EXAMPLES]:
            yield f"  {place} {row.number}: {row.message}"


def _times(report: FileReport) -> Iterator[str]:
    hours = sorted(report.hours.items())
    if not hours:
        return
    if len(hours) <= MAX_HOURS:
        yield "hour (UTC)            rows   countable"
        yield from _rows([(f"{from_ms(hour):%Y-%m-%d %H:00}", count) for hour, count in hours])
        return
    days: dict[str, HourCount] = {}
    for hour, count in hours:
        day = days.setdefault(f"{from_ms(hour):%Y-%m-%d}      ", HourCount())
        day.rows += count.rows
        day.countable += count.countable
    yield f"{len(hours):,} hours with events, from {_hour(hours[0][0])} to {_hour(hours[-1][0] + HOUR_MS)} UTC"
    yield "day (UTC)             rows   countable"
    yield from _rows(list(days.items())[:MAX_DAYS])
    if len(days) > MAX_DAYS:
        yield f"... and {len(days) - MAX_DAYS:,} more days"


def _rows(counts: Sequence[tuple[str, HourCount]]) -> Iterator[str]:
    for name, count in counts:
        yield f"{name}{count.rows:>10,}{count.countable:>12,}"


def _hour(moment_ms: int) -> str:
    return f"{from_ms(moment_ms):%Y-%m-%d %H:%M}"

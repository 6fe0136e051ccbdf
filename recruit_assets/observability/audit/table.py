"""An audit's result as a table for the terminal, and as JSON."""

from dataclasses import asdict

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from recruit_assets.observability.audit.results import AuditResult, Span
from recruit_assets.runtime.foreign_text import printable

FILE_WIDTH = 140
"""Width of the table when the output is no terminal."""


def as_document(result: AuditResult) -> dict[str, object]:
    """The JSON output; scripts depend on its keys."""
    span = asdict(result.span)
    span["judged_from"] = span.pop("compared_from")
    span["rows_not_judged"] = span.pop("rows_not_compared")
    rules = [{**asdict(one), "ok": one.ok} for one in result.results]
    return {"exact": result.exact, "span": span, "findings": rules}


def show(result: AuditResult, console: Console) -> None:
    """Print the rules as a table, then examples of the differences, then what the audit covers."""
    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    table.add_column("rule", no_wrap=True)
    table.add_column("expected", justify="right", no_wrap=True)
    table.add_column("found", justify="right", no_wrap=True)
    table.add_column("result", no_wrap=True)
    table.add_column("what must hold")
    for one in result.results:
        outcome = "[green]ok[/]" if one.ok else f"[red]{_counted(one.differences, 'difference')}[/]"
        table.add_row(one.rule, f"{one.expected:,}", f"{one.found:,}", outcome, escape(one.promise))
    console.print(table)
    examples = [f"{one.rule}: {example}" for one in result.differences for example in one.examples]
    for line in [*examples, *_coverage(result.span)]:
        console.print(printable(line), markup=False, highlight=False, soft_wrap=True)
    broken = _counted(len(result.differences), "rule")
    console.print("[green]exact[/]" if result.exact else f"[red]not exact: {broken} broken[/]")


def _coverage(span: Span) -> list[str]:
    lines = [
        f"Covers {span.records:,} records of Kafka topic {span.topic}, received {span.first_received_at or 'never'} to "
        f"{span.last_received_at or 'never'} UTC (partition: offsets {', '.join(span.offsets) or 'none'})."
    ]
    if span.compared_from:
        lines.append(
            f"The topic has dropped older records: {span.rows_not_compared:,} rows without a record were not compared. "
            f"The comparison starts at (UTC): {span.compared_from}."
        )
    if span.foreign_records:
        lines.append(
            f"Not compared, because another program wrote them: {_counted(span.foreign_records, 'record')} of the dead "
            f"letter topic, such as {'; '.join(span.foreign_examples)}"
        )
    if span.days_not_compared:
        lines.append(
            f"Not compared, because an hour was replaced after them: {_counted(span.days_not_compared, 'day')} of the "
            "daily tables, which are made again within ten minutes."
        )
    if span.hours_from:
        lines.append(
            f"Hours before {span.hours_from} UTC are frozen (RECRUIT_RETENTION_DAYS) and were not compared: "
            "their events expire."
        )
    return lines


def _counted(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"

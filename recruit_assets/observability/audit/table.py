"""An audit's result as a table for a terminal, and as JSON."""

from dataclasses import asdict

from rich.box import SIMPLE_HEAD
from rich.console import Console, JustifyMethod
from rich.markup import escape
from rich.table import Table

from recruit_assets.observability.audit.results import AuditResult

FILE_WIDTH = 140
"""Of the table where nobody's terminal says how wide it is."""


def as_document(result: AuditResult) -> dict[str, object]:
    """The result as JSON has it."""
    findings = [{**asdict(finding), "ok": finding.ok} for finding in result.findings]
    return {"exact": result.exact, "span": asdict(result.span), "findings": findings}


def show(result: AuditResult, console: Console) -> None:
    """The findings as a table, then examples of what differs, then what the proof is about."""
    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    headings: tuple[tuple[str, JustifyMethod], ...] = (
        ("rule", "left"),
        ("expected", "right"),
        ("found", "right"),
        ("result", "left"),
    )
    for heading, justify in headings:
        table.add_column(heading, justify=justify, no_wrap=True)
    table.add_column("what must hold")
    for finding in result.findings:
        outcome = "[green]ok[/]" if finding.ok else f"[red]{_counted(finding.differences, 'difference')}[/]"
        table.add_row(finding.rule, f"{finding.expected:,}", f"{finding.found:,}", outcome, escape(finding.promise))
    console.print(table)
    for finding in result.differences:
        for example in finding.examples:
            console.print(f"{finding.rule}: {example}", markup=False, highlight=False, soft_wrap=True)
    span = result.span
    console.print(
        f"About {span.records:,} records in Kafka topic {span.topic}, received {span.first_received_at or 'never'} to "
        f"{span.last_received_at or 'never'} UTC (partition: offsets {', '.join(span.offsets) or 'none'}).",
        markup=False,
        highlight=False,
        soft_wrap=True,
    )
    if span.judged_from:
        console.print(
            f"The topic has dropped older records: rows without a record are judged from {span.judged_from} UTC on, "
            f"{span.rows_not_judged:,} older ones are taken as they are.",
            markup=False,
            highlight=False,
            soft_wrap=True,
        )
    verdict = (
        "[green]exact[/]" if result.exact else f"[red]not exact: {_counted(len(result.differences), 'rule')} broken[/]"
    )
    console.print(verdict)


def _counted(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"

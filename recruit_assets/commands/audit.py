"""`recruit-assets audit`: what was recounted, as a table or as JSON."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.box import SIMPLE_HEAD
from rich.console import Console, JustifyMethod
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from recruit_assets.settings import load_settings

if TYPE_CHECKING:
    from recruit_assets.audit import AuditResult
    from recruit_assets.audit.progress import Progress as Report

FILE_WIDTH = 140
"""Of the table where nobody's terminal says how wide it is."""


def audit(
    ledger: Annotated[
        Path | None, typer.Option(help="What the simulator says it sent: compare with that as well")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the findings as JSON")] = False,
) -> None:
    """Recount Kafka, Cassandra and MySQL, and compare: exit 0 only if every number is exact, 1 on any difference.

    Proves it for the records that Kafka still holds, and names that span. Nothing is changed
    in the stores; the verdict is kept in RECRUIT_STATE_DIR for the report page and Prometheus.
    """
    from recruit_assets.audit import run_audit
    from recruit_assets.audit.last import keep_last_audit

    settings = load_settings()
    with _progress() as progress:
        result = run_audit(settings, ledger=ledger, progress=progress)
    console = Console(width=None if sys.stdout.isatty() else FILE_WIDTH)
    if as_json:
        console.print_json(data=as_document(result))
    else:
        show(result, console)
    keep_last_audit(settings, result)
    raise typer.Exit(0 if result.exact else 1)


def as_document(result: "AuditResult") -> dict[str, object]:
    """The result as JSON has it."""
    from dataclasses import asdict

    findings = [{**asdict(finding), "ok": finding.ok} for finding in result.findings]
    return {"exact": result.exact, "span": asdict(result.span), "findings": findings}


def show(result: "AuditResult", console: Console) -> None:
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


@contextmanager
def _progress() -> "Iterator[Report]":
    """A bar per thing that is read, while somebody watches."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    console = Console(stderr=True)
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bars:
        tasks: dict[str, int] = {}

        def report(step: str, done: int, total: int) -> None:
            if step not in tasks:
                tasks[step] = bars.add_task(step, total=None)
            bars.update(tasks[step], completed=done, total=total or None)  # type: ignore[arg-type]  # rich's TaskID

        yield report


def _counted(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"

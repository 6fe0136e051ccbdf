"""`recruit-assets audit`: what was recounted, as a table or as JSON."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from recruit_assets.runtime.settings import load_settings

if TYPE_CHECKING:
    from recruit_assets.observability.audit.results import Progress as Report


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
    from recruit_assets.observability.audit import run_audit
    from recruit_assets.observability.audit.last_result import keep_last_audit
    from recruit_assets.observability.audit.table import FILE_WIDTH, as_document, show

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

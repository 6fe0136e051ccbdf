"""`recruit-assets audit`: prints the result as a table or as JSON."""

import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from recruit_assets.cli.progress import progress_bars
from recruit_assets.runtime.settings import load_settings


def audit(
    ledger: Annotated[Path | None, typer.Option(help="Also compare with this ledger of the simulator")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the results as JSON")] = False,
) -> None:
    """Recount Kafka, Cassandra and MySQL and compare: exit code 0 only if every number is exact, 1 otherwise.

    The audit covers the records that Kafka still has, and prints their range. It changes nothing in the stores; the
    result is also written to RECRUIT_STATE_DIR, for the report page and Prometheus.
    """
    from recruit_assets.observability.audit import run_audit
    from recruit_assets.observability.audit.last_result import keep_last_audit
    from recruit_assets.observability.audit.table import FILE_WIDTH, as_document, show

    settings = load_settings()
    with progress_bars() as progress:
        result = run_audit(settings, ledger=ledger, progress=progress)
    console = Console(width=None if sys.stdout.isatty() else FILE_WIDTH)
    if as_json:
        console.print_json(data=as_document(result))
    else:
        show(result, console)
    keep_last_audit(settings, result)
    raise typer.Exit(0 if result.exact else 1)

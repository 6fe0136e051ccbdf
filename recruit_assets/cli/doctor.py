"""`recruit-assets doctor`: prints what is wrong with this installation as a table or as JSON."""

from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from recruit_assets.runtime.echo import console
from recruit_assets.runtime.errors import UserError
from recruit_assets.runtime.settings import load_settings

if TYPE_CHECKING:  # it imports Dagster and the clients of all stores
    from recruit_assets.observability.doctor import Finding


def doctor(
    as_json: Annotated[bool, typer.Option("--json", help="Print the findings as JSON")] = False,
) -> None:
    """Look for what is wrong: machine, settings, stores, topics, schema, clocks, lag, pending hours, daemon, versions.

    A line for each check says what was found and what to do. Exit code 1 if anything is wrong, 0 otherwise. It changes
    nothing, and ends within half a minute even if a store hangs. docs/troubleshooting.md has more.
    """
    from recruit_assets.observability.doctor import all_is_well
    from recruit_assets.observability.doctor.table import as_document, show

    with console.status("looking at everything"):  # only shown on a terminal
        findings = _findings()
    output = Console()
    if as_json:
        output.print_json(data=as_document(findings))
    else:
        show(findings, output)
    raise typer.Exit(0 if all_is_well(findings) else 1)


def _findings() -> "list[Finding]":
    from recruit_assets.local.engine_checks import local_engines
    from recruit_assets.observability.doctor import examine, findings_without_settings, subjects

    try:
        settings = load_settings()
    except UserError as error:
        return findings_without_settings(error)
    # not before: the code location can't be imported with an invalid setting
    from recruit_assets.defs.checks import CHECK_KEYS
    from recruit_assets.defs.jobs import delete_old_runs, lineage_job

    jobs = (lineage_job.name, delete_old_runs.name)  # the sensor tries the hours of hours_job again
    return examine([*subjects(settings, jobs=jobs, checks=CHECK_KEYS), local_engines(settings)])

"""The console script `recruit-assets`: its commands, and how each kind of error ends the process.

Exit codes: 0 success, 1 the work failed or found a difference, 2 an invalid setting, argument or prerequisite, 130 a
signal ended it (SIGINT, SIGTERM or SIGHUP).
"""

import os
import sys
import warnings
from errno import ENOSPC, EPIPE
from typing import Annotated, NoReturn

import typer

from recruit_assets import __version__
from recruit_assets.cli import (
    accounts,
    audit,
    backup,
    collect,
    dead_letters,
    demo,
    docker_proxy,
    doctor,
    engines,
    import_file,
    ingest,
    materialize,
    metrics,
    privacy,
    report,
    restore,
    schema,
    simulate,
    up,
    webserver,
)
from recruit_assets.runtime.echo import console
from recruit_assets.runtime.environment import prepare_process
from recruit_assets.runtime.errors import RecruitError, UserError
from recruit_assets.runtime.foreign_text import printable
from recruit_assets.runtime.logs import configure_logs
from recruit_assets.runtime.signals import INTERRUPTED, interrupt_on_signals

app = typer.Typer(
    no_args_is_help=True,
    pretty_exceptions_enable=False,  # they show local variables, which may be secrets
    help="Recruitment-site events from Kafka to an hourly report in MySQL. Is something wrong? `doctor` says what.",
)
app.add_typer(engines.app, name="engines")
app.add_typer(schema.app, name="schema")
app.add_typer(accounts.app, name="accounts")
app.add_typer(dead_letters.app, name="dead-letters")
app.add_typer(privacy.app, name="privacy")
app.command()(simulate.simulate)
app.command("import")(import_file.import_events)
app.command("import-jobs")(import_file.import_jobs)
app.command("import-budgets")(import_file.import_budgets)
app.command()(collect.collect)
app.command()(ingest.ingest)
app.command()(materialize.materialize)
app.command()(audit.audit)
app.command()(backup.backup)
app.command()(restore.restore)
app.command()(report.report)
app.command()(metrics.metrics)
app.command()(doctor.doctor)
app.command()(demo.demo)
app.command()(up.up)
app.command()(webserver.webserver)
app.command()(docker_proxy.docker_proxy)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"recruit-assets {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and end.")
    ] = False,
) -> None:
    """What may stand before the command."""


def main() -> None:
    """Run the command. The platform's own errors are one line on stderr, without a traceback."""
    # Dagster warns at every start that these parameters, which ranges of hours and today's date need, are in beta
    for parameter in ("backfill_policy", "allow_nonexistent_upstream_partitions"):
        warnings.filterwarnings("ignore", message=f"Parameter `{parameter}`")
    try:
        prepare_process()
        configure_logs()
        with interrupt_on_signals():
            app()
    except RecruitError as error:
        _end(str(error), exit_code=2 if isinstance(error, UserError) else 1)
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)
    except OSError as error:
        if error.filename is None:
            if error.errno not in (EPIPE, ENOSPC):
                raise
            # the reader of our output has gone (`| head`), or its disk is full: Python would fail again at exit
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        if error.errno == EPIPE:
            sys.exit(1)
        # a file that only its owner can set right
        _end(f"{error.filename or 'standard output'}: {error.strerror}", exit_code=2)


def _end(message: str, *, exit_code: int) -> NoReturn:
    console.print(printable(message, keep="\n"), style="red", markup=False, highlight=False)
    sys.exit(exit_code)

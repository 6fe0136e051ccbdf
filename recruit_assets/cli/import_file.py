"""`recruit-assets import`, `import-jobs` and `import-budgets`: events, the job dimension and budgets from files."""

from collections import Counter
from collections.abc import Callable, Collection
from functools import partial
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Annotated

import typer

from recruit_assets.cli.progress import progress_bars
from recruit_assets.importer.source import Format, source_of
from recruit_assets.runtime.echo import echo
from recruit_assets.runtime.foreign_text import printable
from recruit_assets.runtime.settings import Settings, load_settings
from recruit_assets.runtime.signals import INTERRUPTED

if TYPE_CHECKING:  # they import the clients of Kafka and MySQL
    from recruit_assets.importer.jobs import JobsFile
    from recruit_assets.importer.load import ImportResult
    from recruit_assets.importer.rows import RefusedRow
    from recruit_assets.stores.mysql.connection import ReportDatabase

File = Annotated[Path, typer.Argument(exists=True, dir_okay=False, readable=True, metavar="FILE")]
Map = Annotated[
    list[str] | None,
    typer.Option("--map", metavar="COLUMN=FIELD", help="The field that a column is; COLUMN= leaves it out; repeatable"),
]
FileFormat = Annotated[
    Format | None, typer.Option("--format", help="[default: by the suffix .csv, .tsv, .jsonl, .ndjson or .parquet]")
]
Delimiter = Annotated[str | None, typer.Option(help="What separates the cells of CSV  [default: , or in .tsv a tab]")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Only report what is in the file; write nothing")]


def import_events(
    file: File,
    map: Map = None,
    format: FileFormat = None,
    delimiter: Delimiter = None,
    key: Annotated[
        str, typer.Option(metavar="COLUMN", help="The column that identifies a row which has no create_time")
    ] = "",
    dry_run: DryRun = False,
    skip_refused: Annotated[
        bool, typer.Option("--skip-refused", help="Send the other rows; write the refused ones to FILE.rejected.jsonl")
    ] = False,
    again: Annotated[bool, typer.Option("--again", help="Send a file that was imported before once more")] = False,
) -> None:
    """Send the events of a CSV, JSON lines or Parquet file to Kafka; .csv.gz and .jsonl.gz too.

    Every row is read first, by the rules of ingest. If one is refused, nothing is sent and the exit code is 1. After an
    interruption, the same command goes on. docs/import.md has the way from a CSV file to the report.
    """
    from recruit_assets.importer.load import open_importer
    from recruit_assets.importer.report_text import report_lines
    from recruit_assets.stores.schema import apply_schema

    settings = load_settings()
    source = source_of(file, format=format, columns=map or (), delimiter=delimiter, max_bytes=settings.max_event_bytes)
    with progress_bars() as bars:
        importer = open_importer(settings, source, key=key, progress=bars)
        if dry_run:
            result, report = None, importer.dry_run()
        else:
            apply_schema(settings)
            started_s = perf_counter()
            result = importer.run(again=again, skip_refused=skip_refused)
            report, elapsed_s = result.report, perf_counter() - started_s
    for line in report_lines(report, place=source.place):
        typer.echo(printable(line))
    if report.refused and (result is None or not skip_refused):
        echo("nothing was sent: correct these rows, or send the others with --skip-refused")
        raise typer.Exit(1)
    if result:
        _show_sent(result, elapsed_s)
        raise typer.Exit(0 if result.is_finished else INTERRUPTED)


def import_jobs(
    file: File,
    map: Map = None,
    format: FileFormat = None,
    delimiter: Delimiter = None,
    dry_run: DryRun = False,
) -> None:
    """Insert or update jobs from a file with the columns id, company_id, group_id, campaign_id, title, end_date.

    All rows are stored in one transaction, or none if a row is refused; then the exit code is 1. Columns that the file
    lacks and jobs that it doesn't name stay as they are. The report's companies follow within a minute.
    """
    from recruit_assets.importer.jobs import read_jobs
    from recruit_assets.stores.mysql.dimensions import load_jobs

    settings = load_settings()
    source = source_of(file, format=format, columns=map or (), delimiter=delimiter, max_bytes=settings.max_event_bytes)
    found = read_jobs(source)
    _show_jobs(found, place=source.place)
    load = partial(load_jobs, rows=found.jobs, columns=found.columns)
    _store(settings, found.refused, load, stored=f"jobs stored: {len(found.jobs):,}", dry_run=dry_run)


def import_budgets(
    file: File,
    map: Map = None,
    format: FileFormat = None,
    delimiter: Delimiter = None,
    dry_run: DryRun = False,
) -> None:
    """Insert or update budgets from a file with the columns scope (campaign or job), id, month and amount.

    A month is written as 2026-11 and is one of UTC. All rows are stored in one transaction, or none if a row is
    refused; then the exit code is 1. Budgets that the file doesn't name stay as they are.
    """
    from recruit_assets.importer.budgets import read_budgets
    from recruit_assets.stores.mysql.budgets import load_budgets

    settings = load_settings()
    source = source_of(file, format=format, columns=map or (), delimiter=delimiter, max_bytes=settings.max_event_bytes)
    found = read_budgets(source)
    typer.echo(f"budgets: {len(found.budgets):,}")
    _show_refused(found.refused, place=source.place)
    load = partial(load_budgets, budgets=found.budgets)
    _store(settings, found.refused, load, stored=f"budgets stored: {len(found.budgets):,}", dry_run=dry_run)


def _store(
    settings: Settings,
    refused: "Collection[RefusedRow]",
    load: "Callable[[ReportDatabase], object]",
    *,
    stored: str,
    dry_run: bool,
) -> None:
    """Load everything into the report database and say so; nothing, and exit code 1, if a row is refused."""
    from recruit_assets.stores.mysql.connection import open_report_database
    from recruit_assets.stores.schema import apply_schema

    if refused:
        echo("nothing was stored: correct these rows")
        raise typer.Exit(1)
    if dry_run:
        return
    apply_schema(settings)
    with open_report_database(settings) as database:
        load(database)
    echo(stored)


def _show_sent(result: "ImportResult", elapsed_s: float) -> None:
    before = f"; rows done before: {result.skipped:,}" if result.skipped else ""
    echo(f"events sent: {result.sent:,}, in {elapsed_s:.1f} s{before}")
    if result.rejected:
        echo(f"refused rows: {result.report.refused.total():,}, in {result.rejected}; correct and import that file")
    if result.is_finished:
        echo("they are in the report soon if `recruit-assets up` is running, or after `recruit-assets materialize`")
    else:
        echo("interrupted: the same command sends the rest")


def _show_jobs(found: "JobsFile", *, place: str) -> None:
    typer.echo(f"jobs: {len(found.jobs):,}, with {', '.join(sorted(found.columns)) or 'no column'}")
    if found.unknown:
        typer.echo(printable(f"left out, since the dimension has no such columns: {', '.join(sorted(found.unknown))}"))
    _show_refused(found.refused, place=place)


def _show_refused(refused: "Collection[RefusedRow]", *, place: str) -> None:
    from recruit_assets.importer.report_text import refused_lines

    for line in refused_lines(refused, Counter(row.reason for row in refused), place=place):
        typer.echo(printable(line))

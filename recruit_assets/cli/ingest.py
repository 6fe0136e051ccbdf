"""`recruit-assets ingest`: the ingest service, or one pass until caught up."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from recruit_assets.runtime.settings import load_settings

INTERRUPTED = 130
"""Exit code where a signal came before ingest had caught up, as after Ctrl-C in any shell."""


def ingest(
    until_caught_up: bool = typer.Option(
        False, "--until-caught-up", help="End when the offsets that were last at the start are committed"
    ),
) -> None:
    """Move events from Kafka to Cassandra, for ever; SIGTERM or Ctrl-C finishes what is in flight.

    RECRUIT_INGEST_PROCESSES says how many members of the consumer group it runs.
    """
    from recruit_assets.ingest.processes import serve_processes
    from recruit_assets.ingest.service import drain, serve
    from recruit_assets.runtime.signals import stop_on_signals
    from recruit_assets.stores.schema import apply_schema

    settings, stop = load_settings(), stop_on_signals()
    apply_schema(settings)
    run = serve_processes if settings.ingest_processes > 1 else serve
    console = Console(stderr=True)
    if until_caught_up:
        with _progress(console) as progress:
            result = drain(settings, should_stop=stop.is_set, run=run, progress=progress)
    else:
        result = run(settings, should_stop=stop.is_set)
    refused = ", ".join(f"{count:,} {reason}" for reason, count in result.dead_letters.items()) or "none"
    console.print(
        f"{result.records:,} records in {result.seconds:.1f} s: {result.events:,} events in {len(result.hours)} hours; "
        f"dead letters: {refused}"
    )
    if until_caught_up and stop.is_set():
        raise typer.Exit(INTERRUPTED)


@contextmanager
def _progress(console: Console) -> Iterator[Callable[[int, int], None]]:
    """A bar when a person watches, nothing otherwise."""
    columns = (TextColumn("ingest"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, disable=not console.is_terminal) as bar:
        task = bar.add_task("ingest", total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)

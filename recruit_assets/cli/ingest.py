"""`recruit-assets ingest`: the ingest service, or one pass until caught up."""

from functools import partial

import typer

from recruit_assets.cli.progress import progress_bars
from recruit_assets.runtime.echo import echo
from recruit_assets.runtime.settings import load_settings
from recruit_assets.runtime.signals import INTERRUPTED, stop_on_signals


def ingest(
    until_caught_up: bool = typer.Option(
        False, "--until-caught-up", help="End when everything that was in the topic at the start is committed"
    ),
) -> None:
    """Move events from Kafka to Cassandra until SIGTERM or Ctrl-C, which let it finish what is in flight.

    It runs RECRUIT_INGEST_PROCESSES members of the consumer group.
    """
    from recruit_assets.ingest.processes import service_of
    from recruit_assets.ingest.service import drain
    from recruit_assets.stores.schema import apply_schema

    settings = load_settings()
    run = service_of(settings)
    apply_schema(settings)
    with stop_on_signals() as stop:
        if until_caught_up:
            with progress_bars() as progress:
                result = drain(settings, should_stop=stop.is_set, run=run, progress=partial(progress, "ingest"))
        else:
            result = run(settings, should_stop=stop.is_set)
    dead_letters = ", ".join(f"{count:,} {reason}" for reason, count in result.dead_letters.items()) or "none"
    echo(
        f"{result.records:,} records in {result.seconds:.1f} s: {result.events:,} events in {len(result.hours)} hours; "
        f"dead letters: {dead_letters}"
    )
    if until_caught_up and stop.is_set():
        raise typer.Exit(INTERRUPTED)

"""`recruit-assets ingest`: the ingest service, or one pass until caught up."""

import signal
from threading import Event

import typer
from rich.console import Console

from recruit_assets.settings import load_settings


def ingest(
    until_caught_up: bool = typer.Option(
        False, "--until-caught-up", help="End when the offsets that were last at the start are committed"
    ),
) -> None:
    """Move events from Kafka to Cassandra, for ever; SIGTERM or Ctrl-C finishes what is in flight.

    RECRUIT_INGEST_PROCESSES says how many members of the consumer group it runs.
    """
    from recruit_assets.ingest.service import drain, serve, serve_processes
    from recruit_assets.stores.schema import apply_schema

    settings, stop = load_settings(), Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    apply_schema(settings)
    if until_caught_up:
        result = drain(settings, stop=stop)
        dead = sum(result.dead_letters.values())
        Console(stderr=True).print(
            f"{result.records} records: {result.events} events in {len(result.hours)} hours, {dead} dead letters, "
            f"{result.seconds:.1f} s"
        )
    elif settings.ingest_processes > 1:
        serve_processes(settings, stop=stop)
    else:
        serve(settings, stop=stop)

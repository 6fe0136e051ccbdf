"""What one event costs each engine, in processor time and on the disk: the figures that docs/scaling.md reckons with.

`python -m benchmarks.event_cost`. Processor time is what the kernel counts for each process, so that what else the
machine does isn't in it. Not here: rates, and who waits for whom (`suite`).
"""

from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from benchmarks.arena import Arena, open_arena
from benchmarks.command import run_command
from benchmarks.console import console, echo
from benchmarks.histories import flat_events
from benchmarks.ingest import PROCESSES
from benchmarks.processors import spent
from recruit_assets.contract.tables import RAW_EVENTS
from recruit_assets.local.engines.engine import EngineName
from recruit_assets.runtime.logs import configure_logs
from recruit_assets.runtime.settings import Settings
from recruit_assets.simulator.publish import simulate_to_kafka

WARMING = 200_000
OURS = "the command"
BLOCK = 512
"""Bytes of st_blocks' unit (stat(2))."""


def main(
    events: Annotated[int, typer.Option(min=1000, help="Of one hour")] = 1_000_000,
    state_dir: Annotated[Path, typer.Option(help="Of the engines, emptied first")] = Path(".recruit/bench"),
) -> None:
    """Send an hour of events, ingest and report it, and divide what that took by their number."""
    configure_logs()
    with open_arena(state_dir.resolve(), echo) as arena:
        with arena.names("warm") as settings:  # engines that were just started spend more on compiling themselves
            _processor_time(arena, settings, WARMING)
        with arena.names("cost", ingest_processes=PROCESSES) as settings:
            seconds = _processor_time(arena, settings, events)
            size = _bytes(arena, settings)
    table = Table("what one event costs", f"mean of {events:,}", box=None)
    for what, used in size.items():
        table.add_row(what, f"{used / events:.0f} bytes")
    for what, cost_s in seconds.items():
        table.add_row(what, f"{cost_s / events * 1e6:.0f} µs")
    console.print(table)


def _processor_time(arena: Arena, settings: Settings, events: int) -> dict[str, float]:
    """Seconds of each engine for an hour with so many events."""
    with spent(arena, others=OURS) as sending:
        simulate_to_kafka(settings, flat_events(events, hours=1))
    with spent(arena, others=OURS) as ingesting:
        run_command(settings, "ingest", "--until-caught-up")
    with spent(arena, others=OURS) as reporting:
        run_command(settings, "materialize")
    return {
        "ingest": ingesting[OURS],
        "Kafka, to take and to give it": sending[EngineName.KAFKA] + ingesting[EngineName.KAFKA],
        "Cassandra, to write one replica": ingesting[EngineName.CASSANDRA],
        "Spark, from raw event to report": reporting[EngineName.SPARK],
        "Cassandra meanwhile": reporting[EngineName.CASSANDRA],
    }


def _bytes(arena: Arena, settings: Settings) -> dict[str, int]:
    """What was stored; Cassandra is restarted, since it writes what lies in memory when it stops."""
    arena.engines.stop_one(EngineName.CASSANDRA, echo)
    of_table = f"**/{settings.cassandra_keyspace}/{RAW_EVENTS.name}-*"
    found = {
        "in Kafka's log": _stored(arena, EngineName.KAFKA, f"{settings.kafka_topic}-*"),
        "in raw_events on disk": _stored(arena, EngineName.CASSANDRA, of_table),
    }
    arena.engines.start_one(EngineName.CASSANDRA, echo)
    return found


def _stored(arena: Arena, engine: EngineName, folders: str) -> int:
    """Bytes that the files in the engine's folders of this name take; Kafka's indexes are mostly holes."""
    found = (arena.state_dir / "engines" / engine / "data").glob(folders)
    return sum(file.stat().st_blocks * BLOCK for folder in found for file in folder.rglob("*") if file.is_file())


if __name__ == "__main__":
    typer.run(main)

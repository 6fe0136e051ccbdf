"""CPU time and disk space that one event costs in each engine: the numbers that docs/scaling.md calculates with.

`python -m benchmarks.event_cost`. CPU time is what the kernel counts for each process, so other load on the machine
doesn't count.
"""

from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from benchmarks.command import run_command
from benchmarks.console import console, echo
from benchmarks.engines import BenchmarkEngines, started_engines
from benchmarks.histories import flat_events
from benchmarks.ingest import PROCESSES
from benchmarks.processors import processor_seconds
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
    events: Annotated[int, typer.Option(min=1000, help="Number of events, all in one hour")] = 1_000_000,
    state_dir: Annotated[Path, typer.Option(help="State directory of the engines; emptied first")] = Path(
        ".recruit/bench"
    ),
) -> None:
    """Send an hour of events, ingest and report it, and divide the cost by the number of events."""
    configure_logs()
    with started_engines(state_dir.resolve(), echo) as engines:
        with engines.fresh_names("warm") as settings:  # JVMs that have just started use CPU time to compile
            _processor_time(engines, settings, WARMING)
        with engines.fresh_names("cost", ingest_processes=PROCESSES) as settings:
            seconds = _processor_time(engines, settings, events)
            size = _bytes(engines, settings)
    table = Table("what one event costs", f"mean of {events:,}", box=None)
    for what, used in size.items():
        table.add_row(what, f"{used / events:.0f} bytes")
    for what, cost_s in seconds.items():
        table.add_row(what, f"{cost_s / events * 1e6:.0f} µs")
    console.print(table)


def _processor_time(engines: BenchmarkEngines, settings: Settings, events: int) -> dict[str, float]:
    """CPU seconds of each engine for an hour with this many events."""
    with processor_seconds(engines, others=OURS) as sending:
        simulate_to_kafka(settings, flat_events(events, hours=1))
    with processor_seconds(engines, others=OURS) as ingesting:
        run_command(settings, "ingest", "--until-caught-up")
    with processor_seconds(engines, others=OURS) as reporting:
        run_command(settings, "materialize")
    return {
        "ingest": ingesting[OURS],
        "Kafka, to receive and deliver it": sending[EngineName.KAFKA] + ingesting[EngineName.KAFKA],
        "Cassandra, to write one replica": ingesting[EngineName.CASSANDRA],
        "Spark, from raw event to report": reporting[EngineName.SPARK],
        "Cassandra, to serve Spark": reporting[EngineName.CASSANDRA],
    }


def _bytes(engines: BenchmarkEngines, settings: Settings) -> dict[str, int]:
    """Bytes on disk. Cassandra is restarted: it flushes its memory to disk when it stops."""
    engines.local.stop_one(EngineName.CASSANDRA, echo)
    of_table = f"**/{settings.cassandra_keyspace}/{RAW_EVENTS.name}-*"
    found = {
        "in Kafka's log": _stored(engines, EngineName.KAFKA, f"{settings.kafka_topic}-*"),
        "in raw_events on disk": _stored(engines, EngineName.CASSANDRA, of_table),
    }
    engines.local.start_one(EngineName.CASSANDRA, echo)
    return found


def _stored(engines: BenchmarkEngines, engine: EngineName, folders: str) -> int:
    """Disk space of the engine's folders with this name, in blocks: Kafka's index files are sparse."""
    found = (engines.state_dir / "engines" / engine / "data").glob(folders)
    return sum(file.stat().st_blocks * BLOCK for folder in found for file in folder.rglob("*") if file.is_file())


if __name__ == "__main__":
    typer.run(main)

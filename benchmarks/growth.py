"""What ten million events do to the platform: the rate of ingest, a sensor's look, an hour's report, and memory.

`python -m benchmarks.growth --events 10000000` sends the events in equal steps, each a day of its own, ingests a step,
and then measures; a line that stays flat is the promise. Not here: the short figures (`suite`), the page (`document`).
"""

import statistics
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated

import typer

from benchmarks.arena import Arena, open_arena
from benchmarks.console import echo
from benchmarks.document import write_document
from benchmarks.ingest import PROCESSES, seconds_of
from benchmarks.memory import MIB, peak_mib
from benchmarks.report_hour import ReportStores, report_stores
from benchmarks.results import GROWTH, commit, machine, now, versions, write_json
from benchmarks.sensor_growth import Sensor, sensor
from recruit_assets.runtime.logs import configure_logs
from recruit_assets.runtime.settings import Settings
from recruit_assets.simulator.publish import simulate_to_kafka
from recruit_assets.simulator.spec import SimulationSpec

FIRST_DAY = datetime(2026, 1, 5, tzinfo=UTC)
REPORTED_HOUR = timedelta(hours=10)
"""Of the step's day: one of the busiest."""
LOOKS = 15
REPORTS = 3


@dataclass(frozen=True, slots=True)
class Step:
    """What was measured with so many events of history; ingest's memory is its peak in the step, others' that after."""

    events: int
    ingest_events_per_s: float
    look_ms: float
    report_s: float
    memory_mib: dict[str, int]


def main(
    events: Annotated[int, typer.Option(min=1000, help="Of the whole history")] = 10_000_000,
    steps: Annotated[int, typer.Option(min=1, help="Equal parts of it, each a day of event time")] = 10,
    state_dir: Annotated[Path, typer.Option(help="Of the engines, emptied first")] = Path(".recruit/bench"),
) -> None:
    """Load, measure after each step, and write `results/growth.json` and `docs/benchmarks.md`."""
    configure_logs()
    with open_arena(state_dir.resolve(), echo) as arena, arena.names("growth", ingest_processes=PROCESSES) as settings:
        started = time.perf_counter()
        found = list(grown(arena, settings, size=events // steps, steps=steps))
        minutes = (time.perf_counter() - started) / 60
    write_json(
        GROWTH,
        {
            "machine": machine(),
            "versions": versions(),
            "measured_at": now(),
            "commit": commit(),
            "minutes": round(minutes, 1),
            "steps": [asdict(step) for step in found],
        },
    )
    write_document()


def grown(arena: Arena, settings: Settings, *, size: int, steps: int) -> Iterator[Step]:
    """The steps, each measured when it is in Cassandra."""
    with report_stores(settings) as stores, sensor(settings) as watch:
        for number in range(steps):
            day = FIRST_DAY + timedelta(days=number)
            spec = SimulationSpec(events=size, seed=number, start=day, end=day + timedelta(days=1))
            simulate_to_kafka(settings, spec)
            started = time.perf_counter()
            memory = {"ingest": peak_mib(["ingest", "--until-caught-up"], settings)}
            rate = size / (time.perf_counter() - started)
            report_s, look_ms = reported_s(stores, day + REPORTED_HOUR), looked_ms(watch)
            memory |= {status.name.value: (status.rss_bytes or 0) // MIB for status in arena.engines.status()}
            step = Step((number + 1) * size, rate, look_ms, report_s, memory)
            echo(str(step))
            yield step


def reported_s(stores: ReportStores, hour: datetime) -> float:
    """Seconds of replacing one hour, from T to MySQL's commit; the median after a first time."""
    stores.replace(hour)
    return statistics.median(seconds_of(lambda: stores.replace(hour)) for _ in range(REPORTS))


def looked_ms(watch: Sensor) -> float:
    """Milliseconds of the sensor's look that finds nothing; the median after a first time."""
    watch.look_ms()
    return statistics.median(watch.look_ms() for _ in range(LOOKS))


if __name__ == "__main__":
    typer.run(main)

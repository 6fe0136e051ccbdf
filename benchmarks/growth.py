"""How the platform behaves up to ten million events: rate of ingest, an idle sensor tick, an hour's report, and memory.

`python -m benchmarks.growth --events 10000000` sends the events in equal steps, each a day of event time, ingests each
step and then measures. The values should not grow with the history.
"""

import statistics
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated

import typer

from benchmarks.console import echo
from benchmarks.document import write_document
from benchmarks.engines import BenchmarkEngines, started_engines
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
"""Time of the step's day: one of its busiest hours."""
EVALUATIONS = 15
REPORTS = 3


@dataclass(frozen=True, slots=True)
class Step:
    """Measurements with this many events of history. Ingest's memory is its peak, the engines' that after the step."""

    events: int
    ingest_events_per_s: float
    evaluation_ms: float
    report_s: float
    memory_mib: dict[str, int]


def main(
    events: Annotated[int, typer.Option(min=1000, help="Events of the whole history")] = 10_000_000,
    steps: Annotated[int, typer.Option(min=1, help="Equal parts of the history, each a day of event time")] = 10,
    state_dir: Annotated[Path, typer.Option(help="State directory of the engines; emptied first")] = Path(
        ".recruit/bench"
    ),
) -> None:
    """Load, measure after each step, and write `results/growth.json` and `docs/benchmarks.md`."""
    configure_logs()
    with (
        started_engines(state_dir.resolve(), echo) as engines,
        engines.fresh_names("growth", ingest_processes=PROCESSES) as settings,
    ):
        started = time.perf_counter()
        found = list(grown(engines, settings, size=events // steps, steps=steps))
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


def grown(engines: BenchmarkEngines, settings: Settings, *, size: int, steps: int) -> Iterator[Step]:
    """The steps, each measured once its events are in Cassandra."""
    with report_stores(settings) as stores, sensor(settings) as watch:
        for number in range(steps):
            day = FIRST_DAY + timedelta(days=number)
            spec = SimulationSpec(events=size, seed=number, start=day, end=day + timedelta(days=1))
            simulate_to_kafka(settings, spec)
            started = time.perf_counter()
            memory = {"ingest": peak_mib(["ingest", "--until-caught-up"], settings)}
            rate = size / (time.perf_counter() - started)
            report_s, evaluation_ms = reported_s(stores, day + REPORTED_HOUR), evaluated_ms(watch)
            memory |= {status.name.value: (status.rss_bytes or 0) // MIB for status in engines.local.status()}
            step = Step((number + 1) * size, rate, evaluation_ms, report_s, memory)
            echo(str(step))
            yield step


def reported_s(stores: ReportStores, hour: datetime) -> float:
    """Seconds to replace one hour, from the write timestamp to MySQL's commit; the median after a warm-up."""
    stores.replace(hour)
    return statistics.median(seconds_of(lambda: stores.replace(hour)) for _ in range(REPORTS))


def evaluated_ms(watch: Sensor) -> float:
    """Milliseconds of an idle evaluation of the sensor; the median after a warm-up."""
    watch.evaluation_ms()
    return statistics.median(watch.evaluation_ms() for _ in range(EVALUATIONS))


if __name__ == "__main__":
    typer.run(main)

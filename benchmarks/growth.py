"""What ten million events do to the platform: the rate of ingest, a sensor's tick, an hour's report, and memory.

`python -m benchmarks.growth --events 10000000` sends the events in equal steps, each a day of its own, ingests a step,
and then measures; a line that stays flat is the promise. Not here: the short figures (`suite`).
"""

import os
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated

import dagster as dg
import psutil
import typer
from rich.console import Console

from benchmarks.arena import Arena, open_arena
from benchmarks.document import write_document
from benchmarks.results import GROWTH, commit, machine, now, versions, write_json
from recruit_assets.definitions import build_defs
from recruit_assets.instance import HOME_VARIABLE, open_instance
from recruit_assets.jobs import hours_job
from recruit_assets.materialize import QUIET_LOGS
from recruit_assets.pending import HourRange
from recruit_assets.resources import CassandraResource, MySqlResource
from recruit_assets.runs import range_tags
from recruit_assets.sensors.cdc import cassandra_cdc_sensor
from recruit_assets.settings import Settings, as_environment, export
from recruit_assets.simulator.publish import simulate_to_kafka
from recruit_assets.simulator.spec import SimulationSpec
from recruit_assets.stores.mysql import open_report_database

FIRST_DAY = datetime(2026, 1, 5, tzinfo=UTC)
REPORTED_HOUR = timedelta(hours=10)
"""Of the step's day: one of the busiest."""
TICKS = 15
REPORTS = 3
SAMPLE_S = 0.25
MIB = 2**20
INGEST = "ingest"

console = Console(width=120)


@dataclass(frozen=True, slots=True)
class Step:
    """What was measured with so many events of history; memory is each process's greatest so far in the step."""

    events: int
    ingest_events_per_s: float
    tick_ms: float
    report_s: float
    memory_mib: dict[str, int]


def main(
    events: Annotated[int, typer.Option(min=1000, help="Of the whole history")] = 10_000_000,
    steps: Annotated[int, typer.Option(min=1, help="Equal parts of it, each a day of event time")] = 10,
    state_dir: Annotated[Path, typer.Option(help="Of the engines, emptied first")] = Path(".recruit/bench"),
) -> None:
    """Load, measure after each step, and write `results/growth.json` and `docs/benchmarks.md`."""
    with open_arena(state_dir.resolve(), _say) as arena, arena.names("growth") as settings:
        export(settings)
        os.environ.pop(HOME_VARIABLE, None)  # Dagster's storage lies in the state directory too
        found = list(grown(arena, settings, size=events // steps, steps=steps))
    write_json(
        GROWTH,
        {
            "machine": machine(),
            "versions": versions(),
            "measured_at": now(),
            "commit": commit(),
            "steps": [asdict(step) for step in found],
        },
    )
    write_document()


def grown(arena: Arena, settings: Settings, *, size: int, steps: int) -> Iterator[Step]:
    """The steps, each measured when it is in Cassandra."""
    with open_instance(settings) as instance:
        for number in range(steps):
            day = FIRST_DAY + timedelta(days=number)
            spec = SimulationSpec(events=size, seed=number, start=day, end=day + timedelta(days=1))
            simulate_to_kafka(settings, spec)
            with memory(arena) as peaks:
                ingest_s = ingested_s(settings, peaks)
                report_s = statistics.median(
                    reported_s(settings, instance, day + REPORTED_HOUR) for _ in range(REPORTS)
                )
                tick_ms = ticked_ms(settings, instance)
            step = Step((number + 1) * size, size / ingest_s, tick_ms, report_s, dict(peaks))
            _say(str(step))
            yield step


def ingested_s(settings: Settings, peaks: dict[str, int]) -> float:
    """Seconds of `recruit-assets ingest --until-caught-up` over one step, its start included."""
    command = [sys.executable, "-c", "from recruit_assets.cli import main; main()", "ingest", "--until-caught-up"]
    started = time.perf_counter()
    process = subprocess.Popen(command, env={**os.environ, **as_environment(settings)}, stderr=subprocess.DEVNULL)
    while process.poll() is None:
        peaks[INGEST] = max(peaks.get(INGEST, 0), _family_mib(process.pid))
        time.sleep(SAMPLE_S)
    if process.returncode:
        raise RuntimeError(f"ingest ended with exit code {process.returncode}")
    return time.perf_counter() - started


def reported_s(settings: Settings, instance: dg.DagsterInstance, hour: datetime) -> float:
    """Seconds of a Dagster run that replaces one hour, from Cassandra to MySQL's commit."""
    job = build_defs(settings=settings).get_repository_def().get_job(hours_job.name)
    started = time.perf_counter()
    job.execute_in_process(instance=instance, tags=range_tags(HourRange(hour, hour)), run_config=QUIET_LOGS)
    return time.perf_counter() - started


def ticked_ms(settings: Settings, instance: dg.DagsterInstance) -> float:
    """The median of a sensor's ticks once the step's own changes were read and are no longer pending."""
    resources = {"cassandra": CassandraResource.of(settings), "mysql": MySqlResource.of(settings)}

    def tick() -> float:
        with dg.build_sensor_context(instance=instance, resources=dict(resources)) as context:
            started = time.perf_counter()
            cassandra_cdc_sensor(context)
            return (time.perf_counter() - started) * 1000

    tick()  # opens the connections and reads the step's changes
    with open_report_database(settings) as database:
        database.query("UPDATE change_feed_mark SET low_water = UTC_TIMESTAMP(6) + INTERVAL 2 MINUTE")
        database.query("DELETE FROM pending_hours")
    return statistics.median(tick() for _ in range(TICKS))


@contextmanager
def memory(arena: Arena) -> Iterator[dict[str, int]]:
    """Filled on leaving with each engine's resident memory, MiB; the block may add other processes."""
    peaks: dict[str, int] = {}
    yield peaks
    for status in arena.engines.status():
        peaks[status.name.value] = (status.rss_bytes or 0) // MIB


def _family_mib(pid: int) -> int:
    """Of a process and its children, together."""
    try:
        parent = psutil.Process(pid)
        return sum(each.memory_info().rss for each in (parent, *parent.children(recursive=True))) // MIB
    except psutil.NoSuchProcess:  # it ended in between
        return 0


def _say(message: str) -> None:
    console.print(message, markup=False, highlight=False)


if __name__ == "__main__":
    typer.run(main)

"""How long `recruit-assets materialize` takes after a week off: Kafka holds the week, and none of it was ever read.

The whole command counts, from its start until nothing is pending.
"""

from datetime import timedelta
from functools import partial

from benchmarks.command import run_command
from benchmarks.engines import BenchmarkEngines
from benchmarks.figure import Figure, Goal, Side
from benchmarks.ingest import END, PROCESSES, seconds_of
from benchmarks.processors import describe_usage, processors_in_use
from recruit_assets.simulator.publish import simulate_to_kafka
from recruit_assets.simulator.spec import SimulationSpec

KEY = "catch_up_s"
WEEK = timedelta(days=7)
RATE = 20
EVENTS = round(RATE * WEEK.total_seconds())


def measure(engines: BenchmarkEngines, repeats: int) -> list[Figure]:
    """Seconds of each repeat, on a topic and tables of its own."""
    seconds: list[float] = []
    used: dict[str, float] = {}
    for _ in range(repeats):
        with engines.fresh_names("week", ingest_processes=PROCESSES) as settings:
            engines.echo(f"sending {EVENTS:,} events")
            simulate_to_kafka(settings, SimulationSpec(events=EVENTS, start=END - WEEK, end=END))
            with processors_in_use(engines, others="materialize") as used:
                seconds.append(seconds_of(partial(run_command, settings, "materialize")))
    ours = Side("recruit-assets materialize", "s", tuple(seconds))
    return [
        Figure(
            key=KEY,
            title=f"A week off at {RATE} events/s, until nothing is pending",
            value=ours.median,
            unit="s",
            goal=Goal(at_most=60),
            ours=ours,
            notes=(f"{EVENTS:,} events, {EVENTS / ours.median:,.0f}/s from Kafka to the report", describe_usage(used)),
        )
    ]

"""How long `recruit-assets materialize` takes after a week off: Kafka holds the week, and none of it was ever read.

The whole command counts, from its start until nothing is pending. A week at 20 events/s is 12 million events: sending
and catching up take a quarter of an hour together, so it happens once, whatever the number of repeats.
"""

from datetime import timedelta

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


def measure(engines: BenchmarkEngines, _repeats: int) -> list[Figure]:
    """Seconds of one measurement."""
    events = round(RATE * WEEK.total_seconds())
    with engines.fresh_names("week", ingest_processes=PROCESSES) as settings:
        engines.echo(f"sending {events:,} events")
        simulate_to_kafka(settings, SimulationSpec(events=events, start=END - WEEK, end=END))
        with processors_in_use(engines, others="materialize") as used:
            seconds = seconds_of(lambda: run_command(settings, "materialize"))
    return [
        Figure(
            key=KEY,
            title=f"A week off at {RATE} events/s, until nothing is pending",
            value=seconds,
            unit="s",
            goal=Goal(at_most=60),
            ours=Side("recruit-assets materialize", "s", (seconds,)),
            notes=(f"measured once: {events:,} events, {events / seconds:,.0f}/s", describe_usage(used)),
        )
    ]

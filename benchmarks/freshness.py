"""How long an event takes from Kafka's producer to its click in a row of MySQL, with the whole platform running.

The current hour first gets as many events as if they had arrived at this rate since it began; it is about half full.
`freshness_turn` has what happens at the end of an hour.
"""

from benchmarks.engines import BenchmarkEngines
from benchmarks.figure import Figure, Goal
from benchmarks.ingest import PROCESSES
from benchmarks.live import arrived, describe, live_platform, sleep_until_minute
from benchmarks.probes import p95_figure
from benchmarks.processors import describe_usage, processors_in_use

KEY = "freshness_p95_s"
RATE = 500
GOAL = Goal(at_most=5, stretch=3)
PROBES_PER_REPEAT = 40
BEGINS_IN = range(20, 45)
"""Minutes of the hour. Loading, and the probes of three repeats, take 10 minutes."""


def measure(engines: BenchmarkEngines, repeats: int) -> list[Figure]:
    """Seconds of each probe."""
    sleep_until_minute(engines, BEGINS_IN)
    seconds, notes = probed(engines, PROBES_PER_REPEAT * repeats)
    title = f"Time from Kafka to the row in MySQL, p95, at {RATE} events/s with the whole platform running"
    return [p95_figure(KEY, title, seconds, goal=GOAL, notes=notes)]


def probed(engines: BenchmarkEngines, probes: int, **overrides: object) -> tuple[list[float], tuple[str, ...]]:
    """Seconds of so many probes with these settings, and notes on what else the machine did."""
    history = arrived(RATE)
    with (
        live_platform(engines, history, rate=RATE, ingest_processes=PROCESSES, **overrides) as platform,
        processors_in_use(engines, others="up") as processors,
    ):
        seconds = platform.series(probes)
    return seconds, (describe_usage(processors), f"loaded before the start: {describe(history)}")

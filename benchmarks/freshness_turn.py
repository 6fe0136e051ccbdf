"""Freshness across the turn of an hour, when the hour that ends is full, and gets late events from then on.

The hour that ends and the one before it first get as many events as if they had arrived at this rate. The simulator
sends 2 % of its events late, most of them by one to a few hours, so the full hours before the current one change all
the time. The probes begin before the turn and end as long after it. The benchmark waits for the clock.
"""

from datetime import UTC, datetime, timedelta

from benchmarks.engines import BenchmarkEngines
from benchmarks.figure import Figure
from benchmarks.freshness import GOAL, RATE
from benchmarks.histories import HOUR
from benchmarks.ingest import PROCESSES
from benchmarks.live import arrived, describe, live_platform, sleep_until
from benchmarks.probes import PAUSE_S, p95_figure
from benchmarks.processors import describe_usage, processors_in_use

KEY = "freshness_turn_p95_s"
PROBES_PER_REPEAT = 80
"""Three repeats take 10 minutes: 5 before the turn and 5 after it."""
LOADING = timedelta(minutes=10)
"""The time allowed for loading and reporting 3 million events and for starting the platform."""


def measure(engines: BenchmarkEngines, repeats: int) -> list[Figure]:
    """Seconds of each probe; RuntimeError if loading takes until after the turn."""
    count = PROBES_PER_REPEAT * repeats
    before = timedelta(seconds=count * sum(PAUSE_S) / 4)
    turn = turn_after(datetime.now(UTC) + LOADING + before)
    sleep_until(engines, turn - before - LOADING)
    history = arrived(RATE, hours_before=1)
    with live_platform(engines, history, rate=RATE, ingest_processes=PROCESSES) as probes:
        sleep_until(engines, turn - before)
        if datetime.now(UTC) > turn:
            raise RuntimeError(f"loading took until after {turn:%H:%M}: the probes would miss the turn")
        with processors_in_use(engines, others="up") as processors:
            seconds = probes.series(count)
    title = f"Time from Kafka to the row in MySQL, p95, at {RATE} events/s across the turn of an hour"
    notes = (describe_usage(processors), f"loaded before the start: {describe(history)}")
    return [p95_figure(KEY, title, seconds, goal=GOAL, notes=notes)]


def turn_after(moment: datetime) -> datetime:
    """The first whole hour that isn't before the moment."""
    hour = moment.replace(minute=0, second=0, microsecond=0)
    return hour if hour == moment else hour + HOUR

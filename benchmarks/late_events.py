"""How long the report takes for late events: one in each of 24 past hours, while `up` runs on a history.

Each round takes another day, so no hour rests after a run, and none is among the last two days, for which the simulator
sends late events too. Between rounds there are random pauses, so that they begin at every phase of the polling loops.
"""

import random
import time
from datetime import datetime, timedelta

from benchmarks.engines import BenchmarkEngines
from benchmarks.figure import Figure, Goal, Side
from benchmarks.histories import HOUR
from benchmarks.live import current_hour, live_platform
from benchmarks.probes import PAUSE_S
from benchmarks.processors import describe_usage, processors_in_use
from recruit_assets.simulator.spec import DayShape, SimulationSpec

KEY = "late_events_s"
RATE = 20
HOURS = 24
EVENTS_A_DAY = 30_000
ROUNDS_PER_REPEAT = 4
DAY = timedelta(days=1)
AFTER_S = 600
"""By then no hour that was replaced before `up` started rests, or waits to share a run with others."""


def measure(engines: BenchmarkEngines, repeats: int) -> list[Figure]:
    """Seconds of each round, until the last of its events is in the report."""
    rounds, end = ROUNDS_PER_REPEAT * repeats, current_hour()
    days = [end - (3 + number) * DAY for number in range(rounds)]
    pauses = random.Random(1)  # noqa: S311  # not a secret
    seconds: list[float] = []
    with live_platform(engines, _history(days[-1], end), rate=RATE) as probes:
        time.sleep(AFTER_S)
        with processors_in_use(engines, others="up") as used:
            for day in days:
                time.sleep(pauses.uniform(*PAUSE_S))
                seconds.append(probes.together([day + number * HOUR + HOUR / 2 for number in range(HOURS)]))
    ours = Side("recruit-assets up", "s", tuple(seconds))
    return [
        Figure(
            key=KEY,
            title=f"Late events in {HOURS} past hours, one each, until all are in the report",
            value=ours.median,
            unit="s",
            goal=Goal(at_most=5),
            ours=ours,
            notes=(
                f"{rounds} rounds, slowest {max(seconds):.1f} s; {RATE} events/s meanwhile, on a history of "
                f"{EVENTS_A_DAY:,} events a day",
                describe_usage(used),
            ),
        )
    ]


def _history(start: datetime, end: datetime) -> SimulationSpec:
    events = EVENTS_A_DAY * ((end - start) // DAY)
    return SimulationSpec(events=events, start=start, end=end, day_shape=DayShape.FLAT, late_share=0)

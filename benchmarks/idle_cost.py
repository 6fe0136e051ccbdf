"""What `recruit-assets up` costs with its default of 20 events/s, and how fresh its report is meanwhile.

All processes count: engines, ingest, Dagster and its runs, the simulator, metrics and the report page. It is measured
from the sixth minute on, by when everything is compiled, in windows of about two minutes with probes in them.
"""

import time

from benchmarks.engines import BenchmarkEngines
from benchmarks.figure import Figure, Goal, Side
from benchmarks.live import arrived, describe, live_platform
from benchmarks.probes import p95_figure
from benchmarks.processors import describe_usage, processors_in_use

COST, FRESHNESS = "idle_cost", "idle_freshness_p95_s"
RATE = 20
AFTER_S = 300
PROBES_PER_WINDOW = 48


def measure(engines: BenchmarkEngines, repeats: int) -> list[Figure]:
    """Processors in use in as many windows as there are repeats, and the seconds of each probe."""
    history = arrived(RATE)
    seconds: list[float] = []
    windows: list[dict[str, float]] = []
    with live_platform(engines, history, rate=RATE) as probes:
        time.sleep(AFTER_S)
        for _ in range(repeats):
            with processors_in_use(engines, others="up") as used:
                seconds += probes.series(PROBES_PER_WINDOW)
            windows.append(used)
    ours = Side("recruit-assets up", "processors", tuple(sum(window.values()) for window in windows))
    return [
        Figure(
            key=COST,
            title=f"Processors that `up` uses at {RATE} events/s, after {AFTER_S // 60} minutes",
            value=ours.median,
            unit="",
            goal=Goal(at_most=0.4),
            ours=ours,
            notes=(*(describe_usage(window) for window in windows), f"loaded before the start: {describe(history)}"),
        ),
        p95_figure(
            FRESHNESS,
            f"Time from Kafka to the row in MySQL, p95, at {RATE} events/s, at the same time",
            seconds,
            goal=Goal(at_most=10),
            notes=(),
        ),
    ]

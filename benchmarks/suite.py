"""The benchmarks in the order in which they run: the keys of their figures, and the function that measures them."""

from collections.abc import Callable
from dataclasses import dataclass

from benchmarks import (
    catch_up,
    collector,
    downstream,
    freshness,
    freshness_turn,
    history_ingest,
    history_report,
    idle_cost,
    incremental,
    ingest_vs_dsbulk,
    ingest_vs_row_at_a_time,
    ingest_vs_structured_streaming,
    late_events,
    people,
    report_growth,
    report_memory,
    sensor_growth,
    simulator,
)
from benchmarks.engines import BenchmarkEngines
from benchmarks.figure import Figure


@dataclass(frozen=True, slots=True)
class Benchmark:
    """A function that takes engines and the number of repeats and returns the figures with these keys."""

    keys: tuple[str, ...]
    measure: Callable[[BenchmarkEngines, int], list[Figure]]


SUITE = (
    Benchmark(("simulator_events_per_s",), simulator.measure),
    Benchmark((collector.KEY,), collector.measure),
    Benchmark(tuple(ingest_vs_row_at_a_time.KEYS.values()), ingest_vs_row_at_a_time.measure),
    Benchmark(("ingest_vs_dsbulk",), ingest_vs_dsbulk.measure),
    Benchmark(("ingest_vs_structured_streaming",), ingest_vs_structured_streaming.measure),
    Benchmark((history_ingest.KEY,), history_ingest.measure),
    Benchmark((people.INGEST, people.SEARCH), people.measure),
    Benchmark((*report_growth.GOALS, report_growth.GROWTH), report_growth.measure),
    Benchmark((incremental.KEY,), incremental.measure),
    Benchmark((history_report.KEY,), history_report.measure),
    Benchmark((catch_up.KEY,), catch_up.measure),
    Benchmark((report_memory.KEY,), report_memory.measure),
    Benchmark((downstream.HOUR,), downstream.measure_hour),
    Benchmark((sensor_growth.GROWTH, sensor_growth.TICK), sensor_growth.measure),
    Benchmark((idle_cost.COST, idle_cost.FRESHNESS), idle_cost.measure),
    Benchmark((late_events.KEY,), late_events.measure),
    Benchmark((freshness.KEY,), freshness.measure),
    Benchmark((downstream.FRESHNESS,), downstream.measure_freshness),
    Benchmark((freshness_turn.KEY,), freshness_turn.measure),
)


def chosen(only: str) -> list[Benchmark]:
    """All benchmarks, or those of these comma-separated keys; KeyError for an unknown key."""
    wanted = [key.strip() for key in only.split(",") if key.strip()]
    known = {key: benchmark for benchmark in SUITE for key in benchmark.keys}
    if not wanted:
        return list(SUITE)
    found = {id(known[key]) for key in wanted}
    return [benchmark for benchmark in SUITE if id(benchmark) in found]

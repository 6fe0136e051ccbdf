"""Memory of a run that reports 100,000 rows, and of one with a million. Rows are streamed, so it should be the same.

A run is `recruit-assets materialize` over a day. Its driver is the engines' warm Spark, whose heap is limited by
RECRUIT_SPARK_DRIVER_MEMORY.
"""

from datetime import timedelta

from benchmarks.engines import BenchmarkEngines
from benchmarks.figure import Figure, Goal, Side
from benchmarks.ingest import END, PROCESSES, ingest
from benchmarks.memory import MIB, peak_mib
from benchmarks.report_hour import make_all_pending
from recruit_assets.contract.tables import MYSQL_REPORT
from recruit_assets.local.engines.engine import EngineName
from recruit_assets.simulator.publish import simulate_to_kafka
from recruit_assets.simulator.spec import SimulationSpec
from recruit_assets.stores.mysql.connection import open_report_database

KEY = "report_memory"
FEW, MANY = 100_000, 1_000_000
EVENTS_A_ROW = 1.12
"""More than 1, because some events have no job and some share a row."""


def measure(engines: BenchmarkEngines, repeats: int) -> list[Figure]:
    """Peaks of the runs with few rows, then with many: a JVM doesn't return memory to the system."""
    peaks: dict[int, list[float]] = {FEW: [], MANY: []}
    spark: dict[int, list[float]] = {FEW: [], MANY: []}
    rows = {}
    for size in (FEW, MANY):
        with engines.fresh_names("memory", ingest_processes=PROCESSES) as settings:
            simulate_to_kafka(settings, distinct_rows(size))
            ingest(settings)
            for _ in range(repeats):
                with open_report_database(settings) as database:
                    make_all_pending(database)
                peaks[size].append(peak_mib(["materialize"], settings))
                spark[size].append(_spark_mib(engines))
            with open_report_database(settings) as database:
                ((rows[size],),) = database.query(f"SELECT COUNT(*) FROM {MYSQL_REPORT.name}")
    if rows[MANY] < MANY:
        raise RuntimeError(f"the run reports {rows[MANY]:,} rows, not {MANY:,}")
    few, many = (Side(f"materialize, {rows[size]:,} rows", "MiB", tuple(peaks[size])) for size in (FEW, MANY))
    return [
        Figure(
            key=KEY,
            title=f"Memory of a run that reports {MANY:,} rows, against {FEW:,}",
            value=many.median / few.median,
            unit="x",
            goal=Goal(at_most=1.2),
            ours=many,
            peer=few,
            others=tuple(Side(f"Spark, {rows[size]:,} rows", "MiB", tuple(spark[size])) for size in (FEW, MANY)),
            notes=(f"peaks; Spark's heap is {settings.spark_driver_memory}",),
        )
    ]


def distinct_rows(size: int) -> SimulationSpec:
    """Countable events of a day, of which very few share a row of the report."""
    return SimulationSpec(
        events=round(size * EVENTS_A_ROW),
        start=END - timedelta(hours=24),
        end=END,
        jobs=50_000,
        publishers=1_000,
        campaigns=1_000,
        skew=0,
        uncountable_share=0,
        late_share=0,
        duplicate_share=0,
        malformed_share=0,
    )


def _spark_mib(engines: BenchmarkEngines) -> int:
    """Resident memory of the engines' Spark."""
    return next(status.rss_bytes or 0 for status in engines.local.status() if status.name is EngineName.SPARK) // MIB

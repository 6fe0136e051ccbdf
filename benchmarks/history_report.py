"""The report of a scattered history from nothing, against the way of a typical PySpark job over the whole table.

Our side is `recruit-assets materialize` in a warm process with a warm Spark. It is timed from the call until no hour is
pending, with all of Dagster's work. A history can be reported from nothing only once, so each repeat loads it into new
tables; afterwards every hour is materialized again. The peer is in `report_peer`. All sides must have equal rows.
"""

import os
import time
from dataclasses import dataclass

from benchmarks.command import run_command
from benchmarks.engines import BenchmarkEngines
from benchmarks.figure import Figure, Goal, Side
from benchmarks.ingest import PROCESSES
from benchmarks.processors import describe_usage, processors_in_use
from benchmarks.report_hour import make_all_pending, report_stores
from benchmarks.report_peer import make_table, peer_s
from benchmarks.scattered import EVENTS, HOURS, hours_of, send_scattered
from recruit_assets.definitions import build_defs
from recruit_assets.defs.materialize import materialize_pending
from recruit_assets.runtime.settings import Settings, export
from recruit_assets.stores.dagster.instance import HOME_VARIABLE

KEY = "history_vs_full_scan"
WARM_UP_EVENTS = EVENTS // 10
OURS, AGAIN = "materialize, from nothing", "materialize, every hour again"
SCANS, CACHED = "four group-bys, full outer joins, JDBC append", "the same with cache()"


@dataclass(frozen=True, slots=True)
class Turn:
    """One repeat: seconds by side, the report's number of rows, and ours from nothing: runs and use of processors."""

    seconds: dict[str, float]
    rows: int
    runs: int
    processors: str


def measure(engines: BenchmarkEngines, repeats: int) -> list[Figure]:
    """Seconds of both sides. Each repeat has its own history; a shorter one warms both sides up first."""
    _turn(engines, WARM_UP_EVENTS)
    turns = [_turn(engines, EVENTS) for _ in range(repeats)]
    ours, again, scans, cached = (
        Side(name, "s", tuple(turn.seconds[name] for turn in turns)) for name in (OURS, AGAIN, SCANS, CACHED)
    )
    return [
        Figure(
            key=KEY,
            title=f"The report of {EVENTS:,} events scattered over {HOURS:,} hours, from nothing",
            value=scans.median / ours.median,
            unit="x",
            goal=Goal(at_least=1),
            ours=ours,
            peer=scans,
            others=(cached, again),
            notes=(
                f"{cached.median / ours.median:.2f} x the peer with cache(), where the next goal is 1",
                f"{turns[-1].rows:,} report rows, equal in all 16 columns; runs from nothing: {turns[-1].runs}",
                turns[-1].processors,
            ),
        )
    ]


def _turn(engines: BenchmarkEngines, events: int) -> Turn:
    """Load a history and measure each side once; RuntimeError if the reports differ."""
    with engines.fresh_names("history", ingest_processes=PROCESSES) as settings, report_stores(settings) as stores:
        engines.echo(f"loading {events:,} events")
        send_scattered(settings, events)
        run_command(settings, "ingest", "--until-caught-up")
        os.environ.pop(HOME_VARIABLE, None)
        export(settings)  # resources read secrets from the environment
        hours, cpu_before_s = hours_of(events), time.process_time()
        with processors_in_use(engines, others="other") as used:
            ours_s, runs = _materialized(settings, hours=hours)
        used["materialize"] = (time.process_time() - cpu_before_s) / ours_s
        make_table(stores)
        seconds = {OURS: ours_s, SCANS: peer_s(stores, cached=False), CACHED: peer_s(stores, cached=True)}
        rows = stores.rows()
        make_all_pending(stores.database)
        seconds[AGAIN], _ = _materialized(settings, hours=hours)
        if stores.rows() != rows:
            raise RuntimeError("the second materialization gives another report: the times don't count")
        return Turn(seconds, len(rows), runs, describe_usage(used))


def _materialized(settings: Settings, *, hours: int) -> tuple[float, int]:
    """Seconds until nothing is pending, and the number of runs; RuntimeError unless every hour was replaced."""
    defs = build_defs(settings=settings)
    started = time.perf_counter()
    done = materialize_pending(defs, settings)
    seconds = time.perf_counter() - started
    if done.hours < hours:
        raise RuntimeError(f"{done.hours} hours were replaced, not {hours}: the time doesn't count")
    return seconds, done.runs

"""What the tables beside the report cost: the report's own run of an hour, and freshness, with all of them on and off.

Each table has a run of its own, after the report's. These are measured too, each with only its table switched on.
"""

import re
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial

from benchmarks.command import run_command
from benchmarks.engines import BenchmarkEngines
from benchmarks.figure import Figure, Goal, Side, interleaved
from benchmarks.freshness import BEGINS_IN, RATE
from benchmarks.histories import flat_events
from benchmarks.ingest import PROCESSES, ingest
from benchmarks.live import arrived, describe, live_platform, sleep_until_minute
from benchmarks.processors import describe_usage, processors_in_use
from benchmarks.report_hour import make_all_pending
from recruit_assets.contract.tables import DOWNSTREAM_TABLES
from recruit_assets.runtime.settings import Settings
from recruit_assets.simulator.publish import simulate_to_kafka
from recruit_assets.stores.mysql.connection import open_report_database

HOUR, FRESHNESS = "downstream_hour", "downstream_freshness"
GOAL = Goal(at_most=1.15)
EVENTS = 300_000
PROBES = 40
SWITCHES: Mapping[str, Mapping[str, object]] = {
    "funnel_actions": {"funnel_actions": "redirect,interview_scheduled,hired"},
    "click_quality": {"click_quality": "on"},
    "attributed_conversions": {"attribution_days": 7},
}
"""The settings that switch on each table."""
ALL: Mapping[str, object] = {name: value for switch in SWITCHES.values() for name, value in switch.items()}
DONE = re.compile(r"done, ([0-9.]+) s")


def measure_hour(engines: BenchmarkEngines, repeats: int) -> list[Figure]:
    """Seconds of a run of one hour, as `materialize` tells them: of the report, and of each table beside it."""
    with engines.fresh_names("beside", ingest_processes=PROCESSES) as settings:
        spec = replace(
            flat_events(EVENTS, hours=1),
            further_share=0.05,
            further_actions=("redirect", "interview_scheduled", "hired"),
            repeat_share=0.06,
            robot_share=0.03,
            internal_share=0.01,
            journey_share=0.6,
        )
        simulate_to_kafka(settings, spec)
        ingest(settings)
        full = settings.model_copy(update=ALL)
        run_command(full, "materialize")
        reports = {
            "report, all tables on": partial(_report_s, full),
            "report, none on": partial(_report_s, settings),
        }
        tables = {
            name: partial(_table_s, settings.model_copy(update=switch), name) for name, switch in SWITCHES.items()
        }
        found = interleaved({**reports, **tables}, repeats)
    ours, peer, *others = (Side(name, "s", seconds) for name, seconds in found.items())
    return [
        Figure(
            key=HOUR,
            title=f"The report's run of an hour of {EVENTS:,} events, with the tables beside the report",
            value=ours.median / peer.median,
            unit="x",
            goal=GOAL,
            ours=ours,
            peer=peer,
            others=tuple(others),
            notes=("the tables beside the report have runs of their own, each with only its table on",),
        )
    ]


def measure_freshness(engines: BenchmarkEngines, repeats: int) -> list[Figure]:
    """Seconds of probes at the load of `freshness`, first with no table beside the report, then with all."""
    sleep_until_minute(engines, BEGINS_IN)
    found: dict[str, list[float]] = {}
    notes: list[str] = []
    for name, switched_on in {"none on": {}, "all tables on": ALL}.items():
        history = arrived(RATE)
        with (
            live_platform(engines, history, rate=RATE, ingest_processes=PROCESSES, **switched_on) as probes,
            processors_in_use(engines, others="up") as used,
        ):
            found[name] = probes.series(PROBES * repeats)
        notes.append(
            f"{name}: p95 {_p95(found[name]):.1f} s, {describe_usage(used)}; loaded before the start: "
            f"{describe(history)}"
        )
    peer, ours = (Side(name, "s", tuple(seconds)) for name, seconds in found.items())
    return [
        Figure(
            key=FRESHNESS,
            title=f"Time from Kafka to the row in MySQL, p95, at {RATE} events/s, with the tables beside the report",
            value=_p95(ours.repeats) / _p95(peer.repeats),
            unit="x",
            goal=GOAL,
            ours=ours,
            peer=peer,
            notes=tuple(notes),
        )
    ]


def _report_s(settings: Settings) -> float:
    """Seconds of the report's run, the first that `materialize` tells."""
    with open_report_database(settings) as database:
        make_all_pending(database)
    return _seconds(settings)


def _table_s(settings: Settings, name: str) -> float:
    (table,) = (one for one in DOWNSTREAM_TABLES if one.name == name)
    with open_report_database(settings) as database:
        database.query(f"DELETE FROM {table.coverage.name}")
    return _seconds(settings)


def _seconds(settings: Settings) -> float:
    told = DONE.search(run_command(settings, "materialize"))
    if told is None:
        raise RuntimeError("materialize had nothing to do")
    return float(told[1])


def _p95(seconds: Sequence[float]) -> float:
    return statistics.quantiles(seconds, n=100)[94]

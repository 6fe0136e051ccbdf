"""What the tables beside the report cost: the report's own run of an hour, and freshness, with all of them on and off.

Each table has a run of its own, after the report's. These are measured too, each with only its table switched on.
"""

import re
from collections.abc import Mapping
from dataclasses import replace
from functools import partial

from benchmarks.command import run_command
from benchmarks.engines import BenchmarkEngines
from benchmarks.figure import Figure, Goal, Side, interleaved
from benchmarks.freshness import BEGINS_IN, RATE, probed
from benchmarks.histories import flat_events
from benchmarks.ingest import PROCESSES, ingest
from benchmarks.live import sleep_until_minute
from benchmarks.probes import p95
from benchmarks.report_hour import make_all_pending
from recruit_assets.cli.demo import FULL
from recruit_assets.contract.tables import DOWNSTREAM_TABLES
from recruit_assets.runtime.settings import PREFIX, Settings, load_settings
from recruit_assets.simulator.publish import simulate_to_kafka
from recruit_assets.simulator.spec import shares_beside
from recruit_assets.stores.mysql.connection import open_report_database

HOUR, FRESHNESS = "downstream_hour", "downstream_freshness"
GOAL = Goal(at_most=1.15)
EVENTS = 300_000
PROBES = 40
ALL: Mapping[str, str] = {name.removeprefix(PREFIX).lower(): value for name, value in FULL.items()}
SWITCHES = {
    "funnel_actions": "funnel_actions",
    "click_quality": "click_quality",
    "attributed_conversions": "attribution_days",
}
"""By table, the setting that switches it on."""
DONE = re.compile(r"done, ([0-9.]+) s")


def measure_hour(engines: BenchmarkEngines, repeats: int) -> list[Figure]:
    """Seconds of a run of one hour, as `materialize` tells them: of the report, and of each table beside it."""
    with engines.fresh_names("beside", ingest_processes=PROCESSES) as settings:
        full = _with(settings, ALL)
        actions = tuple(full.funnel_action_list)
        spec = replace(flat_events(EVENTS, hours=1), further_actions=actions, **shares_beside(full))
        simulate_to_kafka(settings, spec)
        ingest(settings)
        run_command(full, "materialize")
        reports = {
            "report, all tables on": partial(_report_s, full),
            "report, none on": partial(_report_s, settings),
        }
        tables = {
            name: partial(_table_s, _with(settings, {switch: ALL[switch]}), name) for name, switch in SWITCHES.items()
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
        found[name], told = probed(engines, PROBES * repeats, **switched_on)
        notes.append("; ".join([f"{name}: p95 {p95(found[name]):.1f} s", *told]))
    peer, ours = (Side(name, "s", tuple(seconds)) for name, seconds in found.items())
    return [
        Figure(
            key=FRESHNESS,
            title=f"Time from Kafka to the row in MySQL, p95, at {RATE} events/s, with the tables beside the report",
            value=p95(ours.repeats) / p95(peer.repeats),
            unit="x",
            goal=GOAL,
            ours=ours,
            peer=peer,
            notes=tuple(notes),
        )
    ]


def _with(settings: Settings, others: Mapping[str, str]) -> Settings:
    return load_settings(**{**settings.model_dump(), **others})


def _report_s(settings: Settings) -> float:
    """Seconds of the report's run, which is the first that `materialize` does."""
    with open_report_database(settings) as database:
        make_all_pending(database)
    return _seconds(settings)


def _table_s(settings: Settings, name: str) -> float:
    """Seconds of the run of the table, of which all hours are missing."""
    (table,) = (one for one in DOWNSTREAM_TABLES if one.name == name)
    with open_report_database(settings) as database:
        database.query(f"DELETE FROM {table.coverage.name}")
    return _seconds(settings)


def _seconds(settings: Settings) -> float:
    told = DONE.search(run_command(settings, "materialize"))
    if told is None:
        raise RuntimeError("materialize had nothing to do")
    return float(told[1])

"""What a tick of cassandra_cdc_sensor costs with 100,000 events of history, and with ten times as many.

`python -m benchmarks.sensor_tick`, or `make bench-tick`. History is ingested and reported for real; then each tick is
the sensor's own function, with a Dagster instance on disk. Three changed hours are three rows in the change feed, as
ingest writes them. Queries are counted where the drivers send them, rows where the feed is read.
"""

import json
import os
import shutil
import statistics
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated
from unittest.mock import patch
from uuid import uuid4

import dagster as dg
import typer
from cassandra.cluster import Session
from pymysql.connections import Connection
from pymysql.cursors import Cursor
from rich.console import Console
from rich.table import Table

from recruit_assets.change_feed import LOOKBACK
from recruit_assets.contract import CHANGE_SHARDS, EVENT_CHANGES
from recruit_assets.engines.local import LocalEngines
from recruit_assets.instance import HOME_VARIABLE, open_instance
from recruit_assets.materialize import materialize_pending
from recruit_assets.resources import CassandraResource, MySqlResource
from recruit_assets.sensors.cdc import cassandra_cdc_sensor
from recruit_assets.settings import Settings, export, load_settings
from recruit_assets.simulator.publish import simulate_to_kafka
from recruit_assets.simulator.spec import SimulationSpec
from recruit_assets.stores.cassandra import CassandraSession, open_session
from recruit_assets.stores.mysql import open_report_database
from recruit_assets.stores.schema import apply_schema

TICKS = 50
CHANGED_HOURS = 3
END = datetime(2026, 1, 6, tzinfo=UTC)
HOUR = timedelta(hours=1)

console = Console(width=120)


@dataclass(frozen=True, slots=True)
class Measured:
    """Milliseconds of a tick: median and spread of TICKS, and how many statements each sent."""

    events: int
    kind: str
    median_ms: float
    fastest_ms: float
    slowest_ms: float
    cassandra_queries: float
    mysql_queries: float


def main(
    events: Annotated[int, typer.Option(help="The smaller history; the other has ten times as many")] = 100_000,
    state_dir: Annotated[Path, typer.Option(help="Emptied first")] = Path(".recruit/bench"),
) -> None:
    """Measure ticks over two histories and print them side by side."""
    state_dir = state_dir.resolve()
    shutil.rmtree(state_dir, ignore_errors=True)
    engines = LocalEngines(load_settings(state_dir=state_dir))
    engines.start()
    try:
        found = [one for size in (events, 10 * events) for one in measure(load_settings(state_dir=state_dir), size)]
    finally:
        engines.stop()
    show(found)
    (state_dir / "sensor_tick.json").write_text(json.dumps([asdict(one) for one in found], indent=2))


def measure(engines: Settings, events: int) -> Iterator[Measured]:
    """Make a history with names of its own, then time ticks with nothing new and with changed hours."""
    name = f"tick_{uuid4().hex[:8]}"
    settings = load_settings(
        **engines.model_dump()
        | {"kafka_topic": name, "kafka_group": name, "cassandra_keyspace": name, "mysql_database": name}
    )
    export(settings)
    os.environ.pop(HOME_VARIABLE, None)
    apply_schema(settings)
    simulate_to_kafka(settings, SimulationSpec(events=events, seed=1, start=END - 24 * HOUR, end=END))
    materialize_pending(settings, console.print)
    time.sleep(LOOKBACK.total_seconds())  # so that the ticks don't read the history's own changes again
    with open_instance(settings) as instance, open_session(settings) as session, counted_queries() as counts:
        resources = {"cassandra": CassandraResource.of(settings), "mysql": MySqlResource.of(settings)}
        tick(instance, resources)  # opens the connections
        yield timed(events, "nothing new", counts, lambda: tick(instance, resources), requested=0)
        yield timed(
            events,
            f"{CHANGED_HOURS} changed hours",
            counts,
            lambda: tick(instance, resources),
            before=lambda: change(settings, session),
            requested=1,
        )


def tick(instance: dg.DagsterInstance, resources: Mapping[str, object]) -> int:
    """One evaluation of the sensor; how many runs it requests."""
    with dg.build_sensor_context(instance=instance, resources=dict(resources)) as context:
        result = cassandra_cdc_sensor(context)
    assert isinstance(result, dg.SensorResult)
    return len(result.run_requests or ())


def change(settings: Settings, session: CassandraSession) -> None:
    """Three hours of the history changed now, and nobody knows it yet."""
    with open_report_database(settings) as database:
        database.query("DELETE FROM pending_hours")
        database.query("UPDATE change_feed_mark SET low_water = UTC_TIMESTAMP(6) + INTERVAL 2 MINUTE")
    session.execute(f"TRUNCATE {session.table(EVENT_CHANGES)}")
    for number in range(CHANGED_HOURS):
        hour = END - (number + 1) * HOUR
        session.execute(
            f"INSERT INTO {session.table(EVENT_CHANGES)} (day, shard, changed_at, event_hour, buckets, row_count) "
            "VALUES (toDate(now()), %s, now(), %s, {0}, 1)",
            (int(hour.timestamp()) // 3600 % CHANGE_SHARDS, hour),
        )


def timed(
    events: int,
    kind: str,
    counts: dict[str, int],
    work: Callable[[], int],
    *,
    requested: int,
    before: Callable[[], object] = lambda: None,
) -> Measured:
    """The work TICKS times; an error if it doesn't request what it should."""
    times_ms, queries = [], {"cassandra": 0, "mysql": 0}
    for _ in range(TICKS):
        before()
        counts.update(cassandra=0, mysql=0)
        started = time.perf_counter()
        found = work()
        times_ms.append((time.perf_counter() - started) * 1000)
        for store in queries:
            queries[store] += counts[store]
        if found != requested:
            raise SystemExit(f"a tick with {kind} requested {found} runs, not {requested}")
    return Measured(
        events,
        kind,
        statistics.median(times_ms),
        min(times_ms),
        max(times_ms),
        queries["cassandra"] / TICKS,
        queries["mysql"] / TICKS,
    )


@contextmanager
def counted_queries() -> Iterator[dict[str, int]]:
    """How many statements both drivers have sent since the counts were last set."""
    counts = {"cassandra": 0, "mysql": 0}
    execute_async, query = Session.execute_async, Connection.query

    def counting_execute(self: Session, *arguments: object, **options: object) -> object:
        counts["cassandra"] += 1
        return execute_async(self, *arguments, **options)

    def counting_query(self: "Connection[Cursor]", sql: str, unbuffered: bool = False) -> int:
        counts["mysql"] += 1
        return query(self, sql, unbuffered)

    with patch.object(Session, "execute_async", counting_execute), patch.object(Connection, "query", counting_query):
        yield counts


def show(found: list[Measured]) -> None:
    table = Table(
        "events of history", "tick with", "median ms", "fastest", "slowest", "Cassandra", "MySQL", title="ticks"
    )
    for one in found:
        numbers = (one.median_ms, one.fastest_ms, one.slowest_ms, one.cassandra_queries, one.mysql_queries)
        table.add_row(f"{one.events:,}", one.kind, *(f"{number:.1f}" for number in numbers))
    console.print(table)


if __name__ == "__main__":
    typer.run(main)

"""The cost of a tick of cassandra_cdc_sensor with a short history and with one ten times as long.

Both histories are in the report. A tick is a call of the sensor's function, with a Dagster instance on disk. Three
changed hours are three rows in the change feed, as ingest writes them. A tick that finds nothing keeps polling for some
seconds, so only a single evaluation of an idle tick is timed.
"""

import os
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial

import dagster as dg

from benchmarks.engines import BenchmarkEngines
from benchmarks.figure import Figure, Goal, Side
from benchmarks.histories import HOUR, LAST_HOUR, MORE, StatementCounts, count_statements, two_histories
from benchmarks.ingest import seconds_of
from recruit_assets.contract.tables import CHANGE_SHARDS, EVENT_CHANGES
from recruit_assets.definitions import build_defs
from recruit_assets.defs.materialize import materialize_pending
from recruit_assets.defs.resources import CassandraResource, MySqlResource
from recruit_assets.defs.sensors.cdc import cassandra_cdc_sensor, evaluate
from recruit_assets.hours.ports import ChangePage
from recruit_assets.runtime.settings import Settings, export
from recruit_assets.stores.cassandra.session import CassandraSession, open_session
from recruit_assets.stores.dagster.instance import HOME_VARIABLE, open_instance
from recruit_assets.stores.mysql.connection import ReportDatabase, open_report_database
from recruit_assets.stores.mysql.pending_hours import PendingHours

GROWTH, TICK = "sensor_growth", "sensor_tick_ms"
EVENTS, HOURS = 100_000, 24
TICKS = 50
CHANGED_HOURS = 3
LESS, MORE_NAME = f"{EVENTS:,} events", f"{MORE * EVENTS:,} events"


@dataclass(frozen=True, slots=True)
class Sensor:
    """The sensor over one platform."""

    settings: Settings
    session: CassandraSession
    database: ReportDatabase
    instance: dg.DagsterInstance
    cassandra: CassandraResource
    mysql: MySqlResource

    def evaluation_ms(self) -> float:
        """Milliseconds of one evaluation that finds nothing; RuntimeError if it finds something."""
        self._forget_changes()
        started = time.perf_counter()
        _, decided = evaluate(self.instance, self.settings)
        seconds = time.perf_counter() - started
        if decided.requests:
            raise RuntimeError(f"an idle evaluation requests {decided.requests}")
        return seconds * 1000

    def tick_ms(self) -> float:
        """Milliseconds of a tick that finds three changed hours; RuntimeError unless it requests one run for them."""
        self._forget_changes()
        self._change_hours()
        return seconds_of(self._tick) * 1000

    def statements(self) -> StatementCounts:
        """Statements of one such tick once connections are open."""
        self.tick_ms()
        self._forget_changes()
        self._change_hours()
        with count_statements() as statements:
            self._tick()
        return statements

    def _tick(self) -> None:
        resources = {"cassandra": self.cassandra, "mysql": self.mysql}
        with dg.build_sensor_context(instance=self.instance, resources=resources) as context:
            result = cassandra_cdc_sensor(context)
        if not isinstance(result, dg.SensorResult) or len(result.run_requests or ()) != 1:
            raise RuntimeError(f"a tick with {CHANGED_HOURS} changed hours must request one run: {result}")

    def _forget_changes(self) -> None:
        """Mark the change feed as read up to now. Each tick reads the last minutes again, so they are emptied."""
        now = datetime.fromtimestamp(self.session.now_ms() / 1000, UTC)
        self.session.execute(f"TRUNCATE {self.session.table(EVENT_CHANGES)}")
        self.database.query("DELETE FROM pending_hours")
        PendingHours(self.database).record(ChangePage({}, now, row_count=0), now=now)

    def _change_hours(self) -> None:
        """Write three hours of the history to the change feed."""
        for number in range(CHANGED_HOURS):
            hour, columns = LAST_HOUR - number * HOUR, "day, shard, changed_at, event_hour, buckets, row_count"
            self.session.execute(
                f"INSERT INTO {self.session.table(EVENT_CHANGES)} ({columns}) "
                "VALUES (toDate(now()), %s, now(), %s, {0}, 1)",
                (int(hour.timestamp()) // 3600 % CHANGE_SHARDS, hour),
            )


def measure(engines: BenchmarkEngines, repeats: int) -> list[Figure]:
    """Ticks and idle evaluations with both histories, in as many turns as there are repeats."""
    with two_histories(engines, events=EVENTS, hours=HOURS) as histories:
        for settings in (histories.less, histories.more):
            materialize_pending(build_defs(settings=settings), settings, engines.echo)
            with open_report_database(settings) as database:
                # hours that were replaced a moment ago would not be requested yet
                database.query("UPDATE report_hours SET covered_through = covered_through - INTERVAL 1 DAY")
        with sensor(histories.less) as less, sensor(histories.more) as more:
            statements = {name: each.statements() for name, each in ((LESS, less), (MORE_NAME, more))}
            if statements[LESS] != statements[MORE_NAME]:
                raise RuntimeError(f"with {MORE} x the history a tick needs other statements: {statements}")
            found = _in_turns({LESS: less, MORE_NAME: more}, turns=repeats)
    return _figures(found, statements[LESS])


def _in_turns(sensors: Mapping[str, Sensor], *, turns: int) -> dict[str, list[float]]:
    """Milliseconds by what was measured. Platforms take turns: a process keeps connections to only one of them."""
    found: dict[str, list[float]] = defaultdict(list)
    for _ in range(turns):
        for name, each in sensors.items():
            for what, measured in (("a tick", each.tick_ms), ("an idle evaluation", each.evaluation_ms)):
                measured()  # opens the connections
                found[f"{what}, {name}"] += [measured() for _ in range(-(-TICKS // turns))]
    return found


def _figures(found: Mapping[str, Sequence[float]], statements: StatementCounts) -> list[Figure]:
    tick_less, tick_more, *evaluations = (
        Side(f"{what}, {name}", "ms", tuple(found[f"{what}, {name}"]))
        for what in ("a tick", "an idle evaluation")
        for name in (LESS, MORE_NAME)
    )
    notes = (
        f"medians of {len(tick_more.repeats)}; the same for both histories: {statements.cassandra_statements} "
        f"statements and {statements.cassandra_rows} rows of Cassandra, {statements.mysql_statements} and "
        f"{statements.mysql_rows} of MySQL",
    )
    figure = partial(Figure, ours=tick_more, peer=tick_less, others=tuple(evaluations), notes=notes)
    title, ratio = f"A sensor's tick with {CHANGED_HOURS} changed hours", tick_more.median / tick_less.median
    return [
        figure(key=GROWTH, title=f"{title}, {MORE} x the history", value=ratio, unit="x", goal=Goal(at_most=1.2)),
        figure(key=TICK, title=title, value=tick_more.median, unit="ms", goal=Goal(at_most=50)),
    ]


@contextmanager
def sensor(settings: Settings) -> Iterator[Sensor]:
    """The sensor, with the Dagster instance in the state directory."""
    os.environ.pop(HOME_VARIABLE, None)
    export(settings)  # resources read secrets from the environment
    with (
        open_instance(settings) as instance,
        open_session(settings) as session,
        open_report_database(settings) as database,
    ):
        yield Sensor(
            settings,
            session,
            database,
            instance,
            CassandraResource.from_settings(settings),
            MySqlResource.from_settings(settings),
        )

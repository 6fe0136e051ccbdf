"""Two histories with the same last events; the longer one has nine times as many before them."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from unittest.mock import patch

from cassandra.cluster import ResponseFuture, Session
from pymysql.connections import Connection
from pymysql.cursors import Cursor

from benchmarks.engines import BenchmarkEngines
from benchmarks.ingest import END, PROCESSES, ingest
from recruit_assets.runtime.settings import Settings
from recruit_assets.simulator.publish import simulate_to_kafka
from recruit_assets.simulator.spec import DayShape, SimulationSpec

MORE = 10
HOUR = timedelta(hours=1)
LAST_HOUR = END - HOUR


@dataclass(frozen=True, slots=True)
class Histories:
    """Settings of both platforms, and the number of events in the shorter history."""

    less: Settings
    more: Settings
    events: int


@contextmanager
def two_histories(engines: BenchmarkEngines, *, events: int, hours: int) -> Iterator[Histories]:
    """Load events into the hours before END, equally many per hour, and ten times as many into ten times the hours."""
    recent = flat_events(events, hours=hours)
    before = flat_events((MORE - 1) * events, hours=(MORE - 1) * hours, until_hours=hours, seed=2)
    loading = {"ingest_processes": PROCESSES}
    with engines.fresh_names("less", **loading) as less, engines.fresh_names("more", **loading) as more:
        for settings, specs in ((less, (recent,)), (more, (before, recent))):
            engines.echo(f"loading {sum(spec.events for spec in specs):,} events")
            for spec in specs:
                simulate_to_kafka(settings, spec)
            ingest(settings)
        yield Histories(less, more, events)


def flat_events(events: int, *, hours: int, until_hours: int = 0, seed: int = 1) -> SimulationSpec:
    """Distinct valid events, equally many per hour and none late, so that hours don't depend on each other."""
    end = END - until_hours * HOUR
    return SimulationSpec(
        events=events,
        seed=seed,
        start=end - hours * HOUR,
        end=end,
        day_shape=DayShape.FLAT,
        late_share=0,
        duplicate_share=0,
        malformed_share=0,
    )


@dataclass(slots=True)
class StatementCounts:
    """Statements that the drivers of this process sent, and the rows that they received."""

    cassandra_statements: int = 0
    cassandra_rows: int = 0
    mysql_statements: int = 0
    mysql_rows: int = 0


@contextmanager
def count_statements() -> Iterator[StatementCounts]:
    """Count the block's statements to Cassandra and MySQL. Spark reads in a process of its own."""
    statements = StatementCounts()
    execute_async, query, finish = Session.execute_async, Connection.query, ResponseFuture._set_final_result

    def counting_execute(self: Session, *arguments: object, **options: object) -> object:
        statements.cassandra_statements += 1
        return execute_async(self, *arguments, **options)

    def counting_finish(self: ResponseFuture, response: object) -> object:
        statements.cassandra_rows += len(response) if isinstance(response, list) else 0
        return finish(self, response)

    def counting_query(self: "Connection[Cursor]", sql: str, unbuffered: bool = False) -> int:
        statements.mysql_statements += 1
        found = query(self, sql, unbuffered)
        statements.mysql_rows += found
        return found

    with (
        patch.object(Session, "execute_async", counting_execute),
        patch.object(ResponseFuture, "_set_final_result", counting_finish),
        patch.object(Connection, "query", counting_query),
    ):
        yield statements

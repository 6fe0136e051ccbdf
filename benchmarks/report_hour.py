"""Our side of the report benchmarks: the platform's own code replaces one hour of its three hourly assets.

A time includes everything from the write timestamp T to MySQL's commit, in the engines' warm Spark, but not Dagster's
overhead per run.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

from pyspark.sql import SparkSession

from recruit_assets.contract.tables import FILTERED_EVENTS, HOURLY_JOB_METRICS, MYSQL_REPORT, RAW_EVENTS, REPORT_HOURS
from recruit_assets.defs.io_managers.cassandra import CassandraIOManager
from recruit_assets.hours.replacement import Replaced, begin_step, publish_hours, read_input
from recruit_assets.runtime.settings import Settings
from recruit_assets.stores.cassandra.hour_tables import CassandraHourStore
from recruit_assets.stores.cassandra.session import CassandraSession, open_session
from recruit_assets.stores.mysql.connection import ReportDatabase, open_report_database
from recruit_assets.stores.mysql.hour_sink import MySqlHourSink
from recruit_assets.stores.mysql.lookups import refresh_lookups_when_due
from recruit_assets.stores.spark.frames import CassandraFrames, stream_by_hour
from recruit_assets.stores.spark.warm import attached_session
from recruit_assets.transforms.hourly import count_actions, countable, to_report
from recruit_assets_tests.support.table_harness import replace_from

Row = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class ReportStores:
    """Open connections to one platform's stores."""

    settings: Settings
    session: CassandraSession
    database: ReportDatabase
    spark: SparkSession

    def replace(self, hour: datetime, *, incremental: bool = False) -> tuple[Replaced, Replaced]:
        """Replace one hour of the three assets, as a run does; the results of the first and the last asset."""
        store = CassandraHourStore(self.session, CassandraFrames(self.spark, self.settings))
        hours, run_id = [hour], str(uuid4())
        filtered = replace_from(
            store, RAW_EVENTS, countable, FILTERED_EVENTS, hours, run_id=run_id, incremental=incremental
        )
        replace_from(
            store, FILTERED_EVENTS, count_actions, HOURLY_JOB_METRICS, hours, run_id=run_id, incremental=incremental,
            pre_aggregation=CassandraIOManager.pre_aggregations[HOURLY_JOB_METRICS.name],
        )  # fmt: skip
        refresh_lookups_when_due(self.database, MYSQL_REPORT)
        step, sink = begin_step(store, run_id, hours), MySqlHourSink(self.database, MYSQL_REPORT)
        rows = to_report(read_input(store, step, HOURLY_JOB_METRICS, hours)).select(*sink.columns)
        return filtered, publish_hours(sink, stream_by_hour(rows, MYSQL_REPORT.hour_of_row), step, hours)

    def rows(self, hour: datetime | None = None, *, table: str = MYSQL_REPORT.name) -> Sequence[Row]:
        """The rows of the hour, or all, sorted, of a table that has the report's columns."""
        columns = ", ".join(MYSQL_REPORT.column_names)
        order = ", ".join(MYSQL_REPORT.primary_key)
        if hour is None:
            return self.database.query(f"SELECT {columns} FROM {table} ORDER BY {order}")
        day = hour.replace(hour=0, tzinfo=None)
        return self.database.query(
            f"SELECT {columns} FROM {table} WHERE dates = %s AND hours = %s ORDER BY {order}", (day, hour.hour)
        )

    def server_reads(self) -> dict[str, int]:
        """Reads that Cassandra has served so far, of single partitions and of ranges, per table of the keyspace."""
        found: dict[str, int] = {}
        for view in ("local_read_latency", "local_scan_latency"):
            rows = self.session.execute(f"SELECT keyspace_name, table_name, count FROM system_views.{view}")
            found |= {
                f"{table} ({view.split('_')[1]})": count
                for keyspace, table, count in rows
                if keyspace == self.settings.cassandra_keyspace
            }
        return found


@contextmanager
def report_stores(settings: Settings) -> Iterator[ReportStores]:
    """Open connections, and attach to the warm Spark."""
    with open_session(settings) as session, open_report_database(settings) as database:
        yield ReportStores(settings, session, database, attached_session(Path(settings.spark_gateway)))


def make_all_pending(database: ReportDatabase) -> None:
    """Make every hour pending again that `materialize` finds in the change feed of the last days."""
    database.query(f"UPDATE {REPORT_HOURS.name} SET covered_through = '2000-01-01'")

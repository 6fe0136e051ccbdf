"""Our side of the report's benchmarks: one hour from T to MySQL's commit, by the product's own stages.

The assets say what each stage computes, `stages` in which order it is stored; Spark is the engines' warm one, as a run
finds it. Dagster's own time for a run isn't in it. Not here: the peer, which figures this gives.
"""

import functools
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import dagster as dg
from pyspark.sql import SparkSession

from recruit_assets.contract.tables import FILTERED_EVENTS, HOURLY_JOB_METRICS, MYSQL_REPORT, RAW_EVENTS
from recruit_assets.contract.types import CassandraTable
from recruit_assets.defs.assets.filtered_events import filtered_events
from recruit_assets.defs.assets.hourly_job_metrics import hourly_job_metrics
from recruit_assets.defs.assets.mysql_report import mysql_report
from recruit_assets.hours.ports import Derivation, StageResult, StoredHours
from recruit_assets.hours.replacement import publish_hours, replace_hours
from recruit_assets.runtime.settings import Settings
from recruit_assets.stores.cassandra.hour_tables import CassandraHourTables
from recruit_assets.stores.cassandra.session import CassandraSession, open_session
from recruit_assets.stores.mysql.connection import ReportDatabase, open_report_database
from recruit_assets.stores.mysql.hour_sink import MySqlReport
from recruit_assets.stores.spark.frames import CassandraFrames
from recruit_assets.stores.spark.warm import attached_session

Row = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class ReportStores:
    """Open connections to one platform's stores."""

    settings: Settings
    session: CassandraSession
    database: ReportDatabase
    spark: SparkSession

    def replace(self, hour: datetime, *, keep_unchanged: bool = False) -> tuple[StageResult, StageResult]:
        """The three stages for one hour, each as its IO manager calls it; what the first and the last of them did."""
        tables = CassandraHourTables(self.session, CassandraFrames(self.spark, self.settings))
        hours, run_id = [hour], str(uuid4())
        filtered = replace_hours(
            tables,
            _derivation(filtered_events, RAW_EVENTS),
            into=FILTERED_EVENTS,
            hours=hours,
            run_id=run_id,
            keep_unchanged=keep_unchanged,
        )
        metrics = _derivation(hourly_job_metrics, FILTERED_EVENTS)
        replace_hours(
            tables, metrics, into=HOURLY_JOB_METRICS, hours=hours, run_id=run_id, keep_unchanged=keep_unchanged
        )
        report = _derivation(mysql_report, HOURLY_JOB_METRICS)
        return filtered, publish_hours(tables, MySqlReport(self.database), report, hours=hours, run_id=run_id)

    def rows(self, hour: datetime, *, table: str = MYSQL_REPORT.name) -> Sequence[Row]:
        """The hour's rows of a table with the report's columns, sorted."""
        day = hour.replace(hour=0, tzinfo=None)
        columns = ", ".join(MYSQL_REPORT.column_names)
        order = ", ".join(MYSQL_REPORT.primary_key)
        return self.database.query(
            f"SELECT {columns} FROM {table} WHERE dates = %s AND hours = %s ORDER BY {order}", (day, hour.hour)
        )

    def server_reads(self) -> dict[str, int]:
        """How many reads of one partition, and of ranges, Cassandra has served of this keyspace's tables."""
        found: dict[str, int] = {}
        for view in ("local_read_latency", "local_scan_latency"):
            rows = self.session.execute(f"SELECT keyspace_name, table_name, count FROM system_views.{view}")
            found |= {
                f"{table} ({view.split('_')[1]})": count
                for keyspace, table, count in rows
                if keyspace == self.settings.cassandra_keyspace
            }
        return found


@functools.cache
def _derivation(asset: dg.AssetsDefinition, source: CassandraTable) -> Derivation:
    """What the asset makes of its input; Dagster takes long to call an asset outside of a run."""
    derivation = asset(StoredHours(source))
    if not isinstance(derivation, Derivation):
        raise TypeError(f"{asset.key} derives nothing from {source.name}")
    return derivation


@contextmanager
def report_stores(settings: Settings) -> Iterator[ReportStores]:
    """Connections, and a session in the warm Spark."""
    with open_session(settings) as session, open_report_database(settings) as database:
        yield ReportStores(settings, session, database, attached_session(Path(settings.spark_gateway)))

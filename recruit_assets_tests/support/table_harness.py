"""The three hourly tables behind one interface: set an hour's input, run the step, read what is stored.

Inputs are written and outputs read with plain statements, not by the code under test.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from uuid import UUID, uuid4

from pyspark.sql import DataFrame

from recruit_assets.contract.tables import (
    BUCKET_VERSIONS,
    FILTERED_EVENTS,
    HOUR_COVERAGE,
    HOURLY_JOB_METRICS,
    MYSQL_REPORT,
    RAW_EVENTS,
)
from recruit_assets.contract.types import HourTable
from recruit_assets.hours.replacement import (
    PreAggregation,
    Replaced,
    begin_step,
    publish_hours,
    read_input,
    replace_hours,
)
from recruit_assets.stores.cassandra.hour_tables import CassandraHourStore
from recruit_assets.stores.cassandra.session import CassandraSession
from recruit_assets.stores.mysql.connection import ReportDatabase
from recruit_assets.stores.mysql.hour_sink import MySqlHourSink
from recruit_assets.stores.mysql.lookups import refresh_lookups_completely
from recruit_assets.stores.spark.frames import CassandraFrames, stream_by_hour
from recruit_assets.transforms.hourly import count_actions, countable, to_report
from recruit_assets_tests.support.builders import uuid1_at

RECEIVED = datetime(2026, 1, 6, tzinfo=UTC)
BUCKET = 5


def replace_from(
    store: CassandraHourStore,
    source: HourTable,
    body: Callable[[DataFrame], DataFrame],
    into: HourTable,
    hours: Sequence[datetime],
    *,
    run_id: str,
    incremental: bool = False,
    pre_aggregation: PreAggregation[DataFrame] | None = None,
    computed_by: str = "",
) -> Replaced:
    """Load the input, call the asset's function and store the result, as Dagster does with an asset."""
    step = begin_step(store, run_id, hours)
    rows = body(read_input(store, step, source, hours))
    return replace_hours(
        store,
        into,
        rows,
        step,
        hours,
        incremental=incremental,
        pre_aggregation=pre_aggregation,
        computed_by=computed_by,
    )


def raise_version(session: CassandraSession, hour: datetime, bucket: int) -> None:
    """What ingest does after it has stored events of a bucket: without a version, no run reads it."""
    versions = f"UPDATE {session.table(BUCKET_VERSIONS)} SET last_flights = last_flights + %s"
    session.execute(f"{versions} WHERE event_hour = %s AND writer = %s", ({bucket: 1}, hour, uuid4()))


class TableHarness(ABC):
    """One table on the real engines; a job stands for one click."""

    source: HourTable
    into: HourTable

    def __init__(self, session: CassandraSession, database: ReportDatabase, frames: CassandraFrames) -> None:
        self.session, self.database = session, database
        self.store = CassandraHourStore(session, frames)

    def give(self, hour: datetime, jobs: Sequence[int], *, covered_through_ms: int | None = None) -> None:
        """Replace the hour's input by these jobs and cover it, until now by default."""
        for bucket in self._buckets():
            where = "event_hour = %s" + (" AND bucket = %s" if bucket else "")
            self.session.execute(f"DELETE FROM {self.session.table(self.source)} WHERE {where}", (hour, *bucket))
        for job in jobs:
            self._insert(hour, job)
        self.session.execute(
            f"INSERT INTO {self.session.table(HOUR_COVERAGE)} (event_hour, stage, covered_through) VALUES (%s, %s, %s)",
            (hour, self.source.name, covered_through_ms or self.session.now_ms()),
        )

    @abstractmethod
    def run(self, hours: Sequence[datetime], *, run_id: str = "a run") -> Replaced: ...
    @abstractmethod
    def jobs(self, hour: datetime) -> list[int]:
        """The jobs that the table holds for the hour, in order."""

    @abstractmethod
    def _insert(self, hour: datetime, job: int) -> None: ...

    def _buckets(self) -> list[tuple[int, ...]]:
        return [(BUCKET,)] if "bucket" in self.source.partition_key else [()]

    def _put(self, **values: object) -> None:
        columns = ", ".join(values)
        markers = ", ".join(["%s"] * len(values))
        statement = f"INSERT INTO {self.session.table(self.source)} ({columns}) VALUES ({markers})"
        self.session.execute(statement, tuple(values.values()))


class FilteredEvents(TableHarness):
    source = RAW_EVENTS
    into = FILTERED_EVENTS

    def run(self, hours: Sequence[datetime], *, run_id: str = "a run") -> Replaced:
        return replace_from(self.store, self.source, countable, self.into, hours, run_id=run_id)

    def jobs(self, hour: datetime) -> list[int]:
        select = f"SELECT job_id FROM {self.session.table(self.into)} WHERE event_hour = %s AND bucket = %s"
        return sorted(job for (job,) in self.session.execute(select, (hour, BUCKET)))

    def _insert(self, hour: datetime, job: int) -> None:
        self._put(
            event_hour=hour, bucket=BUCKET, create_time=_identity(hour, job), event_time=hour, received_at=RECEIVED,
            custom_track="click", job_id=job,
        )  # fmt: skip
        raise_version(self.session, hour, BUCKET)


class HourlyJobMetrics(TableHarness):
    source = FILTERED_EVENTS
    into = HOURLY_JOB_METRICS

    def run(self, hours: Sequence[datetime], *, run_id: str = "a run") -> Replaced:
        return replace_from(self.store, self.source, count_actions, self.into, hours, run_id=run_id)

    def jobs(self, hour: datetime) -> list[int]:
        select = f"SELECT job_id, clicks FROM {self.session.table(self.into)} WHERE event_hour = %s"
        return sorted(job for job, clicks in self.session.execute(select, (hour,)) for _ in range(clicks))

    def _insert(self, hour: datetime, job: int) -> None:
        self._put(
            event_hour=hour, bucket=BUCKET, create_time=_identity(hour, job), event_time=hour, received_at=RECEIVED,
            action="click", job_id=job, publisher_id=0, campaign_id=0, group_id=0, bid=3,
        )  # fmt: skip


class MySqlReport(TableHarness):
    source = HOURLY_JOB_METRICS

    def run(self, hours: Sequence[datetime], *, run_id: str = "a run") -> Replaced:
        refresh_lookups_completely(self.database, MYSQL_REPORT)
        step = begin_step(self.store, run_id, hours)
        sink = MySqlHourSink(self.database, MYSQL_REPORT)
        rows = to_report(read_input(self.store, step, self.source, hours)).select(*sink.columns)
        return publish_hours(sink, stream_by_hour(rows, MYSQL_REPORT.hour_of_row), step, hours)

    def jobs(self, hour: datetime) -> list[int]:
        rows = self.database.query(
            "SELECT job_id, clicks FROM mysql_report WHERE dates = %s AND hours = %s", (hour.date(), hour.hour)
        )
        return sorted(job for job, clicks in rows for _ in range(clicks))

    def _insert(self, hour: datetime, job: int) -> None:
        self._put(
            event_hour=hour, job_id=job, publisher_id=0, campaign_id=0, group_id=0, clicks=1, conversion=0, qualified=0,
            unqualified=0, bid_sum=3, latest_received_at=RECEIVED,
        )  # fmt: skip


def _identity(hour: datetime, job: int) -> UUID:
    return uuid1_at(hour, seed=job)

"""Cassandra and MySQL tables as DataFrames, and the rows of a DataFrame streamed hour by hour."""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from itertools import groupby
from math import ceil
from typing import Any
from uuid import uuid4

from pyspark.sql import DataFrame, Row, SparkSession
from pyspark.sql.types import TimestampType
from pyspark.sql.utils import is_remote

from recruit_assets.contract.types import CassandraTable, HourTable, SqlTable
from recruit_assets.runtime.settings import Settings
from recruit_assets.stores.spark.options import WRITES, cassandra_options, mysql_options

EPOCH = datetime(1970, 1, 1)
BUCKETS_PER_TASK = 96
"""A task reads at most this many buckets, one after the other, and may hold their results in memory. Of a table without
buckets it reads one hour."""
ROWS_PER_TASK = 50_000
"""A task with fewer rows may read more buckets or hours."""

Key = tuple[Any, ...]


class CassandraFrames:
    """Cassandra tables as DataFrames of one session; every read and write is at LOCAL_QUORUM."""

    def __init__(self, spark: SparkSession, settings: Settings) -> None:
        self.spark = spark
        self._options = cassandra_options(settings)
        self._cores = _cores(spark, settings)

    def table(self, table: CassandraTable) -> DataFrame:
        """The whole table; only a join on its partition key (`by_key`) reads less."""
        return (
            self.spark.read.format("org.apache.spark.sql.cassandra").options(**self._options, table=table.name).load()
        )

    def by_key(self, table: HourTable, keys: Sequence[Key], *, row_count: int | None = None) -> DataFrame:
        """The rows of exactly these partitions. A key starts with the hour, in seconds since the epoch.

        One task per core; more only for many rows, since a further task costs more than it saves with few of them.
        Later shuffles get as many tasks.
        """
        names = table.partition_key
        tasks = ceil(len(keys) / (BUCKETS_PER_TASK if table.has_buckets else 1))
        if row_count is not None:
            tasks = min(tasks, ceil(row_count / ROWS_PER_TASK))
        tasks = max(1, min(len(keys), max(self._cores, tasks)))
        self.spark.conf.set("spark.sql.shuffle.partitions", tasks)
        # neighbouring buckets are of similar size, so each task gets some of every part of the hour
        spread = [key for first in range(tasks) for key in keys[first::tasks]]
        fields = ", ".join(f"{name}: bigint" for name in names)
        # a literal and not createDataFrame(keys), which would start Python workers to unpickle them
        listed = f"from_json('{_as_json(names, spread)}', 'array<struct<{fields}>>')"
        columns = {"event_hour": "timestamp_seconds(key.event_hour)", "bucket": "cast(key.bucket AS int)"}
        frame = self.spark.range(0, len(keys), 1, tasks).selectExpr(f"element_at({listed}, cast(id + 1 AS int)) AS key")
        return frame.selectExpr(*(f"{columns[name]} AS {name}" for name in names)).join(self.table(table), list(names))

    def append(self, table: CassandraTable, rows: DataFrame, *, timestamp: int) -> None:
        """Write the rows with this write timestamp, in microseconds."""
        writer = rows.write.format("org.apache.spark.sql.cassandra").mode("append")
        at = {"spark.cassandra.output.timestamp": str(timestamp)}
        writer.options(**self._options, **WRITES, **at, table=table.name).save()


def _cores(spark: SparkSession, settings: Settings) -> int:
    """How many tasks can run at once; on a cluster, whose executors come and go, the number in the settings."""
    if is_remote() or not settings.spark_master.startswith("local"):
        return settings.spark_cores_max
    return int(spark.sparkContext.defaultParallelism)


def sql_frame(spark: SparkSession, settings: Settings, table: SqlTable) -> DataFrame:
    """A table of the report database; filters are pushed down to MySQL."""
    return spark.read.format("jdbc").options(**mysql_options(settings, table.name)).load()


def stream_by_hour(rows: DataFrame, hour: str) -> Iterator[tuple[datetime, Iterator[tuple[Any, ...]]]]:
    """The rows, one hour after the other; `hour` is a SQL expression. Times come back as naive UTC datetimes.

    Spark must read each hour in one task. Python holds one batch of rows at a time, the driver's JVM the rows of two
    tasks (compressed), a Spark Connect server an hour.
    """
    # pyspark would turn timestamps into the local time of this process
    times = [index for index, field in enumerate(rows.schema) if isinstance(field.dataType, TimestampType)]
    plain = [f"unix_micros({name}) AS {name}" if index in times else name for index, name in enumerate(rows.columns)]
    keyed = rows.selectExpr(f"unix_micros({hour}) AS _hour", *plain)
    streamed = _streamed_from_server(keyed) if is_remote() else keyed.toLocalIterator(prefetchPartitions=True)
    for micros, group in groupby(streamed, key=lambda row: row[0]):
        yield from_micros(micros).replace(tzinfo=UTC), (_restored(row[1:], times) for row in group)


def _streamed_from_server(keyed: DataFrame) -> Iterator[Row]:
    """An hour per query: a Spark Connect server holds the whole answer of a query until it is fetched."""
    with cached(keyed) as rows:
        for (hour,) in rows.select("_hour").distinct().collect():
            yield from rows.where(f"_hour = {hour}").toLocalIterator()


@contextmanager
def cached(rows: DataFrame) -> Iterator[DataFrame]:
    """The rows, computed once and held by the executors, so that all queries in the block see the same rows."""
    # a view is analyzed only once. Spark Connect analyzes any other plan again for each query, and then doesn't find
    # the rows in its cache
    name = f"cached_{uuid4().hex}"
    rows.createTempView(name)
    try:
        yield rows.sparkSession.table(name).persist()
    finally:
        rows.sparkSession.catalog.dropTempView(name)  # it leaves the cache too


def from_micros(micros: int) -> datetime:
    """Naive UTC; exact, where fromtimestamp would go through a float."""
    return EPOCH + timedelta(microseconds=micros)


def _as_json(names: Sequence[str], keys: Sequence[Key]) -> str:
    return json.dumps([dict(zip(names, key, strict=True)) for key in keys])


def _restored(values: tuple[Any, ...], times: Sequence[int]) -> tuple[Any, ...]:
    restored = list(values)
    for index in times:
        restored[index] = None if restored[index] is None else from_micros(restored[index])
    return tuple(restored)

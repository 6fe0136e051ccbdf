"""Spark: the session's configuration, and Cassandra tables as DataFrames, read by key and written at a timestamp.

Belongs here: connector options, types, moving rows between Spark and Python. Not here: which keys (`hour_tables`), what
the rows mean (`transforms.hourly`), the session's life (`resources`).
"""

import json
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from itertools import groupby
from typing import Any
from uuid import uuid4

from py4j.protocol import Py4JError, Py4JJavaError
from pyspark.errors import PySparkException
from pyspark.sql import DataFrame, Row, SparkSession
from pyspark.sql.types import TimestampType
from pyspark.sql.utils import is_remote

from recruit_assets.artifacts import classpath, java_home
from recruit_assets.contract import MYSQL_REPORT, CassandraTable
from recruit_assets.errors import StoreUnavailable
from recruit_assets.settings import TLS_OFF, Settings
from recruit_assets.stores.cassandra import RECONNECT_MAX_S
from recruit_assets.stores.tls import TRUSTSTORE_PASSWORD, is_verified, java_truststore

EPOCH = datetime(1970, 1, 1)
BUCKETS_OF_A_TASK = 96
"""Of a keyed read, at most; a key that is a whole hour is a task's only one. A task asks for its keys one after the
other, a few in flight, and what is made of them may be held in memory."""
CIPHERS = (
    "TLS_AES_256_GCM_SHA384",
    "TLS_AES_128_GCM_SHA256",
    "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384",
    "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256",
    "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384",
    "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256",
)
"""The connector's own list (3.5.1) is two suites without forward secrecy, which no elliptic certificate serves."""

SQL = {
    "spark.sql.session.timeZone": "UTC",
    # planning again after each stage makes jobs of its own, and `by_key` knows how much is read
    "spark.sql.adaptive.enabled": "false",
    "spark.sql.ansi.enabled": "true",  # an overflow is an error, not a wrong number
}
LOOPBACK = {"spark.driver.host": "127.0.0.1", "spark.driver.bindAddress": "127.0.0.1"}
WRITES = {"spark.cassandra.output.batch.size.bytes": "4096", "spark.cassandra.output.concurrent.writes": "64"}
"""A durable commit log answers after 10 ms at the earliest: with the connector's own 5 batches of 1 KiB in flight, most
of a task's time would be waiting. Cassandra counts up to five times the connector's bytes, and refuses 50 KiB."""

Key = tuple[Any, ...]


def session_config(settings: Settings) -> dict[str, str]:
    """What a session of this process is built with: here, or at the Spark Connect server whose context isn't ours."""
    if settings.spark_remote:
        return {"spark.remote": settings.spark_remote} | SQL
    os.environ.setdefault("JAVA_HOME", str(java_home()))  # where pyspark looks for the Java that it launches
    return context_config(settings) | {
        "spark.driver.memory": settings.spark_driver_memory,
        "spark.jars": ",".join(str(jar) for jar in classpath("spark", settings)),
    }


def context_config(settings: Settings) -> dict[str, str]:
    """What every SparkContext of ours has, whoever starts its JVM."""
    return {
        "spark.app.name": "recruit_assets",
        "spark.master": settings.spark_master,
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
        "spark.sql.extensions": "com.datastax.spark.connector.CassandraSparkExtensions",
        # a run has some 60 classes generated; beyond the default of 100 they would be made and compiled again and again
        "spark.sql.codegen.cache.maxEntries": "1000",
        **SQL,
        **(LOOPBACK if settings.spark_master.startswith("local") else _share_of_cluster(settings)),
    }


def _share_of_cluster(settings: Settings) -> dict[str, str]:
    """What a session takes, so that a standalone master doesn't give all it has to the first one."""
    address = {"spark.driver.host": settings.spark_driver_host} if settings.spark_driver_host else {}
    return address | {
        "spark.cores.max": str(settings.spark_cores_max),
        "spark.executor.memory": settings.spark_executor_memory,
    }


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

    def by_key(self, table: CassandraTable, keys: Sequence[Key]) -> DataFrame:
        """The rows of exactly these partitions; a key starts with the hour, in seconds since the epoch.

        Each key is read by one task. A task more costs more than it gives where keys are few: there are as many as
        cores, and more only for more keys. What is made of the rows is shuffled into as many.
        """
        names = table.partition_key
        of_a_task = BUCKETS_OF_A_TASK if table.has_buckets else 1
        tasks = max(1, min(self._cores, len(keys)), -(-len(keys) // of_a_task))
        self.spark.conf.set("spark.sql.shuffle.partitions", tasks)
        # neighbours are alike, so each task gets some of every part of the hour
        spread = [key for first in range(tasks) for key in keys[first::tasks]]
        fields = ", ".join(f"{name}: bigint" for name in names)
        # a literal and not createDataFrame(keys), which would start Python workers to unpickle them
        listed = f"from_json('{_as_json(names, spread)}', 'array<struct<{fields}>>')"
        columns = {"event_hour": "timestamp_seconds(key.event_hour)", "bucket": "cast(key.bucket AS int)"}
        frame = self.spark.range(0, len(keys), 1, tasks).selectExpr(f"element_at({listed}, cast(id + 1 AS int)) AS key")
        return frame.selectExpr(*(f"{columns[name]} AS {name}" for name in names)).join(self.table(table), list(names))

    def append(self, table: CassandraTable, rows: DataFrame, *, t: int) -> None:
        """Write the rows at timestamp T, microseconds."""
        writer = rows.write.format("org.apache.spark.sql.cassandra").mode("append")
        timestamp = {"spark.cassandra.output.timestamp": str(t)}
        writer.options(**self._options, **WRITES, **timestamp, table=table.name).save()


def _cores(spark: SparkSession, settings: Settings) -> int:
    """How many tasks can run at once; of a cluster, whose executors come and go, how many the settings ask for."""
    if is_remote() or not settings.spark_master.startswith("local"):
        return settings.spark_cores_max
    return int(spark.sparkContext.defaultParallelism)


def report_frame(spark: SparkSession, settings: Settings) -> DataFrame:
    """The table mysql_report through JDBC, with its 16 columns; filters are pushed down to MySQL."""
    return spark.read.format("jdbc").options(**mysql_options(settings)).load()


def cassandra_options(settings: Settings) -> dict[str, str]:
    """The connector's options: where, how, at which consistency; the password is among them."""
    options = {
        "keyspace": settings.cassandra_keyspace,
        "spark.cassandra.connection.host": settings.cassandra_hosts,
        "spark.cassandra.connection.port": str(settings.cassandra_port),
        "spark.cassandra.connection.localDC": settings.cassandra_datacenter,
        "spark.cassandra.connection.reconnectionDelayMS.max": str(RECONNECT_MAX_S * 1000),
        "spark.cassandra.input.consistency.level": "LOCAL_QUORUM",  # the connector's default is LOCAL_ONE
        "spark.cassandra.output.consistency.level": "LOCAL_QUORUM",
        "spark.cassandra.output.ignoreNulls": "true",
        "directJoinSetting": "on",  # not chosen otherwise: it would scan the table
    }
    return options | _cassandra_login(settings) | _cassandra_tls(settings)


def mysql_options(settings: Settings) -> dict[str, str]:
    """Spark's and Connector/J's options for the report; the password is among them."""
    options = {
        "url": f"jdbc:mysql://{settings.mysql_host}:{settings.mysql_port}/{settings.mysql_database}",
        "connectionTimeZone": "UTC",
        "forceConnectionTimeZoneToSession": "true",
        "driver": "com.mysql.cj.jdbc.Driver",
        "dbtable": MYSQL_REPORT.name,
        "user": settings.mysql_user,
        "password": settings.mysql_password.get_secret_value(),
    }
    return options | _mysql_tls(settings)


def _cassandra_login(settings: Settings) -> dict[str, str]:
    if not settings.cassandra_user:
        return {}
    return {
        "spark.cassandra.auth.username": settings.cassandra_user,
        "spark.cassandra.auth.password": settings.cassandra_password.get_secret_value(),
    }


def _cassandra_tls(settings: Settings) -> dict[str, str]:
    """The connector checks the nodes' certificates; their host names it can't (3.5.1)."""
    if not is_verified(settings.cassandra_tls_ca):
        return {}
    options = {
        "spark.cassandra.connection.ssl.enabled": "true",
        "spark.cassandra.connection.ssl.enabledAlgorithms": ",".join(CIPHERS),
    }
    if store := java_truststore(settings.cassandra_tls_ca, settings):
        options |= {
            "spark.cassandra.connection.ssl.trustStore.path": str(store),
            "spark.cassandra.connection.ssl.trustStore.password": TRUSTSTORE_PASSWORD,
            "spark.cassandra.connection.ssl.trustStore.type": "PKCS12",
        }
    return options


def _mysql_tls(settings: Settings) -> dict[str, str]:
    """What Connector/J is told; without a setting it takes what the server offers, unverified, as PyMySQL does."""
    if settings.mysql_tls_ca == TLS_OFF:
        # MySQL's login asks for the server's key where the connection isn't encrypted
        return {"sslMode": "DISABLED", "allowPublicKeyRetrieval": "true"}
    if not is_verified(settings.mysql_tls_ca):
        return {}
    options = {"sslMode": "VERIFY_IDENTITY"}
    if store := java_truststore(settings.mysql_tls_ca, settings):
        options |= {
            "trustCertificateKeyStoreUrl": store.as_uri(),
            "trustCertificateKeyStorePassword": TRUSTSTORE_PASSWORD,
            "trustCertificateKeyStoreType": "PKCS12",
            "fallbackToSystemTrustStore": "false",
        }
    return options


def stream_by_hour(rows: DataFrame, hour: str) -> Iterator[tuple[datetime, Iterator[tuple[Any, ...]]]]:
    """Rows hour by hour as they come from Spark, which read each hour in one task; `hour` is SQL for a timestamp.

    Python holds a batch of them at a time; the driver's JVM two hours, compressed, a Spark Connect server one.
    Times come back as naive UTC datetimes.
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
    with kept(keyed) as rows:
        for (hour,) in rows.select("_hour").distinct().collect():
            yield from rows.where(f"_hour = {hour}").toLocalIterator()


@contextmanager
def kept(rows: DataFrame) -> Iterator[DataFrame]:
    """The rows, worked out once and then held by the executors: all that is asked of them is of the very same rows."""
    # Spark Connect analyzes a plan for each query anew, and a table that is looked up anew isn't the one in the cache;
    # a view is analyzed when it is made
    name = f"kept_{uuid4().hex}"
    rows.createTempView(name)
    try:
        yield rows.sparkSession.table(name).persist()
    finally:
        rows.sparkSession.catalog.dropTempView(name)  # it leaves the cache too


@contextmanager
def translated_errors() -> Iterator[None]:
    """Turn what Spark raises, a screen of Java, into StoreUnavailable with the innermost cause in one line."""
    try:
        yield
    except (Py4JError, PySparkException) as error:
        raise StoreUnavailable(f"Spark couldn't do its work: {_innermost(error)}") from error


def _innermost(error: Exception) -> str:
    told = str(error)
    if isinstance(error, Py4JJavaError):
        cause = error.java_exception
        try:
            while (deeper := cause.getCause()) is not None:
                cause = deeper
            told = str(cause.toString())
        except Py4JError:  # the JVM is gone, and with it what the exception would tell
            told = str(error.errmsg)
    return told.strip().partition("\n")[0]


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

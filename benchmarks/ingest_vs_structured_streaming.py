"""Our ingest against Spark Structured Streaming: its Kafka source, from_json, the Cassandra connector's append.

The session is warm and has run the same query before. The query drops unknown fields, rejects nothing and writes no
change feed. It uses the write settings of our runs, with larger batches and more of them at once: with the connector's
defaults it was ten times slower on a commit log that waits for the disk.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from pyspark import SparkContext
from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F  # noqa: N812  # how Spark's own documentation names it

from benchmarks.engines import BenchmarkEngines
from benchmarks.figure import Figure, Goal, Side, interleaved
from benchmarks.ingest import OURS, Rows, SameRows, empty, ours, rows_in_kafka, seconds_of
from benchmarks.peer_jars import peer_classpath
from recruit_assets.contract.events import EVENT_COLUMNS
from recruit_assets.contract.tables import RAW_EVENTS
from recruit_assets.contract.types import Type
from recruit_assets.runtime.settings import Settings
from recruit_assets.stores.spark.options import WRITES, cassandra_login
from recruit_assets.stores.spark.session import session_config
from recruit_assets.transforms.buckets import FIRST_LAYOUT
from recruit_assets_tests.support.kafka_logins import java_options

EVENTS = 300_000
UUID_EPOCH = "122192928000000000"
HOUR_MS = 3_600_000


def measure(engines: BenchmarkEngines, repeats: int) -> list[Figure]:
    """Events per second of both, with the durable commit log."""
    same = SameRows(EVENTS)
    with rows_in_kafka(engines, EVENTS) as rows, _spark(rows.many) as spark:
        _streamed(spark, rows, same)  # warm-up
        found = interleaved({"ours": lambda: ours(rows, same), "peer": lambda: _streamed(spark, rows, same)}, repeats)
    ours_side = Side(OURS, "events/s", found["ours"])
    peer = Side("Spark Structured Streaming, warm", "events/s", found["peer"])
    return [
        Figure(
            key="ingest_vs_structured_streaming",
            title="Kafka to Cassandra, against Spark Structured Streaming",
            value=ours_side.median / peer.median,
            unit="x",
            goal=Goal(at_least=1.5),
            ours=ours_side,
            peer=peer,
            notes=(f"{EVENTS:,} events per repeat; spark-sql-kafka 3.5.7", *rows.notes),
        )
    ]


@contextmanager
def _spark(settings: Settings) -> Iterator[SparkSession]:
    config = session_config(settings.model_copy(update={"spark_driver_memory": "2g"}))
    jars = [config["spark.jars"], *(str(jar) for jar in peer_classpath("spark-kafka", settings))]
    builder = SparkSession.builder
    for name, value in (config | {"spark.jars": ",".join(jars), "spark.sql.ansi.enabled": "false"}).items():
        builder = builder.config(name, value)
    session = builder.getOrCreate()
    session.sparkContext.setLogLevel("ERROR")
    try:
        yield session
    finally:
        session.stop()
        _forget_jvm()


def _forget_jvm() -> None:
    """End the session's JVM; pyspark would keep it and use it for every later session of this process."""
    gateway = SparkContext._gateway
    SparkContext._gateway = SparkContext._jvm = None
    if gateway is not None:
        gateway.shutdown()
        gateway.proc.stdin.close()


def _streamed(spark: SparkSession, rows: Rows, same: SameRows) -> float:
    """Rows per second of a query over the whole topic."""
    start_s = seconds_of(lambda: _stream(spark, rows.few))
    empty(rows.many)
    whole_s = rows.seconds("the query", lambda: _stream(spark, rows.many))
    same(rows.many)
    return rows.rate(whole_s, start_s)


def _stream(spark: SparkSession, settings: Settings) -> None:
    source = {
        **{f"kafka.{name}": value for name, value in java_options(settings).items()},
        "subscribe": settings.kafka_topic,
        "startingOffsets": "earliest",
    }
    sink = {
        "keyspace": settings.cassandra_keyspace,
        "table": RAW_EVENTS.name,
        "spark.cassandra.connection.host": settings.cassandra_hosts,
        "spark.cassandra.connection.port": str(settings.cassandra_port),
        "spark.cassandra.connection.localDC": settings.cassandra_datacenter,
        "spark.cassandra.output.consistency.level": "LOCAL_QUORUM",
        "spark.cassandra.output.ignoreNulls": "true",
        **cassandra_login(settings),
        **WRITES,
    }
    with TemporaryDirectory(dir=Path(settings.state_dir)) as checkpoints:
        records = spark.readStream.format("kafka").options(**source).load()
        writer = typed_rows(records).writeStream.format("org.apache.spark.sql.cassandra").options(**sink)
        query = writer.option("checkpointLocation", checkpoints).outputMode("append").trigger(availableNow=True).start()
        query.awaitTermination()


def typed_rows(records: DataFrame) -> DataFrame:
    """Kafka records as rows of raw_events. Fields are read as text first, since trackers spell numbers in many ways."""
    schema = ", ".join(f"`{column.name}` string" for column in EVENT_COLUMNS)
    event = F.from_json(F.col("value").cast("string"), schema)
    fields = records.select(event.alias("event"), F.col("timestamp").alias("received_at")).select(
        "event.*", "received_at"
    )
    event_ms = F.coalesce(F.unix_millis(F.to_timestamp("ts")), _uuid_ms())
    timed = fields.withColumn("event_ms", event_ms).withColumn("hour_ms", F.expr(f"event_ms - event_ms % {HOUR_MS}"))
    slices, shards = FIRST_LAYOUT.slices, FIRST_LAYOUT.shards
    key = F.unhex(F.regexp_replace("create_time", "-", ""))
    bucket = F.expr(f"(event_ms - hour_ms) * {slices} div {HOUR_MS}") * shards + F.crc32(key) % shards
    typed = [F.col(c.name).cast("double").cast("int") if c.type is Type.INT else F.col(c.name) for c in EVENT_COLUMNS]
    return timed.select(
        F.timestamp_millis("hour_ms").alias("event_hour"),
        bucket.cast("int").alias("bucket"),
        *typed,
        F.timestamp_millis("event_ms").alias("event_time"),
        "received_at",
    )


def _uuid_ms() -> Column:
    """The time in create_time, in milliseconds since the epoch."""
    hexadecimal = "concat(substr(create_time, 16, 3), substr(create_time, 10, 4), substr(create_time, 1, 8))"
    return F.expr(f"(cast(conv({hexadecimal}, 16, 10) as bigint) - {UUID_EPOCH}) div 10000")

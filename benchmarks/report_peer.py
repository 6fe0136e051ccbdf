"""The report as a typical PySpark job computes it: a scan of the whole table, four counts, and their full outer join.

The condition on the event's time isn't on a key, so Spark reads all of raw_events and filters it. Each action is
counted by itself, the four counts are joined, companies come from the job table, and JDBC appends the rows. Spark scans
the table four times unless the events are cached; both ways are measured.
"""

import functools
from datetime import datetime, timedelta
from functools import reduce

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F  # noqa: N812  # how Spark's own documentation names it

from benchmarks.ingest import seconds_of
from benchmarks.report_hour import ReportStores
from recruit_assets.contract.tables import JOB, MYSQL_REPORT, RAW_EVENTS
from recruit_assets.runtime.settings import Settings
from recruit_assets.stores.spark.options import cassandra_login, mysql_options

TABLE = "peer_report"
KEY = ["dates", "hours", "job_id", "publisher_id", "campaign_id", "group_id"]
ACTIONS = {
    "clicks": ["click", "clicks"],
    "conversion": ["conversion"],
    "qualified_application": ["qualified"],
    "disqualified_application": ["unqualified"],
}


def make_table(stores: ReportStores) -> None:
    stores.database.query(f"CREATE TABLE IF NOT EXISTS {TABLE} LIKE {MYSQL_REPORT.name}")


def peer_s(stores: ReportStores, hour: datetime | None = None, *, cached: bool) -> float:
    """Seconds of the peer for the hour, or for all; RuntimeError unless its rows are the same as ours."""
    stores.database.query(f"DELETE FROM {TABLE}")
    seconds = seconds_of(lambda: _append(stores, hour, cached=cached))
    ours = stores.rows(hour)
    if not ours or stores.rows(hour, table=TABLE) != ours:
        raise RuntimeError(f"the report of {hour or 'all hours'} differs between the sides: the times don't count")
    return seconds


def _append(stores: ReportStores, hour: datetime | None, *, cached: bool) -> None:
    """Append the rows to the peer's table; with `cached`, the events are scanned only once."""
    jdbc = {name: value for name, value in mysql_options(stores.settings, JOB.name).items() if name != "dbtable"}
    spark = _session(stores.spark)
    companies = spark.read.format("jdbc").options(**jdbc, dbtable=JOB.name).load()
    events = _events(spark, stores.settings, hour)
    if cached:
        events = events.cache()
    counts = [_counted(events, name, spellings) for name, spellings in ACTIONS.items()]
    joined = reduce(lambda left, right: left.join(right, KEY, "full_outer"), counts)
    report = joined.join(
        companies.select(F.col("id").alias("job_id"), F.col("company_id").alias("company")), "job_id", "left"
    )
    _columns(report).write.format("jdbc").options(**jdbc, dbtable=TABLE).mode("append").save()
    events.unpersist()


@functools.cache
def _session(ours: SparkSession) -> SparkSession:
    """A session with Spark's defaults, except that 200 shuffle partitions would only slow it down."""
    spark = ours.newSession()
    spark.conf.set("spark.sql.adaptive.enabled", "true")
    spark.conf.set("spark.sql.shuffle.partitions", 8)
    return spark


def _events(spark: SparkSession, settings: Settings, hour: datetime | None) -> DataFrame:
    source = {
        "keyspace": settings.cassandra_keyspace,
        "table": RAW_EVENTS.name,
        "spark.cassandra.connection.host": settings.cassandra_hosts,
        "spark.cassandra.connection.port": str(settings.cassandra_port),
        "spark.cassandra.connection.localDC": settings.cassandra_datacenter,
        **cassandra_login(settings),
    }
    events = spark.read.format("org.apache.spark.sql.cassandra").options(**source).load()
    if hour is not None:
        start, end = (f"{moment:%Y-%m-%d %H:%M:%S}" for moment in (hour, hour + timedelta(hours=1)))
        events = events.where((F.col("event_time") >= start) & (F.col("event_time") < end))
    zeros = [F.coalesce(name, F.lit(0)).alias(name) for name in ("publisher_id", "campaign_id", "group_id", "bid")]
    return events.where(F.col("job_id").isNotNull()).select(
        F.date_trunc("day", "event_time").alias("dates"),
        F.hour("event_time").alias("hours"),
        "job_id",
        *zeros,
        "custom_track",
        "received_at",
    )


def _counted(events: DataFrame, name: str, spellings: list[str]) -> DataFrame:
    latest = F.max("received_at").alias(f"{name}_latest")
    measures = [F.count("*").alias(name), latest]
    if name == "clicks":
        measures += [F.round(F.avg("bid"), 2).alias("bid_set"), F.sum("bid").alias("spend_hour")]
    return events.where(F.col("custom_track").isin(spellings)).groupBy(KEY).agg(*measures)


def _columns(joined: DataFrame) -> DataFrame:
    filled = {name: F.coalesce(name, F.lit(0)).cast("int") for name in ACTIONS} | {
        name: F.coalesce(name, F.lit(0.0)).cast("double") for name in ("bid_set", "spend_hour")
    }
    others = {
        "company_id": F.col("company"),
        "impressions": F.lit(None).cast("string"),
        "sources": F.lit("Cassandra"),
        "latest_update_time": F.greatest(*(f"{name}_latest" for name in ACTIONS)),
    }
    return joined.select(*((filled | others).get(name, F.col(name)).alias(name) for name in MYSQL_REPORT.column_names))

"""Hourly tables of another project, stored through our IO managers on the real engines."""

from collections.abc import Sequence
from datetime import UTC, datetime
from uuid import uuid4

import dagster as dg
import pytest
from pyspark.sql import DataFrame, SparkSession

from recruit_assets.contract.tables import CASSANDRA_TABLES, FILTERED_EVENTS, RAW_EVENTS
from recruit_assets.contract.types import Column, HourTable, Type
from recruit_assets.definitions import build_defs
from recruit_assets.defs.io_managers.cassandra import CassandraIOManager
from recruit_assets.defs.jobs import ASSETS
from recruit_assets.defs.partitions import BACKFILL_POLICY, hours
from recruit_assets.defs.resources import CassandraResource, SparkResource
from recruit_assets.runtime.errors import UserError
from recruit_assets.runtime.settings import Settings, load_settings
from recruit_assets.stores.cassandra.session import open_session
from recruit_assets.stores.mysql.connection import open_report_database
from recruit_assets.stores.schema import create_tables
from recruit_assets.stores.spark.frames import CassandraFrames
from recruit_assets_tests.conftest import sees
from recruit_assets_tests.own_project.tables import VIEWS, VISIT_REPORT, VISITS
from recruit_assets_tests.support.builders import uuid1_at
from recruit_assets_tests.support.table_harness import raise_version
from recruit_assets_tests.support.waiting import wait_until

SEVEN, EIGHT = datetime(2026, 1, 5, 7, tzinfo=UTC), datetime(2026, 1, 5, 8, tzinfo=UTC)
TWO_HOURS = {
    "dagster/asset_partition_range_start": "2026-01-05-07:00",
    "dagster/asset_partition_range_end": "2026-01-05-08:00",
}


def view(settings: Settings, hour: datetime, *pages: str) -> None:
    with open_session(settings) as session:
        for page in pages:
            session.execute(
                f"INSERT INTO {session.table(VIEWS)} (event_hour, viewer, page) VALUES (%s, %s, %s)",
                (hour, uuid4(), page),
            )


def test_another_project_stores_its_hours_in_cassandra_and_mysql(settings: Settings, spark: SparkSession) -> None:
    create_tables(settings, VIEWS, VISITS, VISIT_REPORT)
    wait_until(lambda: sees(CassandraFrames(spark, settings), VISITS), 30, what="the new tables in Spark's metadata")
    view(settings, SEVEN, "/", "/", "/jobs")
    view(settings, EIGHT, "/jobs")
    from recruit_assets_tests.own_project.definitions import defs

    def run() -> list[tuple[object, ...]]:
        job = defs.resolve_implicit_global_asset_job_def()
        with dg.DagsterInstance.ephemeral() as instance:
            assert job.execute_in_process(instance=instance, tags=TWO_HOURS).success
        with open_report_database(settings) as database:
            return database.query("SELECT event_hour, page, view_count FROM visit_report ORDER BY event_hour, page")

    seven, eight = datetime(2026, 1, 5, 7), datetime(2026, 1, 5, 8)
    assert run() == [(seven, "/", 2), (seven, "/jobs", 1), (eight, "/jobs", 1)]

    view(settings, EIGHT, "/")
    assert run() == [(seven, "/", 2), (seven, "/jobs", 1), (eight, "/", 1), (eight, "/jobs", 1)]
    with open_report_database(settings) as database:
        recorded = database.query("SELECT event_hour, row_count, event_count FROM visit_report_hours")
    assert recorded == [(seven, 2, 3), (eight, 2, 2)]


PUBLISHER_METRICS = HourTable(
    name="hourly_publisher_metrics",
    description="Countable events per publisher.",
    columns=(
        Column("event_hour", Type.TIMESTAMP, "Start of the hour, UTC", nullable=False),
        Column("publisher_id", Type.INT, "Site that showed the advertisement", nullable=False),
        Column("event_count", Type.BIGINT, "Number of countable events", nullable=False),
    ),
    partition_key=("event_hour",),
    clustering_key=("publisher_id",),
    events_in=("event_count",),
)


@dg.asset(partitions_def=hours, io_manager_key="own_io_manager", backfill_policy=BACKFILL_POLICY)
def hourly_publisher_metrics(filtered_events: DataFrame) -> DataFrame:
    return filtered_events.groupBy("event_hour", "publisher_id").count().withColumnRenamed("count", "event_count")


class WithPublishers(CassandraIOManager):
    tables = (*(table for table in CASSANDRA_TABLES if isinstance(table, HourTable)), PUBLISHER_METRICS)


def test_a_fifth_hourly_asset_is_a_declaration_and_a_transformation(settings: Settings, spark: SparkSession) -> None:
    """In the platform itself the declaration would be in contract/tables, the asset in defs/assets."""
    create_tables(settings, PUBLISHER_METRICS)
    wait_until(
        lambda: sees(CassandraFrames(spark, settings), PUBLISHER_METRICS), 30, what="the new table in Spark's metadata"
    )
    store_clicks(settings, publishers=[1, 1, 2])
    own = WithPublishers(
        cassandra=CassandraResource.from_settings(settings), spark=SparkResource.from_settings(settings)
    )
    defs = build_defs(
        settings=settings, assets=[*ASSETS, hourly_publisher_metrics], checks=[], resources={"own_io_manager": own}
    )
    job = defs.resolve_implicit_global_asset_job_def()
    wanted = [dg.AssetKey(FILTERED_EVENTS.name), dg.AssetKey(PUBLISHER_METRICS.name)]
    with dg.DagsterInstance.ephemeral() as instance:
        result = job.execute_in_process(instance=instance, tags=TWO_HOURS, asset_selection=wanted)

    materialized = result.asset_materializations_for_node(PUBLISHER_METRICS.name)
    assert [event.metadata["events"].value for event in materialized] == [3, 0]
    with open_session(settings) as session:
        rows = session.execute(f"SELECT publisher_id, event_count FROM {session.table(PUBLISHER_METRICS)}")
    assert sorted(rows) == [(1, 2), (2, 1)]


def test_an_asset_without_a_table_is_named() -> None:
    settings = load_settings()
    manager = CassandraIOManager(
        cassandra=CassandraResource.from_settings(settings), spark=SparkResource.from_settings(settings)
    )

    with pytest.raises(UserError, match="CassandraIOManager has no table for asset nothing; it has raw_events"):
        manager.table(dg.AssetKey("nothing"))


def store_clicks(settings: Settings, *, publishers: Sequence[int]) -> None:
    with open_session(settings) as session:
        for number, publisher in enumerate(publishers):
            session.execute(
                f"INSERT INTO {session.table(RAW_EVENTS)} (event_hour, bucket, create_time, event_time, received_at, "
                "custom_track, job_id, publisher_id) VALUES (%s, 0, %s, %s, %s, 'click', 1, %s)",
                (SEVEN, uuid1_at(SEVEN, seed=number), SEVEN, SEVEN, publisher),
            )
        raise_version(session, SEVEN, 0)

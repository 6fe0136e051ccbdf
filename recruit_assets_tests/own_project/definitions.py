"""Another Dagster project: it stores hourly tables of its own through our IO managers. docs/developers.md shows it."""

import dagster as dg
from pyspark.sql import DataFrame

from recruit_assets.defs.io_managers.cassandra import CassandraIOManager
from recruit_assets.defs.io_managers.mysql import MySqlIOManager
from recruit_assets.defs.resources import CassandraResource, MySqlResource, SparkResource
from recruit_assets.runtime.settings import load_settings
from recruit_assets_tests.own_project.tables import VIEWS, VISIT_REPORT, VISITS


class VisitsInCassandra(CassandraIOManager):
    tables = (VIEWS, VISITS)


class VisitsInMySql(MySqlIOManager):
    tables = (VISIT_REPORT,)


HOURS = dg.HourlyPartitionsDefinition("2026-01-01-00:00")
views = dg.AssetSpec("views", metadata={"dagster/io_manager_key": "cassandra_io"})


@dg.asset(partitions_def=HOURS, io_manager_key="cassandra_io")
def visits(views: DataFrame) -> DataFrame:
    return views.groupBy("event_hour", "page").count().withColumnRenamed("count", "view_count")


@dg.asset(partitions_def=HOURS, io_manager_key="mysql_io")
def visit_report(visits: DataFrame) -> DataFrame:
    return visits


settings = load_settings()
stores = {"cassandra": CassandraResource.from_settings(settings), "spark": SparkResource.from_settings(settings)}
defs = dg.Definitions(
    assets=[views, visits, visit_report],
    resources={
        "cassandra_io": VisitsInCassandra(**stores),
        "mysql_io": VisitsInMySql(**stores, mysql=MySqlResource.from_settings(settings)),
    },
    executor=dg.in_process_executor,
)

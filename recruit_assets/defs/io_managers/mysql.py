"""Stores assets in hourly tables of the report database, each hour in one transaction."""

from collections.abc import Sequence
from datetime import UTC, datetime
from time import monotonic
from typing import ClassVar, cast

import dagster as dg
from pyspark.sql import DataFrame

from recruit_assets.contract.tables import MYSQL_REPORT
from recruit_assets.contract.types import HourlySqlTable, SqlTable
from recruit_assets.defs.io_managers.base import HourlyIOManager, guarded, require_columns, run_metadata
from recruit_assets.defs.io_managers.metadata import add_hour_metadata, hour_numbers, run_totals, with_totals
from recruit_assets.defs.resources import MySqlResource
from recruit_assets.hours.replacement import publish_hours
from recruit_assets.stores.mysql.connection import ReportDatabase
from recruit_assets.stores.mysql.hour_sink import MySqlHourSink, preview, totals_by_hour
from recruit_assets.stores.mysql.lookups import refresh_lookups_when_due
from recruit_assets.stores.spark.frames import sql_frame, stream_by_hour


class MySqlIOManager(HourlyIOManager):
    """Replaces the run's hours in an asset's table, except hours that a newer run has replaced already.

    Another project subclasses it and lists its own tables in `tables`.
    """

    tables: ClassVar[Sequence[HourlySqlTable]] = (MYSQL_REPORT,)

    mysql: dg.ResourceDependency[MySqlResource]

    @guarded
    def handle_output(self, context: dg.OutputContext, obj: DataFrame) -> None:
        """Publish exactly the run's hours; their rows must come from Spark hour by hour."""
        started, hours = monotonic(), self.output_hours(context)
        table, database = self.table(context.asset_key), self.mysql.report_database()
        refresh_lookups_when_due(database, table)  # a project without our sensor corrects its rows here
        sink = self.sink(database, table)
        rows = stream_by_hour(require_columns(obj, sink.columns, table), table.hour_of_row)
        replaced = publish_hours(sink, rows, self.end_step(context.op_def.name, hours), hours)
        totals = totals_by_hour(database, table, hours)
        context.add_output_metadata(
            run_metadata(replaced, monotonic() - started)
            | run_totals(totals)
            | {
                "superseded_hours": dg.MetadataValue.int(len(replaced.superseded)),
                "preview": dg.MetadataValue.md(preview(database, table, hours)),
            }
        )
        add_hour_metadata(context, with_totals(hour_numbers(replaced), totals, now=datetime.now(UTC)))

    def load_input(self, context: dg.InputContext) -> DataFrame:
        """The whole table as a DataFrame; a reader's filters are pushed down to MySQL."""
        return self.frame(self.table(context.asset_key))

    def frame(self, table: SqlTable) -> DataFrame:
        return sql_frame(self.spark_session, self.mysql.settings, table)

    def sink(self, database: ReportDatabase, table: HourlySqlTable) -> MySqlHourSink:
        """What stores the table's hours."""
        return MySqlHourSink(database, table)

    def table(self, key: dg.AssetKey) -> HourlySqlTable:
        return cast("HourlySqlTable", self.declared_table(key))

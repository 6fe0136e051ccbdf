"""How an hour of the report is replaced in MySQL, and how the report is handed on.

Not here: the steps of a replacement (`stages`), statements and transactions (`stores.mysql_report`).
"""

from datetime import UTC, datetime
from time import monotonic

import dagster as dg
from pyspark.sql import DataFrame

from recruit_assets.defs.io_managers.base import hours_of_run, stage_metadata
from recruit_assets.defs.io_managers.metadata import add_hour_metadata, run_totals, with_totals
from recruit_assets.defs.resources import CassandraResource, MySqlResource, SparkResource
from recruit_assets.defs.resources.base import settings_of
from recruit_assets.defs.resources.failures import as_failures
from recruit_assets.hours.ports import Derivation
from recruit_assets.hours.replacement import publish_hours
from recruit_assets.stores.cassandra.hour_tables import CassandraHourTables
from recruit_assets.stores.mysql.hour_sink import MySqlReport, preview, totals_by_hour
from recruit_assets.stores.spark.frames import CassandraFrames, report_frame, translated_errors


class MySqlIOManager(dg.ConfigurableIOManager):
    """Replaces exactly the run's hours, rows and marks, each hour in one transaction."""

    cassandra: dg.ResourceDependency[CassandraResource]
    mysql: dg.ResourceDependency[MySqlResource]
    spark: dg.ResourceDependency[SparkResource]

    @as_failures()
    @translated_errors()
    def handle_output(self, context: dg.OutputContext, obj: Derivation) -> None:
        """Publish the run's hours; MissingCoverage if the input of one isn't known to be complete."""
        hours, started = hours_of_run(context), monotonic()
        frames = CassandraFrames(self.spark.spark_session, self.cassandra.settings)
        tables, database = CassandraHourTables(self.cassandra.session(), frames), self.mysql.report_database()
        result = publish_hours(tables, MySqlReport(database), obj, hours=hours, run_id=context.run_id)
        totals = totals_by_hour(database, hours)
        context.add_output_metadata(
            stage_metadata(result, monotonic() - started)
            | run_totals(list(totals.values()))
            | {
                "superseded_hours": dg.MetadataValue.int(len(result.superseded)),
                "preview": dg.MetadataValue.md(preview(database, hours)),
            }
        )
        add_hour_metadata(context, with_totals(result, totals, now=datetime.now(UTC)))

    def load_input(self, context: dg.InputContext) -> DataFrame:
        """The whole report as a DataFrame; what a reader filters by is pushed down to MySQL."""
        return report_frame(self.spark.spark_session, settings_of(self.mysql.overrides))

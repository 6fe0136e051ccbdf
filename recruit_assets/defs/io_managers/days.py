"""Stores days of RECRUIT_REPORT_TIMEZONE in tables of the report database; loads the hours that they are made of."""

from collections.abc import Sequence
from datetime import UTC, date, datetime
from time import monotonic
from typing import ClassVar, cast

import dagster as dg
from pyspark.sql import DataFrame

from recruit_assets.contract.tables import DAILY_JOB_METRICS, FILTERED_EVENTS, HOURLY_JOB_METRICS
from recruit_assets.contract.types import DailySqlTable, HourTable
from recruit_assets.defs.io_managers.base import HourlyIOManager, guarded, require_columns, run_metadata
from recruit_assets.defs.io_managers.cassandra import once_covered
from recruit_assets.defs.io_managers.metadata import hour_numbers, run_totals, with_totals
from recruit_assets.defs.partitions import DAY_FORMAT
from recruit_assets.defs.resources import MySqlResource
from recruit_assets.defs.runs import days_of_tags
from recruit_assets.hours.days import LocalDays, day_hours
from recruit_assets.hours.replacement import (
    Step,
    begin_step,
    publish_hours,
    read_input,
    step_of_days,
    versions_of_days,
)
from recruit_assets.runtime.errors import UserError
from recruit_assets.runtime.settings import load_settings
from recruit_assets.runtime.times import from_ms
from recruit_assets.stores.cassandra.retention import read_retention
from recruit_assets.stores.dagster.compat import add_partition_metadata
from recruit_assets.stores.mysql.day_sink import MySqlDaySink, newest_timestamp
from recruit_assets.stores.mysql.day_sums import refresh_days_when_due
from recruit_assets.stores.mysql.hour_sink import preview, totals_by_hour
from recruit_assets.stores.spark.frames import stream_by_hour
from recruit_assets.transforms.daily import with_date

PARTS, WHOLE, CUT = "hours", "whole", "cut"
"""Metadata of an input: whether it has the hours that belong to a day completely, or those that a day cuts."""


class DaysIOManager(HourlyIOManager):
    """Replaces the run's days; a day with an expired hour stays as it is.

    An input is the rows of the run's days in an hourly table of Cassandra, with their day as `date`.
    """

    tables: ClassVar[Sequence[DailySqlTable | HourTable]] = (DAILY_JOB_METRICS, HOURLY_JOB_METRICS, FILTERED_EVENTS)
    times: ClassVar[dict[str, str]] = {WHOLE: "event_hour", CUT: "event_time"}

    mysql: dg.ResourceDependency[MySqlResource]

    @guarded
    def load_input(self, context: dg.InputContext) -> DataFrame:
        """The rows, as a query that runs later. MissingCoverage if an hour is pending or being replaced."""
        table, parts = cast("HourTable", self.declared_table(context.asset_key)), context.definition_metadata[PARTS]
        days, step = self.local_days(), self.day_step(context.op_def.name)
        hours = days.whole_hours if parts == WHOLE else days.cut_hours
        rows = once_covered(lambda: read_input(self.store, step, table, hours, untouched_are_empty=True))
        return with_date(rows, self.times[parts], days.spans())

    @guarded
    def handle_output(self, context: dg.OutputContext, obj: DataFrame) -> None:
        """Publish exactly the run's days, each in one transaction."""
        started, days = monotonic(), self.local_days()
        table, database = cast("DailySqlTable", self.declared_table(context.asset_key)), self.mysql.report_database()
        refresh_days_when_due(database)  # a project without our sensor corrects its rows here
        step, hours = self.end_step(context.op_def.name, days.hours), days.hours_by_day()
        sink = MySqlDaySink(database, table, zone=days.zone.key, hours_versions=versions_of_days(step, hours))
        rows = stream_by_hour(require_columns(obj, sink.columns, table), table.hour_of_row)
        replaced = publish_hours(sink, rows, step_of_days(step, hours), list(hours))
        context.add_output_metadata(
            run_metadata(replaced, monotonic() - started)
            | {
                "days": dg.MetadataValue.int(len(hours)),
                "superseded_days": dg.MetadataValue.int(len(replaced.superseded)),
                "frozen_days": dg.MetadataValue.int(len(self.asked_days()) - len(hours)),
            }
        )
        if hours:
            totals = totals_by_hour(database, table, list(hours))
            shown = dg.MetadataValue.md(preview(database, table, list(hours)))
            context.add_output_metadata(run_totals(totals) | {"preview": shown})
            for day, numbers in with_totals(hour_numbers(replaced), totals, now=datetime.now(UTC)).items():
                add_partition_metadata(context, day.strftime(DAY_FORMAT), numbers)

    def day_step(self, name: str) -> Step:
        """The step with this name; its write timestamp exceeds that of every earlier run of its hours and days."""
        days = self.local_days()
        newest = newest_timestamp(self.mysql.report_database(), DAILY_JOB_METRICS, days.days)
        return self.step_begun_by(name, lambda: begin_step(self.store, self.run_id, days.hours, newest=newest))

    def asked_days(self) -> Sequence[date]:
        """The days that the run's tags name."""
        days = days_of_tags(self.tags)
        if days is None:
            raise UserError("this run names no days: pick partitions")
        return days

    def local_days(self) -> LocalDays:
        """The run's days whose events are all kept: the same for all inputs and outputs of a run."""
        return self.once("local days", self._local_days)

    def _local_days(self) -> LocalDays:
        days, zone = self.asked_days(), load_settings().report_zone
        frozen_before = read_retention(self.session).frozen_before(from_ms(self.session.now_ms()))
        if frozen_before is not None:
            days = [day for day in days if all(part.hour >= frozen_before for part in day_hours(day, zone))]
        return LocalDays(tuple(days), zone)

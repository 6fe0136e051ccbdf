"""Stores days of RECRUIT_REPORT_TIMEZONE in tables of the report database; loads the hours that they are made of."""

from collections.abc import Sequence
from datetime import UTC, datetime
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
from recruit_assets.hours.days import LocalDays, day_hours, label
from recruit_assets.hours.replacement import publish_hours, read_input, step_of_days, versions_of_days
from recruit_assets.runtime.errors import UserError
from recruit_assets.runtime.settings import load_settings
from recruit_assets.runtime.times import from_ms
from recruit_assets.stores.cassandra.retention import read_retention
from recruit_assets.stores.dagster.compat import add_partition_metadata
from recruit_assets.stores.mysql.day_sink import MySqlDaySink
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
        days = self.local_days()
        step = self.step(context.op_def.name, all_hours(days))
        hours = days.whole_hours if parts == WHOLE else days.cut_hours
        rows = once_covered(lambda: read_input(self.store, step, table, hours, untouched_are_empty=True))
        return with_date(rows, self.times[parts], days.spans())

    @guarded
    def handle_output(self, context: dg.OutputContext, obj: DataFrame) -> None:
        """Publish exactly the run's days, each in one transaction."""
        started, days = monotonic(), self.local_days()
        table = cast("DailySqlTable", self.declared_table(context.asset_key))
        database, labels = self.mysql.report_database(), [label(day) for day in days.days]
        refresh_days_when_due(database)  # a project without our sensor corrects its rows here
        step, hours = self.end_step(context.op_def.name, all_hours(days)), days.hours_by_day()
        sink = MySqlDaySink(database, table, zone=days.zone.key, hours_versions=versions_of_days(step, hours))
        rows = stream_by_hour(require_columns(obj, sink.columns, table), table.hour_of_row)
        replaced = publish_hours(sink, rows, step_of_days(step, hours), labels)
        totals = totals_by_hour(database, table, labels)
        context.add_output_metadata(
            run_metadata(replaced, monotonic() - started)
            | run_totals(totals)
            | {
                "days": dg.MetadataValue.int(len(labels)),
                "superseded_days": dg.MetadataValue.int(len(replaced.superseded)),
                "preview": dg.MetadataValue.md(preview(database, table, labels)),
            }
        )
        for day, numbers in with_totals(hour_numbers(replaced), totals, now=datetime.now(UTC)).items():
            add_partition_metadata(context, day.strftime(DAY_FORMAT), numbers)

    def local_days(self) -> LocalDays:
        """The run's days whose events are all kept: the same for all inputs and outputs of a run."""
        return self.once("local days", self._local_days)

    def _local_days(self) -> LocalDays:
        days, zone = days_of_tags(self.tags), load_settings().report_zone
        if days is None:
            raise UserError("this run names no days: pick partitions")
        frozen_before = read_retention(self.session).frozen_before(from_ms(self.session.now_ms()))
        kept = [
            day
            for day in days
            if frozen_before is None or all(part.hour >= frozen_before for part in day_hours(day, zone))
        ]
        if not kept:
            raise UserError(
                f"frozen: {days[0]} to {days[-1]}. Events of these days have expired (RECRUIT_RETENTION_DAYS), so this "
                f"run would lose them. Nothing was changed. Pick days after {frozen_before:%Y-%m-%d %H:%M} UTC"
            )
        return LocalDays(tuple(kept), zone)


def all_hours(days: LocalDays) -> list[datetime]:
    """Every hour that a run of the days reads."""
    return sorted({*days.whole_hours, *days.cut_hours})

"""Stores downstream assets in the report database; loads the raw events of their hours, and of the hours before."""

from collections.abc import Sequence
from typing import ClassVar

import dagster as dg
from pyspark.sql import DataFrame

from recruit_assets.contract.tables import DOWNSTREAM_TABLES, JOB, RAW_EVENTS
from recruit_assets.contract.types import DownstreamTable, HourlySqlTable
from recruit_assets.defs.downstream import DOWNSTREAM
from recruit_assets.defs.io_managers.base import guarded
from recruit_assets.defs.io_managers.mysql import MySqlIOManager
from recruit_assets.hours.downstream import Downstream
from recruit_assets.hours.planning import HOUR
from recruit_assets.hours.replacement import read_input
from recruit_assets.runtime.errors import UserError
from recruit_assets.stores.mysql.connection import ReportDatabase
from recruit_assets.stores.mysql.downstream import DownstreamSink
from recruit_assets.stores.mysql.hour_sink import MySqlHourSink


class DownstreamIOManager(MySqlIOManager):
    """Replaces the run's hours in an asset's table, from raw events that are read in the same step."""

    tables: ClassVar[Sequence[DownstreamTable]] = DOWNSTREAM_TABLES
    switched_on: ClassVar[Sequence[Downstream]] = DOWNSTREAM

    @guarded
    def load_input(self, context: dg.InputContext) -> DataFrame:
        """The raw events of the run's hours, and of as many hours before as the asset needs; or the job dimension."""
        if context.asset_key.path[-1] == JOB.name:  # it is read when rows are, after the step's begin
            return self.frame(JOB)
        hours, before = self.input_hours(context), self.downstream(context.op_def.name).hours_before
        step = self.step(context.op_def.name, hours)
        earlier = [hours[0] - number * HOUR for number in range(before, 0, -1)]
        return read_input(self.store, step, RAW_EVENTS, [*earlier, *hours])

    def handle_output(self, context: dg.OutputContext, obj: DataFrame) -> None:
        """Publish exactly the run's hours; rows of the hours before are left out."""
        first = self.output_hours(context)[0]
        super().handle_output(context, obj.where(f"event_hour >= timestamp'{first:%Y-%m-%d %H:%M:%S}Z'"))

    def sink(self, database: ReportDatabase, table: HourlySqlTable) -> MySqlHourSink:
        return DownstreamSink(database, self.downstream(table.name))

    def downstream(self, name: str) -> Downstream:
        """What the settings say about the asset."""
        for one in self.switched_on:
            if one.table.name == name:
                return one
        raise UserError(f"the settings of this process don't switch {name} on")

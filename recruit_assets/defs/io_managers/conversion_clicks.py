"""Stores applications with their clicks, and re-opens later hours whose applications have other clicks by now."""

from collections.abc import Sequence
from datetime import datetime
from time import monotonic
from typing import ClassVar

import dagster as dg
from pyspark.sql import DataFrame

from recruit_assets.contract.tables import ATTRIBUTED_CONVERSIONS, CONVERSION_CLICKS
from recruit_assets.contract.types import HourTable
from recruit_assets.defs.io_managers.base import HourlyIOManager, guarded, run_metadata
from recruit_assets.defs.io_managers.metadata import add_hour_metadata, hour_numbers
from recruit_assets.defs.resources import MySqlResource
from recruit_assets.defs.rules import RULES
from recruit_assets.hours.bucket_state import Partition
from recruit_assets.hours.replacement import replace_hours
from recruit_assets.runtime.errors import UserError
from recruit_assets.runtime.settings import load_settings
from recruit_assets.runtime.times import from_ms
from recruit_assets.stores.cassandra.attribution import require_rules
from recruit_assets.stores.cassandra.conversion_clicks import ClickQuality, Clicks, ConversionClickStore
from recruit_assets.stores.mysql.downstream import reopen_hours
from recruit_assets.stores.mysql.end_dates import end_dates
from recruit_assets.transforms.conversions import IS_CLICK, may_have_changed
from recruit_assets.transforms.found_jobs import JobFinder


class ConversionClicksIOManager(HourlyIOManager):
    """Takes the run's events that count, stores the applications among them, and compares the clicks with later hours.

    Later hours are marked first: if the run dies, its own hours stay stale and the next run compares again. A later
    hour that a run is replacing has no coverage, and that run may have looked for clicks before these were there.
    """

    tables: ClassVar[Sequence[HourTable]] = (CONVERSION_CLICKS,)

    mysql: dg.ResourceDependency[MySqlResource]

    def load_input(self, context: dg.InputContext) -> DataFrame:
        """Other assets read the table with the Cassandra IO manager."""
        raise UserError(f"{type(self).__name__} stores only: give the input {context.name} an input_manager_key")

    @guarded
    def handle_output(self, context: dg.OutputContext, obj: DataFrame) -> None:
        """Replace exactly the run's hours."""
        started, hours = monotonic(), self.output_hours(context)
        step, database = self.end_step(context.op_def.name, hours), self.mysql.report_database()
        settings = load_settings()
        require_rules(self.session, RULES)
        days = settings.attribution_days
        quality = ClickQuality(settings.click_rules, end_dates(database)) if settings.has_click_quality else None
        clicks = Clicks(self.session, JobFinder(RULES), days=days, quality=quality)
        store = ConversionClickStore(self.session, self.frames, clicks)
        reopened = self._changed_hours(store, obj.where(IS_CLICK), hours, days=days)
        if reopened:
            at = from_ms(self.session.now_ms())
            reopen_hours(database, ATTRIBUTED_CONVERSIONS, reopened, at=at)
        replaced = replace_hours(store, CONVERSION_CLICKS, obj.where(f"NOT {IS_CLICK}"), step, hours)
        context.add_output_metadata(
            run_metadata(replaced, monotonic() - started) | {"reopened_hours": dg.MetadataValue.int(len(reopened))}
        )
        add_hour_metadata(context, hour_numbers(replaced))

    def _changed_hours(
        self, store: ConversionClickStore, clicks: DataFrame, hours: Sequence[datetime], *, days: int
    ) -> list[datetime]:
        """Later hours to make anew because of what these hours have now."""
        later = store.later_hours(CONVERSION_CLICKS, hours, days=days)
        being_replaced = {hour for hour, count in later.items() if count is None}
        counted = {hour: count for hour, count in later.items() if count}
        if not counted:
            return sorted(being_replaced)
        partitions = [Partition(hour) for hour in counted]
        stored = store.read(CONVERSION_CLICKS, partitions, row_count=sum(counted.values()))
        with store.cached(clicks) as found:
            changed = store.changed_hours(may_have_changed(stored, found, hours))
        return sorted(being_replaced | changed)

"""Stores assets in Cassandra and loads them as Spark DataFrames: declared hourly tables, and the events of Kafka."""

from collections.abc import Callable, Mapping, Sequence
from time import monotonic, sleep
from typing import ClassVar, cast

import dagster as dg
from pyspark.sql import DataFrame

from recruit_assets.contract.attribution import Attribution
from recruit_assets.contract.tables import BUCKET_METRICS, CASSANDRA_TABLES, FILTERED_EVENTS, HOURLY_JOB_METRICS
from recruit_assets.contract.types import HourTable
from recruit_assets.defs.io_managers.base import HourlyIOManager, guarded, require_columns, run_metadata
from recruit_assets.defs.io_managers.metadata import add_hour_metadata, attributed_by, hour_numbers
from recruit_assets.defs.resources.kafka import Backlog
from recruit_assets.defs.rules import RULES
from recruit_assets.hours.bucket_state import RowCounts
from recruit_assets.hours.ports import Rows
from recruit_assets.hours.replacement import PreAggregation, Replaced, read_input, replace_hours
from recruit_assets.ingest.result import IngestResult
from recruit_assets.runtime.errors import MissingCoverage
from recruit_assets.stores.cassandra.attribution import require_rules
from recruit_assets.transforms.hourly import add_up, count_actions_by_bucket

COVERAGE_TIMEOUT_S = 5.0
"""Runs of the current hour, seconds apart, leave it without coverage for a second or two each."""
READ_AGAIN_S = 0.25


class CassandraIOManager(HourlyIOManager):
    """Replaces the run's hours in an asset's table; drains a Kafka backlog into a live table.

    Another project subclasses it and lists its own tables in `tables`.
    """

    tables: ClassVar[Sequence[HourTable]] = tuple(table for table in CASSANDRA_TABLES if isinstance(table, HourTable))
    pre_aggregations: ClassVar[Mapping[str, PreAggregation[DataFrame]]] = {
        HOURLY_JOB_METRICS.name: PreAggregation(
            BUCKET_METRICS,
            by_bucket=count_actions_by_bucket,
            total=add_up,
            from_events=150_000,  # counting 200,000 takes 1.6 s, with the pre-aggregation 1.4 s
        )
    }
    """By table: how incremental runs replace busy hours."""
    attributions: ClassVar[Mapping[str, Attribution]] = {FILTERED_EVENTS.name: RULES}
    """By table: the rules that its rows depend on, which must be those of the installation."""

    @guarded
    def load_input(self, context: dg.InputContext) -> DataFrame:
        """The rows of the run's hours, as a query that runs later; MissingCoverage if an hour has no coverage."""
        table, hours = self.table(context.asset_key), self.input_hours(context)
        step = self.step(context.op_def.name, hours)
        return once_covered(lambda: read_input(self.store, step, table, hours))

    @guarded
    def handle_output(self, context: dg.OutputContext, obj: DataFrame | Backlog) -> None:
        """Replace exactly the run's hours; or drain the backlog, committing offsets after their events are durable."""
        started = monotonic()
        if isinstance(obj, Backlog):
            result = obj.drain_to(self.cassandra_overrides)
            context.add_output_metadata(_drain_metadata(result, monotonic() - started))
            return
        table, hours = self.table(context.asset_key), self.output_hours(context)
        step, rules = self.end_step(context.op_def.name, hours), self.attributions.get(table.name)
        if rules is not None:
            # after the step's clock: what changes later makes the hours pending again
            require_rules(self.session, rules)
        replaced = replace_hours(
            self.store,
            table,
            require_columns(obj, _columns(table, obj), table),
            step,
            hours,
            incremental=self.is_incremental,
            pre_aggregation=self.pre_aggregations.get(table.name),
            computed_by=rules.recorded if rules else "",
        )
        context.add_output_metadata(_replaced_metadata(table, replaced, monotonic() - started, rules=rules))
        add_hour_metadata(context, hour_numbers(replaced, unattributed=bool(table.attributed_by), rules=rules))

    def table(self, key: dg.AssetKey) -> HourTable:
        return cast("HourTable", self.declared_table(key))


def once_covered(read: Callable[[], Rows]) -> Rows:
    """Read again while coverage is missing, for a few seconds: another run may be replacing one of the hours."""
    give_up_at = monotonic() + COVERAGE_TIMEOUT_S
    while True:
        try:
            return read()
        except MissingCoverage:
            if monotonic() >= give_up_at:
                raise
        sleep(READ_AGAIN_S)


def _columns(table: HourTable, rows: object) -> Sequence[str]:
    """The table's columns, and the one that is only counted, if the rows have it."""
    counted = [table.counted_by] if table.counted_by in getattr(rows, "columns", ()) else []
    return [*table.column_names, *counted]


def _replaced_metadata(
    table: HourTable, replaced: Replaced, seconds: float, *, rules: Attribution | None
) -> dict[str, dg.MetadataValue]:
    metadata = run_metadata(replaced, seconds)
    metadata["partitions_read"] = dg.MetadataValue.int(replaced.partitions_read)
    if table.attributed_by:
        unattributed = sum(counts.unattributed for counts in replaced.counts.values())
        metadata["unattributed"] = dg.MetadataValue.int(unattributed)
    if rules and not rules.is_default:
        found = sum(replaced.counts.values(), RowCounts()).by_rule
        metadata |= {name: dg.MetadataValue.int(number) for name, number in attributed_by(rules, found).items()}
    return metadata


def _drain_metadata(result: IngestResult, seconds: float) -> dict[str, dg.MetadataValue]:
    by_reason = {f"dead_letters/{reason}": dg.MetadataValue.int(n) for reason, n in result.dead_letters.items()}
    return by_reason | {
        "dagster/row_count": dg.MetadataValue.int(result.events),
        "records": dg.MetadataValue.int(result.records),
        "dead_letters": dg.MetadataValue.int(sum(result.dead_letters.values())),
        "unattributed": dg.MetadataValue.int(result.unattributed),
        "hours_touched": dg.MetadataValue.int(len(result.hours)),
        "seconds": dg.MetadataValue.float(round(seconds, 3)),
    }

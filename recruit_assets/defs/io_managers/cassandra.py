"""How events and hours are stored in Cassandra and handed to the next stage.

Belongs here: draining Kafka for raw_events, replacing a run's hours for the others, and what is reported of both.
Not here: the steps of a replacement (`stages`), statements (`stores`), what rows mean (`transforms`).
"""

from time import monotonic

import dagster as dg

from recruit_assets.contract.tables import CASSANDRA_TABLES, RAW_EVENTS
from recruit_assets.contract.types import CassandraTable
from recruit_assets.defs.io_managers.base import hours_of_run, keeps_unchanged, stage_metadata
from recruit_assets.defs.io_managers.metadata import add_hour_metadata, stage_numbers, with_unattributed
from recruit_assets.defs.resources import CassandraResource, SparkResource
from recruit_assets.defs.resources.base import settings_of
from recruit_assets.defs.resources.failures import as_failures
from recruit_assets.defs.resources.kafka import Backlog
from recruit_assets.hours.ports import Derivation, StageResult, StoredHours
from recruit_assets.hours.replacement import replace_hours
from recruit_assets.ingest.result import IngestResult
from recruit_assets.ingest.service import drain
from recruit_assets.stores.cassandra.hour_tables import CassandraHourTables
from recruit_assets.stores.spark.frames import CassandraFrames, translated_errors

TABLES = {table.name: table for table in CASSANDRA_TABLES}


class CassandraIOManager(dg.ConfigurableIOManager):
    """Stores an asset in the table of its name, and hands a table on without reading it."""

    cassandra: dg.ResourceDependency[CassandraResource]
    spark: dg.ResourceDependency[SparkResource]

    @as_failures()
    @translated_errors()
    def handle_output(self, context: dg.OutputContext, obj: Backlog | Derivation) -> None:
        """Drain the backlog, or replace exactly the run's hours; `ingest.service` and `stages` say what is raised."""
        started = monotonic()
        if isinstance(obj, Backlog):
            result = drain(settings_of(obj.overrides, self.cassandra.overrides))
            context.add_output_metadata(_drain_metadata(result, monotonic() - started))
        else:
            replaced = self._replace(context, obj)
            context.add_output_metadata(_replaced_metadata(replaced, monotonic() - started))
            tells_unattributed = obj.source is RAW_EVENTS
            add_hour_metadata(context, with_unattributed(replaced) if tells_unattributed else stage_numbers(replaced))

    def load_input(self, context: dg.InputContext) -> StoredHours:
        """The upstream asset's table; a stage reads the hours of its run from it, after their coverage."""
        return StoredHours(_table_of(context.asset_key))

    def _replace(self, context: dg.OutputContext, derivation: Derivation) -> StageResult:
        hours = hours_of_run(context)
        frames = CassandraFrames(self.spark.spark_session, self.cassandra.settings)
        tables, into = CassandraHourTables(self.cassandra.session(), frames), _table_of(context.asset_key)
        return replace_hours(
            tables,
            derivation,
            into=into,
            hours=hours,
            run_id=context.run_id,
            keep_unchanged=keeps_unchanged(context),
        )


def _table_of(key: dg.AssetKey) -> CassandraTable:
    return TABLES[key.path[-1]]


def _replaced_metadata(result: StageResult, seconds: float) -> dict[str, dg.MetadataValue]:
    unattributed = sum(tally.unattributed for tally in result.tallies.values())
    return stage_metadata(result, seconds) | {
        "unattributed": dg.MetadataValue.int(unattributed),
        "partitions_read": dg.MetadataValue.int(result.partitions_read),
    }


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

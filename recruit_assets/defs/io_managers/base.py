"""What the IO managers share: the tables they know, the hours of the run, and what a step has read."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from functools import wraps
from typing import ClassVar, Concatenate, ParamSpec, TypeVar

import dagster as dg
from pydantic import PrivateAttr
from pyspark.sql import DataFrame, SparkSession

from recruit_assets.contract.types import CassandraTable, SqlTable
from recruit_assets.defs.partitions import hours_of
from recruit_assets.defs.resources import CassandraResource, SparkResource
from recruit_assets.defs.resources.current_run import CurrentRun
from recruit_assets.defs.resources.failures import as_failures
from recruit_assets.defs.resources.run_scope import RunScope, run_scope
from recruit_assets.defs.runs import INCREMENTAL_TAG, hours_of_tags
from recruit_assets.hours.replacement import Replaced, Step, begin_step
from recruit_assets.runtime.errors import Inconsistent, UserError
from recruit_assets.runtime.times import from_ms
from recruit_assets.stores.cassandra.hour_tables import CassandraHourStore
from recruit_assets.stores.cassandra.retention import read_retention
from recruit_assets.stores.cassandra.session import CassandraSession
from recruit_assets.stores.spark.errors import translated_errors
from recruit_assets.stores.spark.frames import CassandraFrames

Manager = TypeVar("Manager", bound="HourlyIOManager")
Made = TypeVar("Made")
Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")


class HourlyIOManager(dg.ConfigurableIOManager):
    """Stores an asset in the declared table with its name, exactly the hours of the run."""

    tables: ClassVar[Sequence[CassandraTable | SqlTable]]

    cassandra: dg.ResourceDependency[CassandraResource]
    spark: dg.ResourceDependency[SparkResource]
    _scope: RunScope = PrivateAttr(default_factory=RunScope)
    _run: CurrentRun | None = PrivateAttr(default=None)
    _tags: dict[str, str] = PrivateAttr(default_factory=dict)

    def setup_for_execution(self, context: dg.InitResourceContext) -> None:
        """Dagster calls this when a run starts in this process."""
        if context.run is not None:
            if context.instance is not None:
                self._run = CurrentRun(context.instance, context.run.run_id)
            self._tags = dict(context.run.tags)
            self._scope = run_scope(context.run.run_id)

    def teardown_after_execution(self, context: dg.InitResourceContext) -> None:
        """Dagster calls this when the run ends."""
        self._scope.close()

    def declared_table(self, key: dg.AssetKey) -> CassandraTable | SqlTable:
        """The table that the asset is stored in."""
        for table in self.tables:
            if table.name == key.path[-1]:
                return table
        known = ", ".join(table.name for table in self.tables)
        raise UserError(f"{type(self).__name__} has no table for asset {key.to_user_string()}; it has {known}")

    @property
    def spark_session(self) -> SparkSession:
        return self.spark.spark_session

    @property
    def session(self) -> CassandraSession:
        return self.cassandra.session()

    @property
    def cassandra_overrides(self) -> Mapping[str, object]:
        """Of Cassandra's resource, by setting."""
        return self.cassandra.overrides

    @property
    def frames(self) -> CassandraFrames:
        return CassandraFrames(self.spark_session, self.cassandra.settings)

    @property
    def store(self) -> CassandraHourStore:
        """The run's store; one for all IO managers with the same Cassandra."""
        return self._scope.once(("hour store", *self.cassandra_overrides.items()), self._new_store)

    def step(self, name: str, hours: Sequence[datetime]) -> Step:
        """The step with this name, which takes its write timestamp when it loads its first input."""
        return self.step_begun_by(name, lambda: begin_step(self.store, self.run_id, hours))

    def step_begun_by(self, name: str, begin: Callable[[], Step]) -> Step:
        """The step with this name, begun by its first input."""
        return self._scope.step(name, begin)

    def end_step(self, name: str, hours: Sequence[datetime]) -> Step:
        """The step with this name, with the inputs it has read, when its output is stored."""
        return self._scope.end_step(name, lambda: begin_step(self.store, self.run_id, hours))

    @property
    def run(self) -> CurrentRun | None:
        """The run of this process; None outside of a run."""
        return self._run

    @property
    def tags(self) -> Mapping[str, str]:
        """The run's tags."""
        return self._tags

    def once(self, key: str, make: Callable[[], Made]) -> Made:
        """The run's object with this key, made at its first use."""
        return self._scope.once(key, make)

    @property
    def run_id(self) -> str:
        return self._run.run_id if self._run else ""

    @property
    def is_incremental(self) -> bool:
        """Whether unchanged buckets may be kept, as in the sensor's runs.

        All other runs (daily schedule, backfill, `materialize`) read everything, so they also see changes that somebody
        made to raw_events by hand.
        """
        return INCREMENTAL_TAG in self._tags

    def input_hours(self, context: dg.InputContext) -> Sequence[datetime]:
        """The hours to read of an upstream asset: its partitions, or the run's hours if it has no partitions."""
        if context.has_asset_partitions:
            return self._not_frozen(hours_of(context.asset_partition_keys))
        if (hours := hours_of_tags(self._tags)) is None:
            raise UserError(f"this run names no hours to read of {context.asset_key.to_user_string()}: pick partitions")
        return self._not_frozen(list(hours.hours()))

    def output_hours(self, context: dg.OutputContext) -> Sequence[datetime]:
        """The hours to replace; Inconsistent if the run's tags ask for others.

        A range resolves against the code location's partitions, which may begin later or end earlier than the tags say.
        """
        hours = hours_of(context.asset_partition_keys)
        wanted = hours_of_tags(self._tags)
        if wanted is not None and list(hours) != list(wanted.hours()):
            raise Inconsistent(
                f"the run's tags ask for {_span(list(wanted.hours()))}, its partitions are {_span(hours)}: "
                "check RECRUIT_FIRST_HOUR and the clock of the code location"
            )
        return self._not_frozen(hours)

    def _not_frozen(self, hours: Sequence[datetime]) -> Sequence[datetime]:
        """The hours; UserError if one is frozen: its events expire, so the run would empty it."""
        retention = read_retention(self.session)
        if not retention.changes:
            return hours
        frozen_before = retention.frozen_before(from_ms(self.session.now_ms()))
        frozen = [hour for hour in hours if frozen_before is not None and hour < frozen_before]
        if frozen:
            raise UserError(
                f"frozen: {_span(frozen)}. Their events expire (RECRUIT_RETENTION_DAYS), so this run would empty them. "
                f"Nothing was changed. Pick hours from {frozen_before:%Y-%m-%d %H:%M} UTC on"
            )
        return hours

    def _new_store(self) -> CassandraHourStore:
        return CassandraHourStore(self.session, self.frames)


def guarded(
    method: Callable[Concatenate[Manager, Arguments], Result],
) -> Callable[Concatenate[Manager, Arguments], Result]:
    """The method with its errors as Failures; it isn't begun if the run was deleted or ended by somebody else."""

    @wraps(method)
    def call(manager: Manager, /, *args: Arguments.args, **kwargs: Arguments.kwargs) -> Result:
        with as_failures(manager.run), translated_errors():
            if manager.run is not None:
                manager.run.require_unfinished()
            return method(manager, *args, **kwargs)

    return call


def require_columns(rows: object, columns: Sequence[str], table: CassandraTable | SqlTable) -> DataFrame:
    """The rows with exactly these columns; Inconsistent if they aren't a DataFrame that has them."""
    if not hasattr(rows, "selectExpr"):
        raise Inconsistent(f"{table.name} is stored from a Spark DataFrame, the asset returned {type(rows).__name__}")
    frame: DataFrame = rows  # type: ignore[assignment]  # Spark Connect's is another class
    missing = [name for name in columns if name not in frame.columns]
    if missing:
        raise Inconsistent(f"{table.name} lacks columns: the asset returned no {', '.join(missing)}")
    return frame.select(*columns)


def run_metadata(replaced: Replaced, seconds: float) -> dict[str, dg.MetadataValue]:
    """The numbers that the UI plots per materialization."""
    counts = replaced.counts.values()
    return {
        "dagster/row_count": dg.MetadataValue.int(sum(one.row_count for one in counts)),
        "hours": dg.MetadataValue.int(len(replaced.counts)),
        "events": dg.MetadataValue.int(sum(one.event_count for one in counts)),
        "write_number": dg.MetadataValue.int(replaced.write_timestamp),
        "seconds": dg.MetadataValue.float(round(seconds, 3)),
    }


def _span(hours: Sequence[datetime]) -> str:
    return f"{len(hours)} hours, {hours[0]:%Y-%m-%d %H:%M} to {hours[-1]:%Y-%m-%d %H:%M}" if hours else "no hours"

"""Everything we need of Dagster that its public API doesn't offer. No other module imports `dagster._*`.

Checked with CHECKED_WITH. After an upgrade, `unit/stores/dagster/test_compat.py` shows what has changed.
"""

import sys
from collections.abc import Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import dagster as dg
from dagster._core.definitions.asset_checks.asset_check_evaluation import AssetCheckEvaluationPlanned
from dagster._core.events import ASSET_EVENTS
from dagster._core.execution.compute_logs import redirect_stream
from dagster._core.instance import InstanceRef
from dagster._core.launcher import CheckRunHealthResult, LaunchRunContext, WorkerStatus
from dagster._core.run_coordinator import QueuedRunCoordinator, SubmitRunContext
from dagster._core.storage.asset_check_execution_record import (
    AssetCheckExecutionRecord,
    AssetCheckExecutionRecordStatus,
)
from dagster._core.storage.compute_log_manager import CapturedLogContext, ComputeIOType
from dagster._core.storage.dagster_run import ACTIVE_RUN_STATUSES
from dagster._core.storage.event_log import SqliteEventLogStorage
from dagster._core.storage.event_log.schema import SqlEventLogStorageTable
from dagster._core.storage.local_compute_log_manager import LocalComputeLogManager
from dagster._core.storage.runs import SqliteRunStorage
from dagster._core.storage.schedules import SqliteScheduleStorage
from dagster._core.storage.sqlite import create_db_conn_string as sqlite_url
from dagster._core.storage.sqlite_storage import (
    DagsterSqliteStorage,
    _event_logs_directory,
    _runs_directory,
    _schedule_directory,
)
from dagster._core.storage.tags import GRPC_INFO_TAG
from dagster._core.storage.tags import REPOSITORY_LABEL_TAG as REPOSITORY_TAG
from dagster._serdes import ConfigurableClassData
from dagster._utils.tags import TagConcurrencyLimitsCounter

from recruit_assets.stores.dagster.instance import LOCATION

__all__ = [
    "ASSET_EVENTS",
    "GRPC_INFO_TAG",
    "REPOSITORY_TAG",
    "RUN_MODULES",
    "AssetCheckEvaluationPlanned",
    "CapturedLogContext",
    "CheckEvaluation",
    "CheckRunHealthResult",
    "ComputeIOType",
    "ConfigurableClassData",
    "DagsterSqliteStorage",
    "InstanceRef",
    "LaunchRunContext",
    "LocalComputeLogManager",
    "ProcessRunLauncher",
    "RunQueue",
    "SqlEventLogStorageTable",
    "SqliteEventLogStorage",
    "SqliteRunStorage",
    "SqliteScheduleStorage",
    "SubmitRunContext",
    "WorkerStatus",
    "add_partition_metadata",
    "check_evaluations",
    "execute_run",
    "has_partitioned_assets",
    "last_materialized_by",
    "last_ticks",
    "may_start",
    "on_each_event",
    "redirect_stream",
    "repository_label",
    "run_module",
    "sensor_cursors",
    "shorten_sensor_rounds",
    "sqlite_folders",
    "sqlite_url",
]

CHECKED_WITH = {"dagster": "1.13.27"}

OUR_LABEL = f"__repository__@{LOCATION}"
"""Dagster stores it as REPOSITORY_TAG of each run of our code location. Runs of `materialize` have it too."""

PER_QUERY = 500
"""Partitions in a query: SQLite allows 999 parameters, or more in newer versions."""

RUN_MODULES = ("dagster._cli.api", "dagster._daemon.cli")
"""What a run's process imports of Dagster: how it is executed, and the main module of the daemon that forked it."""

_EVALUATED = {AssetCheckExecutionRecordStatus.SUCCEEDED, AssetCheckExecutionRecordStatus.FAILED}


@dataclass(frozen=True, slots=True)
class CheckEvaluation:
    """A finished evaluation of an asset check. Ids grow with the time of the evaluation."""

    id: int
    run_id: str
    passed: bool
    evaluated_at: datetime
    metadata: Mapping[str, Any]


def check_evaluations(instance: dg.DagsterInstance, key: dg.AssetCheckKey, *, limit: int) -> Sequence[CheckEvaluation]:
    """The finished evaluations of a check in the last created runs, newest first.

    Dagster's own ids and times are those of the creation: a run that was queued for long would count as an old one.
    """
    history = instance.event_log_storage.get_asset_check_execution_history(key, limit=limit, status=_EVALUATED)
    evaluations = [
        CheckEvaluation(
            id=round(ended_at * 1_000_000),
            run_id=record.run_id,
            passed=record.status is AssetCheckExecutionRecordStatus.SUCCEEDED,
            evaluated_at=datetime.fromtimestamp(ended_at, UTC),
            metadata={name: value.value for name, value in _metadata(record).items()},
        )
        for record in history
        for ended_at in [record.event.timestamp if record.event else record.create_timestamp]
    ]
    return sorted(evaluations, key=lambda evaluation: evaluation.id, reverse=True)


def add_partition_metadata(context: dg.OutputContext, key: str, numbers: Mapping[str, object]) -> None:
    """Metadata of one partition of the output's asset; it replaces the output's own of the same name.

    The public `context.add_output_metadata` gives the same metadata to all partitions of a run.
    """
    context.step_context.add_asset_metadata(numbers, asset_key=context.asset_key, partition_key=key)


def sensor_cursors(instance: dg.DagsterInstance, sensor: str) -> Sequence[str]:
    """The cursors after the sensor's last successful ticks, one per code location that has a sensor of this name."""
    states = (state for state in instance.all_instigator_state() if state.instigator_name == sensor)
    cursors = (getattr(state.instigator_data, "cursor", None) for state in states)
    return [cursor for cursor in cursors if cursor]


def has_partitioned_assets(job: dg.JobDefinition) -> bool:
    """Whether the job materializes partitions. A subset's `partitions_def` is that of the whole job."""
    layer = job.asset_layer
    return any(layer.get(key).is_partitioned for key in layer.executable_asset_keys)


def repository_label(run: dg.DagsterRun) -> str:
    """The value of REPOSITORY_TAG for all runs of this run's code location."""
    origin = run.remote_job_origin
    return origin.repository_origin.get_label() if origin else OUR_LABEL


def last_materialized_by(instance: dg.DagsterInstance, key: dg.AssetKey, partitions: AbstractSet[str]) -> set[str]:
    """The runs of the last materializations of the asset: of each of these partitions, and of the whole asset."""
    kind = dg.DagsterEventType.ASSET_MATERIALIZATION
    whole = instance.get_latest_materialization_event(key)
    runs = {whole.run_id} if whole else set()
    wanted = sorted(partitions)
    for first in range(0, len(wanted), PER_QUERY):
        some = set(wanted[first : first + PER_QUERY])
        ids = list(instance.event_log_storage.get_latest_storage_id_by_partition(key, kind, some).values())
        found = instance.fetch_materializations(dg.AssetRecordsFilter(key, storage_ids=ids), limit=PER_QUERY)
        runs |= {record.run_id for record in found.records}
    return runs


def on_each_event(instance: dg.DagsterInstance, run_id: str, call: Callable[[], object]) -> None:
    """Call it after each event of the run that this process stores."""
    instance.add_event_listener(run_id, lambda _: call())


def last_ticks(instance: dg.DagsterInstance, sensor: str) -> Sequence[datetime]:
    """When the sensor's last tick began, however it ended, for each code location that has a sensor of this name."""
    states = (state for state in instance.all_instigator_state() if state.instigator_name == sensor)
    times = (getattr(state.instigator_data, "last_tick_timestamp", None) for state in states)
    return [datetime.fromtimestamp(time, UTC) for time in times if time]


def run_module(run: dg.DagsterRun) -> str | None:
    """The Python module that the run's code location was loaded from; None if it was loaded in another way."""
    origin = run.job_code_origin
    module: str | None = getattr(origin.repository_origin.code_pointer, "module", None) if origin else None
    return module


def execute_run(run_id: str, ref: InstanceRef) -> None:
    """Execute the run in this process, like the command `dagster api execute_run`."""
    # imported here: RUN_MODULES take a second, and most processes execute no run
    from dagster._cli.api import _execute_run_command_body
    from dagster._cli.utils import get_instance_for_cli
    from dagster._utils.interrupts import capture_interrupts

    with capture_interrupts(), get_instance_for_cli(instance_ref=ref) as instance:
        _execute_run_command_body(run_id, instance, lambda _: None, set_exit_code_on_failure=False)


class ProcessRunLauncher(dg.DefaultRunLauncher):
    """Dagster's launcher, with names for what a subclass needs of it."""

    @property
    def instance(self) -> dg.DagsterInstance:
        instance: dg.DagsterInstance = self._instance
        return instance

    def add_launched(self, run_id: str) -> None:
        """Have `join` wait for this run as well."""
        self._run_ids.add(run_id)


def sqlite_folders(home: str) -> tuple[str, str, str]:
    """Where a Dagster home keeps runs, events and schedules."""
    return _runs_directory(home), _event_logs_directory(home), _schedule_directory(home)


class RunQueue(QueuedRunCoordinator):
    """Dagster's queue, with a name for what a subclass needs of it."""

    @property
    def instance(self) -> dg.DagsterInstance:
        instance: dg.DagsterInstance = self._instance
        return instance


def may_start(instance: dg.DagsterInstance, run: dg.DagsterRun) -> bool:
    """Whether the queue's limits would let this new run start now. One that uses pools is left to the queue."""
    queue = instance.get_concurrency_config().run_queue_config
    if queue is None or run.status is not dg.DagsterRunStatus.NOT_STARTED or run.run_op_concurrency is not None:
        return False
    active = instance.get_runs(dg.RunsFilter(statuses=ACTIVE_RUN_STATUSES))
    has_slot = queue.max_concurrent_runs == -1 or len(active) < queue.max_concurrent_runs
    return has_slot and not TagConcurrencyLimitsCounter(queue.tag_concurrency_limits, active).is_blocked(run)


def shorten_sensor_rounds(seconds: float) -> None:
    """In Dagster's daemon: have it look this often which sensors are due, instead of every 5 s. Elsewhere nothing."""
    if loop := sys.modules.get("dagster._daemon.sensor"):
        loop.MIN_INTERVAL_LOOP_TIME = seconds  # type: ignore[attr-defined]  # read again in each round


def _metadata(record: AssetCheckExecutionRecord) -> Mapping[str, dg.MetadataValue]:
    event = record.event.dagster_event if record.event else None
    evaluation = event.event_specific_data if event else None
    return evaluation.metadata if isinstance(evaluation, dg.AssetCheckEvaluation) else {}

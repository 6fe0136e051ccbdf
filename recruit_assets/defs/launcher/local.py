"""The run launcher of a single machine: forks runs, and tells run monitoring when a run's process is gone.

Dagster's DefaultRunLauncher can't: a run whose process and code server were both killed would count as running for
ever, and with it its hours. Belongs here: starting, ending and finding a run's process. Not here: what it is forked
from (`run_forks`), how often it is looked for (dagster.yaml), launchers of other platforms, which know their workers.
"""

import json
import os
import signal
import socket
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

import dagster as dg
import psutil
from dagster._core.code_pointer import ModuleCodePointer
from dagster._core.launcher import CheckRunHealthResult, DefaultRunLauncher, LaunchRunContext, WorkerStatus
from dagster._core.storage.dagster_run import DagsterRun
from dagster._core.storage.tags import GRPC_INFO_TAG

from recruit_assets.defs.launcher.forkserver import DEFINITIONS, are_current, start_run

HOST_TAG = "recruit/host"
"""The machine of a run that no code server started."""
PID_TAG = "recruit/pid"
"""The process of a run that was forked."""
CLOCK_STEP_S = 5.0
"""A process's start is known to a clock tick and counted from the boot, an event's time is the clock's."""


class LocalRunLauncher(DefaultRunLauncher):
    """Runs as processes of this machine, forked ready to work. A dead one is reported by run monitoring.

    Where the package's code has changed since, and for runs of another code location, Dagster's own launcher starts a
    fresh interpreter.
    """

    def launch_run(self, context: LaunchRunContext) -> None:
        run = context.dagster_run
        if not is_of_this_package(run) or not are_current():
            super().launch_run(context)
            return
        self._instance.add_run_tags(run.run_id, {HOST_TAG: socket.gethostname()})
        pid = start_run(run.run_id, self._instance.get_ref())
        self._instance.add_run_tags(run.run_id, {PID_TAG: str(pid)})
        self._run_ids.add(run.run_id)

    def terminate(self, run_id: str) -> bool:
        """Ask the run's process to end, as its code server would."""
        run = self._instance.get_run_by_id(run_id)
        if run is None or run.is_finished or PID_TAG not in run.tags:
            stopped: bool = super().terminate(run_id)  # type: ignore[no-untyped-call]  # Dagster's
            return stopped
        if not _is_of_this_machine(run.tags) or dead_process_of(self._instance, run) is not None:
            return False
        self._instance.report_run_canceling(run)
        with suppress(ProcessLookupError):  # then run monitoring reports it
            os.kill(int(run.tags[PID_TAG]), signal.SIGINT)
        return True

    @property
    def supports_check_run_worker_health(self) -> bool:
        return True

    def check_run_worker_health(self, run: DagsterRun) -> CheckRunHealthResult:
        """NOT_FOUND once the process is gone; RUNNING also where this machine can't know."""
        pid = dead_process_of(self._instance, run)
        if pid is None:
            return CheckRunHealthResult(WorkerStatus.RUNNING)
        return CheckRunHealthResult(WorkerStatus.NOT_FOUND, f"process {pid} of the run is gone")


def is_of_this_package(run: DagsterRun) -> bool:
    """Whether the run's code is what forked processes have loaded."""
    origin = run.job_code_origin
    pointer = origin.repository_origin.code_pointer if origin is not None else None
    return isinstance(pointer, ModuleCodePointer) and pointer.module == DEFINITIONS


def report_dead_runs(instance: dg.DagsterInstance) -> list[str]:
    """Report the started runs of this machine whose process is gone as failed; returns their ids."""
    dead = []
    for run in instance.get_runs(dg.RunsFilter(statuses=[dg.DagsterRunStatus.STARTED])):
        pid = dead_process_of(instance, run)
        if pid is not None:
            instance.report_run_failed(run, f"Process {pid} of the run is gone; what it hadn't finished stays pending.")
            dead.append(run.run_id)
    return dead


def dead_process_of(instance: dg.DagsterInstance, run: DagsterRun) -> int | None:
    """The id of the run's process if that is gone; None while it lives, and where it isn't this machine's."""
    if not _is_of_this_machine(run.tags):
        return None
    started = instance.get_records_for_run(run.run_id, of_type=dg.DagsterEventType.RUN_START, limit=1).records
    if not started or started[0].event_log_entry.dagster_event is None:
        return None
    entry = started[0].event_log_entry
    pid = entry.dagster_event.pid if entry.dagster_event else None
    return pid if pid is not None and not _lives_since(pid, datetime.fromtimestamp(entry.timestamp, UTC)) else None


def _is_of_this_machine(tags: Mapping[str, str]) -> bool:
    if GRPC_INFO_TAG in tags:
        server: dict[str, Any] = json.loads(tags[GRPC_INFO_TAG])
        return "socket" in server or server.get("host") in {"localhost", "127.0.0.1", "::1"}
    return tags.get(HOST_TAG) == socket.gethostname()


def _lives_since(pid: int, started: datetime) -> bool:
    """Whether the process exists and isn't a later one with the same id."""
    try:
        process = psutil.Process(pid)
        return process.status() != psutil.STATUS_ZOMBIE and process.create_time() <= started.timestamp() + CLOCK_STEP_S
    except psutil.NoSuchProcess:
        return False

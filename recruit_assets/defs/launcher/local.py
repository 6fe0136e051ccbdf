"""The run launcher for one machine: forks runs, and tells run monitoring when the process of a run is gone.

With Dagster's DefaultRunLauncher, a run whose process and code server were both killed stays "started" forever, and its
hours are never replaced. dagster.yaml sets how often run monitoring asks.
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

from recruit_assets.defs.launcher.forkserver import DEFINITIONS, is_current, start_run
from recruit_assets.runtime.environment import LOOPBACK
from recruit_assets.stores.dagster.compat import (
    GRPC_INFO_TAG,
    CheckRunHealthResult,
    LaunchRunContext,
    ProcessRunLauncher,
    WorkerStatus,
    run_module,
)
from recruit_assets.stores.dagster.compute_logs import without_repetition

HOST_TAG = ".dagster/recruit/host"
"""The machine whose launcher, or `materialize`, started the run. The UI hides tags that begin with `.dagster/`."""
PID_TAG = ".dagster/recruit/pid"
"""The process of a forked run; empty on other runs."""
CLOCK_STEP_S = 5.0
"""Tolerance between a process's start (counted from boot) and the time of an event (the wall clock)."""


class LocalRunLauncher(ProcessRunLauncher):
    """Forks each run as a process of this machine; run monitoring fails a run whose process has died.

    Dagster's launcher starts a new interpreter instead if the package's code has changed since the fork server loaded
    it, and for runs of other code locations.
    """

    def launch_run(self, context: LaunchRunContext) -> None:
        run = context.dagster_run
        # a retry has the tags of the run before; and other machines with the same database have code servers too
        self.instance.add_run_tags(run.run_id, {HOST_TAG: socket.gethostname(), PID_TAG: ""})
        if run_module(run) != DEFINITIONS or not is_current():
            super().launch_run(context)
            return
        pid = start_run(run.run_id, without_repetition(self.instance.get_ref()))
        self.instance.add_run_tags(run.run_id, {PID_TAG: str(pid)})
        self.add_launched(run.run_id)

    def terminate(self, run_id: str) -> bool:
        """Interrupt the run's process, as its code server would."""
        run = self.instance.get_run_by_id(run_id)
        if run is None or run.is_finished or not run.tags.get(PID_TAG):
            stopped: bool = super().terminate(run_id)  # type: ignore[no-untyped-call]  # Dagster's
            return stopped
        # in any case: a backfill's cancellation terminates its runs until none of them is started any more
        self.instance.report_run_canceling(run)
        if not _is_of_this_machine(run.tags):
            return False
        if dead_process_of(self.instance, run) is not None:
            self.instance.report_run_canceled(run, "The process of the run was gone already.")
            return True
        with suppress(ProcessLookupError):  # run monitoring will report it
            os.kill(int(run.tags[PID_TAG]), signal.SIGINT)
        return True

    @property
    def supports_check_run_worker_health(self) -> bool:
        return True

    def check_run_worker_health(self, run: dg.DagsterRun) -> CheckRunHealthResult:
        """NOT_FOUND once the process is gone; RUNNING also for runs of other machines."""
        pid = dead_process_of(self.instance, run)
        if pid is None:
            return CheckRunHealthResult(WorkerStatus.RUNNING)
        return CheckRunHealthResult(WorkerStatus.NOT_FOUND, f"process {pid} of the run is gone")


def report_dead_runs(instance: dg.DagsterInstance) -> list[str]:
    """Fail the started runs of this machine whose process is gone; returns their ids."""
    dead = []
    for run in instance.get_runs(dg.RunsFilter(statuses=[dg.DagsterRunStatus.STARTED])):
        pid = dead_process_of(instance, run)
        if pid is not None:
            instance.report_run_failed(run, f"Process {pid} of the run is gone. Its unfinished hours stay pending.")
            dead.append(run.run_id)
    return dead


def dead_process_of(instance: dg.DagsterInstance, run: dg.DagsterRun) -> int | None:
    """The id of the run's process if that is gone; None while it lives, and for runs of other machines."""
    if not _is_of_this_machine(run.tags):
        return None
    started = instance.get_records_for_run(run.run_id, of_type=dg.DagsterEventType.RUN_START, limit=1).records
    if not started or started[0].event_log_entry.dagster_event is None:
        return None
    entry = started[0].event_log_entry
    pid = entry.dagster_event.pid if entry.dagster_event else None
    return pid if pid is not None and not _is_alive(pid, datetime.fromtimestamp(entry.timestamp, UTC)) else None


def _is_of_this_machine(tags: Mapping[str, str]) -> bool:
    """Whether this machine launched the run, and not to a code server elsewhere."""
    if tags.get(HOST_TAG) != socket.gethostname():
        return False
    server: dict[str, Any] = json.loads(tags.get(GRPC_INFO_TAG, "{}"))
    return server.get("host", LOOPBACK[0]) in LOOPBACK


def _is_alive(pid: int, started: datetime) -> bool:
    """Whether the process exists and didn't start after the run: process ids are used again."""
    try:
        process = psutil.Process(pid)
        return process.status() != psutil.STATUS_ZOMBIE and process.create_time() <= started.timestamp() + CLOCK_STEP_S
    except psutil.NoSuchProcess:
        return False

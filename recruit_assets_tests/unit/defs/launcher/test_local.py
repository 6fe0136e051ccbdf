"""The launcher detects that the process of a run is gone."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from time import time
from uuid import uuid4

import dagster as dg
import pytest
from dagster._core.events import DagsterEvent, DagsterEventType  # how a run's own process writes its start
from dagster._core.events.log import EventLogEntry

from recruit_assets.defs.launcher.local import HOST_TAG, PID_TAG, LocalRunLauncher, dead_process_of, report_dead_runs

OF_THIS_MACHINE = {HOST_TAG: socket.gethostname()}
SOCKET = {".dagster/grpc_info": '{"host": "localhost", "socket": "/run/code-server"}'}
ELSEWHERE = {".dagster/grpc_info": '{"host": "code-server", "port": 4000}'}


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral() as instance:
        yield instance


@pytest.fixture
def ended_pid() -> int:
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        return process.pid


def a_started_run(
    instance: dg.DagsterInstance, *, pid: int, tags: dict[str, str], started_at: float | None = None
) -> dg.DagsterRun:
    run = dg.DagsterRun(job_name="job", run_id=str(uuid4()), status=dg.DagsterRunStatus.STARTED, tags=tags)
    instance.add_run(run)
    started = DagsterEvent(event_type_value=DagsterEventType.RUN_START.value, job_name="job", pid=pid)
    instance.event_log_storage.store_event(
        EventLogEntry(  # type: ignore[no-untyped-call]  # its constructor has no types
            error_info=None,
            level=20,
            user_message="",
            run_id=run.run_id,
            timestamp=started_at or time(),
            dagster_event=started,
        )
    )
    return run


def test_a_run_whose_process_is_alive_is_left_alone(instance: dg.DagsterInstance) -> None:
    a_started_run(instance, pid=os.getpid(), tags=OF_THIS_MACHINE)

    assert report_dead_runs(instance) == []


def test_a_run_whose_process_is_gone_is_reported_failed(instance: dg.DagsterInstance, ended_pid: int) -> None:
    run = a_started_run(instance, pid=ended_pid, tags=OF_THIS_MACHINE)

    assert report_dead_runs(instance) == [run.run_id]
    found = instance.get_run_by_id(run.run_id)
    assert found is not None
    assert found.status is dg.DagsterRunStatus.FAILURE


def test_another_process_with_the_same_id_is_not_taken_for_the_run(instance: dg.DagsterInstance) -> None:
    """Process ids are reused, soonest after a restart of the machine or container."""
    run = a_started_run(instance, pid=os.getpid(), tags=OF_THIS_MACHINE, started_at=time() - 10 * 86_400)

    assert dead_process_of(instance, run) == os.getpid()


@pytest.mark.parametrize(
    "tags",
    [
        pytest.param({}, id="no machine is named"),
        pytest.param({HOST_TAG: "elsewhere.example"}, id="started by a person elsewhere"),
        pytest.param(OF_THIS_MACHINE | ELSEWHERE, id="launched here, to a code server elsewhere"),
        pytest.param(SOCKET, id="a code server of an unknown machine"),
        pytest.param({HOST_TAG: "elsewhere.example"} | SOCKET, id="another machine with the same Dagster storage"),
    ],
)
def test_the_health_of_another_machines_run_is_unknown(
    instance: dg.DagsterInstance, ended_pid: int, tags: dict[str, str]
) -> None:
    run = a_started_run(instance, pid=ended_pid, tags=tags)

    assert dead_process_of(instance, run) is None


def test_the_health_of_a_local_code_servers_run_is_known(instance: dg.DagsterInstance, ended_pid: int) -> None:
    run = a_started_run(instance, pid=ended_pid, tags=OF_THIS_MACHINE | SOCKET)

    assert dead_process_of(instance, run) == ended_pid


@pytest.fixture
def launcher(instance: dg.DagsterInstance) -> LocalRunLauncher:
    launcher = LocalRunLauncher()
    launcher.register_instance(instance)
    return launcher


def test_the_process_of_a_run_that_is_terminated_is_interrupted(
    instance: dg.DagsterInstance, launcher: LocalRunLauncher
) -> None:
    with subprocess.Popen(["sleep", "60"]) as process:
        run = a_started_run(instance, pid=process.pid, tags=OF_THIS_MACHINE | {PID_TAG: str(process.pid)})

        assert launcher.terminate(run.run_id)

        assert process.wait(10) == -signal.SIGINT
    found = instance.get_run_by_id(run.run_id)
    assert found is not None
    assert found.status is dg.DagsterRunStatus.CANCELING


def test_a_dead_run_is_canceled_at_once_and_a_process_that_has_its_id_is_not_interrupted(
    instance: dg.DagsterInstance, launcher: LocalRunLauncher
) -> None:
    tags = OF_THIS_MACHINE | {PID_TAG: str(os.getpid())}
    run = a_started_run(instance, pid=os.getpid(), tags=tags, started_at=time() - 10 * 86_400)

    assert launcher.terminate(run.run_id)
    found = instance.get_run_by_id(run.run_id)
    assert found is not None
    assert found.status is dg.DagsterRunStatus.CANCELED


def test_a_run_of_another_machine_is_canceling_so_that_its_backfill_can_end(
    instance: dg.DagsterInstance, launcher: LocalRunLauncher
) -> None:
    run = a_started_run(instance, pid=1, tags={HOST_TAG: "elsewhere.example", PID_TAG: "1"})

    assert launcher.terminate(run.run_id) is False
    found = instance.get_run_by_id(run.run_id)
    assert found is not None
    assert found.status is dg.DagsterRunStatus.CANCELING


def test_the_repositorys_instance_uses_the_launcher_and_monitors_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("DAGSTER_HOME", raising=False)
    from recruit_assets.runtime.settings import load_settings
    from recruit_assets.stores.dagster.instance import open_instance

    monkeypatch.setenv("DAGSTER_HOME", "")
    with open_instance(load_settings(state_dir=tmp_path)) as instance:
        assert isinstance(instance.run_launcher, LocalRunLauncher)
        assert instance.run_launcher.supports_check_run_worker_health
        assert instance.run_monitoring_enabled
        assert instance.run_monitoring_poll_interval_seconds + instance.run_monitoring_start_timeout_seconds < 120
        assert instance.telemetry_enabled is False
    assert (tmp_path / "dagster" / "dagster.yaml").is_symlink()

"""Runs that the launcher forks from a process that has already loaded the code."""

import os
from collections.abc import Iterator

import dagster as dg
import psutil
import pytest
from dagster._core.definitions.reconstruct import ReconstructableRepository
from dagster._core.launcher import LaunchRunContext
from dagster._core.storage.dagster_run import DagsterRun

from recruit_assets.defs.launcher.forkserver import DEFINITIONS
from recruit_assets.defs.launcher.local import PID_TAG, dead_process_of
from recruit_assets.runtime.settings import load_settings
from recruit_assets.stores.dagster.instance import open_instance
from recruit_assets_tests.support.waiting import wait_until

JOB = "delete_old_runs"
"""It needs no engine."""


@pytest.fixture(scope="module")
def instance(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dg.DagsterInstance]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DAGSTER_HOME", "")
        with open_instance(load_settings(state_dir=tmp_path_factory.mktemp("forks"))) as instance:
            yield instance


def test_a_run_has_a_process_of_its_own_which_ends_with_it(instance: dg.DagsterInstance) -> None:
    run = launched(instance)
    pid = int(run.tags[PID_TAG])
    wait_until(lambda: found(instance, run).is_finished, 60)

    assert found(instance, run).status is dg.DagsterRunStatus.SUCCESS
    assert pid != os.getpid()
    wait_until(lambda: not psutil.pid_exists(pid), 10)
    assert dead_process_of(instance, found(instance, run)) == pid


def test_the_processes_of_runs_have_the_same_parent(instance: dg.DagsterInstance) -> None:
    """The parent has loaded the code; with a new parent, each run would load it again."""
    parents = {psutil.Process(int(launched(instance).tags[PID_TAG])).ppid() for _ in range(2)}

    assert len(parents) == 1
    assert parents.isdisjoint({os.getpid()})


def launched(instance: dg.DagsterInstance) -> DagsterRun:
    """Launch a run of the job as the daemon does, with the daemon's tags."""
    job = ReconstructableRepository.for_module(DEFINITIONS, "defs").get_reconstructable_job(JOB)
    run = instance.create_run_for_job(job.get_definition(), job_code_origin=job.get_python_origin())
    instance.run_launcher.launch_run(LaunchRunContext(dagster_run=run, workspace=None))
    return found(instance, run)


def found(instance: dg.DagsterInstance, run: DagsterRun) -> DagsterRun:
    run_now = instance.get_run_by_id(run.run_id)
    assert run_now is not None
    return run_now

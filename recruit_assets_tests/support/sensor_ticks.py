"""Ticks of a sensor, run in this process by the code of Dagster's daemon. Private API: Dagster tests itself with it."""

import logging
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path

import dagster as dg
from dagster._core.remote_origin import InProcessCodeLocationOrigin
from dagster._core.test_utils import create_test_daemon_workspace_context, freeze_time
from dagster._core.types.loadable_target_origin import LoadableTargetOrigin
from dagster._core.workspace.load_target import InProcessWorkspaceLoadTarget
from dagster._daemon.sensor import execute_sensor_iteration

_numbers = count()
"""Ticks are a minute apart, since the daemon skips one that comes too early."""

CODE_LOCATION = """
import dagster as dg

@dg.job
def job(): ...

@dg.sensor(job=job, name="{name}", default_status=dg.DefaultSensorStatus.RUNNING)
def a_sensor(context):
    {body}

defs = dg.Definitions(sensors=[a_sensor])
"""


def tick_with_cursor(instance: dg.DagsterInstance, folder: Path, name: str, cursor: str) -> None:
    """A tick that succeeds and leaves the cursor."""
    _tick(instance, folder, name, f"return dg.SensorResult(cursor={cursor!r}, skip_reason='nothing to do')")


def tick_that_fails(instance: dg.DagsterInstance, folder: Path, name: str) -> None:
    _tick(instance, folder, name, "raise dg.Failure('as it should')")


def tick_all(instance: dg.DagsterInstance, module: str) -> None:
    """A tick of each sensor of this code location that is on."""
    _iterate(instance, LoadableTargetOrigin(module_name=module, attribute="defs"), minutes=next(_numbers))


def _tick(instance: dg.DagsterInstance, folder: Path, name: str, body: str) -> None:
    number = next(_numbers)
    file = folder / f"code_location_{number}.py"  # a name of its own, since Python loads a module once
    file.write_text(CODE_LOCATION.format(name=name, body=body), encoding="utf-8")
    _iterate(instance, LoadableTargetOrigin(python_file=str(file), attribute="defs"), minutes=number)


def _iterate(instance: dg.DagsterInstance, loadable: LoadableTargetOrigin, *, minutes: int) -> None:
    target = InProcessWorkspaceLoadTarget(InProcessCodeLocationOrigin(loadable, location_name="ticks"))
    later = datetime.now(UTC) + timedelta(minutes=minutes)
    with freeze_time(later), create_test_daemon_workspace_context(target, instance) as workspace:
        list(execute_sensor_iteration(workspace, logging.getLogger(__name__), None, None))

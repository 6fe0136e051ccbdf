"""Processes of runs that are forked from one which has loaded everything a run needs.

Dagster's code server starts a new interpreter for each run, which spends 1.5 to 2.5 s of a processor on importing. Here
that is done once, in a fork server of Python's own (`multiprocessing`), a child of the process that launches runs.

Belongs here: that server, and what a forked process does. Not here: when runs are launched (`run_launcher`).
"""

import multiprocessing
from functools import cache
from multiprocessing.context import ForkServerContext
from pathlib import Path

from dagster._core.instance import InstanceRef

import recruit_assets

PACKAGE = Path(recruit_assets.__file__).parent
DEFINITIONS = "recruit_assets.definitions"
LOADED = (
    "dagster._cli.api",
    "dagster._daemon.cli",  # the launching process's main module, which a child imports as well
    DEFINITIONS,
)


def start_run(run_id: str, instance: InstanceRef) -> int:
    """Execute the run in a new process; returns its id at once."""
    process = _context().Process(target=_execute, args=(run_id, instance), name=f"run-{run_id}")
    process.start()
    if process.pid is None:
        raise ChildProcessError(f"no process was started for run {run_id}")
    return process.pid


def are_current() -> bool:
    """Whether the package is still the one that the server loads or has loaded."""
    return _newest_change() == _loaded_change()


@cache
def _context() -> ForkServerContext:
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(list(LOADED))
    return context


def _execute(run_id: str, instance: InstanceRef) -> None:
    """As the command `dagster api execute_run` does it, which launchers of other platforms start."""
    from dagster._cli.api import _execute_run_command_body
    from dagster._cli.utils import get_instance_for_cli
    from dagster._utils.interrupts import capture_interrupts

    with capture_interrupts(), get_instance_for_cli(instance_ref=instance) as opened:
        _execute_run_command_body(run_id, opened, lambda _: None, set_exit_code_on_failure=False)


def _newest_change() -> float:
    return max(file.stat().st_mtime for file in PACKAGE.rglob("*.py"))


@cache
def _loaded_change() -> float:
    return _newest_change()

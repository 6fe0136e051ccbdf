"""Forks the process of a run from a server that has already imported everything a run needs.

Dagster's code server starts a new interpreter for each run, and imports cost that 1.5 to 2.5 s of CPU. Here they happen
once, in a fork server of Python's `multiprocessing`, a child of the process that launches runs.
"""

import gc
import multiprocessing
from functools import cache
from multiprocessing.context import ForkServerContext
from pathlib import Path

import recruit_assets
from recruit_assets.stores.dagster.compat import RUN_MODULES, InstanceRef, execute_run

PACKAGE = Path(recruit_assets.__file__).parent
DEFINITIONS = "recruit_assets.definitions"
PRELOADED = (*RUN_MODULES, DEFINITIONS)


def start_run(run_id: str, instance: InstanceRef) -> int:
    """Execute the run in a new process; returns the process id at once."""
    process = _context().Process(target=_execute, args=(run_id, instance), name=f"run-{run_id}")
    process.start()
    if process.pid is None:
        raise ChildProcessError(f"the fork server started no process for run {run_id}")
    return process.pid


def _execute(run_id: str, instance: InstanceRef) -> None:
    # otherwise a garbage collection writes to every object of the server, and the kernel copies them: 0.3 s of CPU
    gc.freeze()
    execute_run(run_id, instance)


def is_current() -> bool:
    """False once a file of the package is newer than what the server has loaded."""
    return _newest_change() == _loaded_change()


@cache
def _context() -> ForkServerContext:
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(list(PRELOADED))
    return context


def _newest_change() -> float:
    return max(file.stat().st_mtime for file in PACKAGE.rglob("*.py"))


@cache
def _loaded_change() -> float:
    return _newest_change()

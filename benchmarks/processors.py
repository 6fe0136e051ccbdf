"""Who keeps the processors busy while something is measured: the first question about what limits it.

Belongs here: processor time by process, as the kernel counts it. Not here: memory (`memory`), where in a program time
goes (a profiler's business).
"""

import os
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress

import psutil

from benchmarks.arena import Arena

SERVICES = ("ingest", "simulate", "dagster-daemon", "dagster-webserver", "metrics", "report")
LEAST = 0.02
"""Processors in use that are worth a word."""


@contextmanager
def spent(arena: Arena, *, others: str) -> Iterator[dict[str, float]]:
    """Filled on leaving: processor seconds of each engine, and of each of this process's descendants, ended ones too.

    `others` names those that are no service of `up`.
    """
    found: dict[str, float] = {}
    before = _seconds(arena, others)
    yield found
    after = _seconds(arena, others)
    found.update({name: after[name] - before[name] for name in list(after)})


@contextmanager
def busy(arena: Arena, *, others: str) -> Iterator[dict[str, float]]:
    """The same as processors in use: seconds per second."""
    found: dict[str, float] = {}
    started = time.perf_counter()
    with spent(arena, others=others) as seconds:
        yield found
    wall_s = time.perf_counter() - started
    found.update({name: one / wall_s for name, one in seconds.items()})


def told(found: Mapping[str, float]) -> str:
    """In the order of their share."""
    most = sorted(found.items(), key=lambda item: -item[1])
    parts = [f"{name} {used:.2f}" for name, used in most if used >= LEAST]
    return f"processors in use: {sum(found.values()):.2f} of {len(os.sched_getaffinity(0))} ({', '.join(parts)})"


def _seconds(arena: Arena, others: str) -> dict[str, float]:
    seconds: dict[str, float] = defaultdict(float)
    engines = {status.pid: status.name.value for status in arena.engines.status() if status.pid is not None}
    for pid, name in engines.items():
        seconds[name] += _with_ended_children(psutil.Process(pid))
    this = psutil.Process()
    seconds[others] += this.cpu_times().children_user + this.cpu_times().children_system
    for process in this.children(recursive=True):
        with suppress(psutil.NoSuchProcess):
            if process.pid not in engines:
                seconds[_service(process, others)] += _with_ended_children(process)
    return seconds


def _with_ended_children(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system + times.children_user + times.children_system)


def _service(process: psutil.Process, others: str) -> str:
    """The service of `up` that the process is, or is part of."""
    for one in (process, *process.parents()):
        words = " ".join(one.cmdline())
        for name in SERVICES:
            if f"/{name}" in words or f" {name} " in f"{words} ":
                return name
    return others

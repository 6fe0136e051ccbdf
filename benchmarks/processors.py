"""Which processes use the processors while something is measured, as the kernel counts it."""

import os
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress

import psutil

from benchmarks.engines import BenchmarkEngines

SERVICES = {
    "runs": "multiprocessing.forkserver",
    "code-server": " api grpc ",
    "ingest": " ingest ",
    "simulate": " simulate ",
    "dagster-daemon": "/dagster-daemon ",
    "dagster-webserver": "/dagster-webserver ",
    "metrics": " metrics ",
    "report": " report ",
}
"""What only the command of this service of `up` has."""
LEAST = 0.02
"""Processors in use below which a process isn't listed."""


@contextmanager
def processor_seconds(engines: BenchmarkEngines, *, others: str) -> Iterator[dict[str, float]]:
    """CPU seconds of each engine and of this process's descendants, ended ones included; filled when the block ends.

    Descendants that are no service of `up` are added up under the name `others`.
    """
    found: dict[str, float] = {}
    before = _seconds(engines, others)
    yield found
    after = _seconds(engines, others)
    found.update({name: after[name] - before[name] for name in list(after)})


@contextmanager
def processors_in_use(engines: BenchmarkEngines, *, others: str) -> Iterator[dict[str, float]]:
    """The same in CPU seconds per second: the number of processors in use."""
    found: dict[str, float] = {}
    started = time.perf_counter()
    with processor_seconds(engines, others=others) as seconds:
        yield found
    wall_s = time.perf_counter() - started
    found.update({name: one / wall_s for name, one in seconds.items()})


def describe_usage(found: Mapping[str, float]) -> str:
    """The total, and the processes by descending share."""
    most = sorted(found.items(), key=lambda item: -item[1])
    parts = [f"{name} {used:.2f}" for name, used in most if used >= LEAST]
    return f"processors in use: {sum(found.values()):.2f} of {len(os.sched_getaffinity(0))} ({', '.join(parts)})"


def _seconds(engines: BenchmarkEngines, others: str) -> dict[str, float]:
    seconds: dict[str, float] = defaultdict(float)
    names = {status.pid: status.name.value for status in engines.local.status() if status.pid is not None}
    for pid, name in names.items():
        seconds[name] += _with_ended_children(psutil.Process(pid))
    this = psutil.Process()
    seconds[others] += this.cpu_times().children_user + this.cpu_times().children_system
    for process in this.children(recursive=True):
        with suppress(psutil.NoSuchProcess):
            if process.pid not in names:
                seconds[_service(process, others)] += _with_ended_children(process)
    return seconds


def _with_ended_children(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system + times.children_user + times.children_system)


def _service(process: psutil.Process, others: str) -> str:
    """The service of `up` that the process is, or is part of."""
    for one in (process, *process.parents()):
        words = " ".join((*one.cmdline(), ""))
        for name, mark in SERVICES.items():
            if mark in words:
                return name
    return others

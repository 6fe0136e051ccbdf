"""Resident memory of processes, sampled while they run."""

import os
import subprocess
import time
from collections.abc import Sequence

import psutil

from recruit_assets.runtime.settings import Settings, as_environment
from recruit_assets_tests.support.command import RECRUIT_ASSETS

SAMPLE_S = 0.25
MIB = 2**20


def peak_mib(arguments: Sequence[str], settings: Settings) -> int:
    """Peak memory of `recruit-assets` with these arguments, children included; RuntimeError if it fails."""
    command = [*RECRUIT_ASSETS, *arguments]
    process = subprocess.Popen(command, env={**os.environ, **as_environment(settings)}, stderr=subprocess.DEVNULL)
    peak = 0
    while process.poll() is None:
        peak = max(peak, family_mib(process.pid))
        time.sleep(SAMPLE_S)
    if process.returncode:
        raise RuntimeError(f"recruit-assets {' '.join(arguments)} ended with exit code {process.returncode}")
    return peak


def family_mib(pid: int) -> int:
    """Memory of a process and its children together; 0 if it has ended."""
    try:
        parent = psutil.Process(pid)
        return sum(each.memory_info().rss for each in (parent, *parent.children(recursive=True))) // MIB
    except psutil.NoSuchProcess:
        return 0

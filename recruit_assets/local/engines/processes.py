"""Processes that outlive the command which started them: spawn, recognize again, signal, wait.

A process is recognized by its pid, the boot and the tick of its start, so that a pid which another program got since is
never taken for ours, whatever the wall clock did. Not here: which program is run (each engine), when (`local`).
"""

import json
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

import psutil

from recruit_assets.local.engines.diagnosis import explain
from recruit_assets.local.engines.engine import Command
from recruit_assets.runtime.errors import StoreUnavailable
from recruit_assets.runtime.files import write_private
from recruit_assets.runtime.signals import interrupts_deferred

BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
POLL_S = 0.05

_children: dict[int, subprocess.Popen[bytes]] = {}
"""Started by this process: it must reap them, else a dead one stays visible as a zombie."""


@dataclass(frozen=True, slots=True)
class ProcessRecord:
    """Identity of a process for as long as the machine runs."""

    pid: int
    boot_id: str
    start_ticks: int

    def write(self, file: Path) -> None:
        write_private(file, json.dumps(asdict(self)))


def read_record(file: Path) -> ProcessRecord | None:
    """The record in a file; nothing where there is none or it can't be read."""
    try:
        return ProcessRecord(**json.loads(file.read_text()))
    except (FileNotFoundError, ValueError, TypeError):
        return None


def spawn(command: Command, log: Path) -> ProcessRecord:
    """Start a program in a session of its own, away from this terminal's signals; its output is appended to `log`."""
    with log.open("ab") as output, _stdin(command) as stdin:
        child = subprocess.Popen(
            command.arguments,
            cwd=command.folder,
            env=dict(command.environment),
            stdin=stdin,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    _children[child.pid] = child
    return identify(child.pid)


@contextmanager
def _stdin(command: Command) -> Iterator[int]:
    """Nothing, or a pipe of which the program itself holds both ends."""
    if not command.keeps_stdin:
        yield subprocess.DEVNULL
        return
    pipe = command.folder / "stdin"
    pipe.unlink(missing_ok=True)
    os.mkfifo(pipe, 0o600)
    both_ends = os.open(pipe, os.O_RDWR)
    try:
        yield both_ends
    finally:
        os.close(both_ends)


def run_to_end(command: Command, *, stdin: str = "", timeout_s: float) -> None:
    """Run a program that prepares an engine; StoreUnavailable with its last lines unless it succeeds in time."""
    program = Path(command.arguments[0]).name
    with ExitStack() as at_end:
        with interrupts_deferred():
            child = at_end.enter_context(
                subprocess.Popen(
                    command.arguments,
                    cwd=command.folder,
                    env=dict(command.environment),
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.STDOUT,
                    text=True,
                )
            )
            at_end.callback(child.kill)  # Ctrl-C, or too late
        try:
            output, _ = child.communicate(stdin, timeout=timeout_s)
        except subprocess.TimeoutExpired as error:
            problem = f"{program} didn't end within {timeout_s} s: {' '.join(command.arguments)}"
            raise StoreUnavailable(problem) from error
    if child.returncode != 0:
        raise StoreUnavailable(f"{program} failed with exit code {child.returncode}; {explain(output)}")


def identify(pid: int) -> ProcessRecord:
    """The record of a process that exists; ProcessLookupError where it doesn't."""
    start = _start_ticks(pid)
    if start is None:
        raise ProcessLookupError(f"no process {pid}")
    return ProcessRecord(pid, BOOT_ID.read_text().strip(), start)


def is_alive(record: ProcessRecord) -> bool:
    """Whether this very process still holds anything: memory, files, ports."""
    alive = (
        record.boot_id == BOOT_ID.read_text().strip()
        and record.start_ticks == _start_ticks(record.pid)
        and _holds_anything(record.pid)
    )
    if not alive:
        _reap(record.pid)
    return alive


def is_paused(record: ProcessRecord) -> bool:
    """Whether it exists and was stopped by a signal."""
    try:
        return bool(psutil.Process(record.pid).status() == psutil.STATUS_STOPPED)
    except psutil.NoSuchProcess:
        return False


def process_with_argument(argument: str) -> ProcessRecord | None:
    """A process of this user with such an argument: one whose record was lost."""
    for process in psutil.process_iter():
        try:
            if argument in process.cmdline() and process.uids().real == os.getuid():
                return identify(process.pid)
        except (psutil.Error, ProcessLookupError):
            continue
    return None


def send(record: ProcessRecord, number: signal.Signals) -> None:
    """Signal the process and all of its group; nothing happens where it is gone."""
    if is_alive(record):
        try:
            os.killpg(record.pid, number)
        except ProcessLookupError:
            return


def wait_gone(record: ProcessRecord, timeout_s: float) -> bool:
    """Whether the process ended in time."""
    deadline = time.monotonic() + timeout_s
    while is_alive(record):
        if time.monotonic() > deadline:
            return False
        time.sleep(POLL_S)
    return True


def _holds_anything(pid: int) -> bool:
    try:
        process = psutil.Process(pid)
        # a killed process is a zombie at once, but its ports stay taken until the last of its threads is gone
        return bool(process.status() != psutil.STATUS_ZOMBIE or process.num_threads() > 1)
    except psutil.NoSuchProcess:
        return False


def _reap(pid: int) -> None:
    child = _children.get(pid)
    if child is not None and child.poll() is not None:
        del _children[pid]


def _start_ticks(pid: int) -> int | None:
    """Field 22 of /proc/PID/stat; the name in field 2 may hold anything, also brackets and spaces."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except (FileNotFoundError, ProcessLookupError):
        return None
    return int(stat.rpartition(")")[2].split()[19])

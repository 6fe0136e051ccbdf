"""Processes that outlive the command that started them: spawn, identify, signal, wait.

A process is identified by pid, boot and start tick, so a pid that another program got later isn't mistaken for ours.
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
from recruit_assets.runtime.errors import StoreUnavailable, UserError
from recruit_assets.runtime.files import atomic_write
from recruit_assets.runtime.signals import defer_signals

BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
POLL_S = 0.05

_children: dict[int, subprocess.Popen[bytes]] = {}
"""Children of this process, which it must reap: otherwise a dead one stays as a zombie."""


@dataclass(frozen=True, slots=True)
class ProcessRecord:
    """Identifies a process until the next reboot."""

    pid: int
    boot_id: str
    start_ticks: int

    def write(self, file: Path) -> None:
        atomic_write(file, json.dumps(asdict(self)), private=True)


def read_record(file: Path) -> ProcessRecord | None:
    """The record in a file; None if there is no file or it is invalid, UserError if it is another user's."""
    try:
        return ProcessRecord(**json.loads(file.read_text()))
    except (FileNotFoundError, ValueError, TypeError):
        return None
    except PermissionError as error:
        raise UserError(f"can't read {file}: it belongs to another user, who must stop these engines") from error


def spawn(command: Command, log: Path) -> ProcessRecord:
    """Start a program in its own session, so that Ctrl-C doesn't reach it; its output is appended to `log`."""
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
    """/dev/null, or a pipe whose both ends the program holds."""
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
    """Run a program that prepares an engine; StoreUnavailable with its last lines if it fails or takes too long."""
    program = Path(command.arguments[0]).name
    with ExitStack() as at_end:
        with defer_signals():
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
            at_end.callback(child.kill)  # after Ctrl-C or a timeout
        try:
            output, _ = child.communicate(stdin, timeout=timeout_s)
        except subprocess.TimeoutExpired as error:
            problem = f"{program} didn't end within {timeout_s} s: {' '.join(command.arguments)}"
            raise StoreUnavailable(problem) from error
    if child.returncode != 0:
        raise StoreUnavailable(f"{program} failed with exit code {child.returncode}; {explain(output)}")


def identify(pid: int) -> ProcessRecord:
    """The record of a process; ProcessLookupError if it doesn't exist."""
    start = _start_ticks(pid)
    if start is None:
        raise ProcessLookupError(f"no process {pid}")
    return ProcessRecord(pid, BOOT_ID.read_text().strip(), start)


def is_alive(record: ProcessRecord) -> bool:
    """True if this process exists and still holds memory, files or ports."""
    alive = (
        record.boot_id == BOOT_ID.read_text().strip()
        and record.start_ticks == _start_ticks(record.pid)
        and _holds_anything(record.pid)
    )
    if not alive:
        _reap(record.pid)
    return alive


def has_argument(record: ProcessRecord, argument: str) -> bool:
    """True if the living process has this argument, or none any more because it is ending."""
    try:
        arguments = psutil.Process(record.pid).cmdline()
    except psutil.Error:
        return True
    return not arguments or argument in arguments


def is_paused(record: ProcessRecord) -> bool:
    """True if it exists and was stopped by a signal."""
    try:
        return bool(psutil.Process(record.pid).status() == psutil.STATUS_STOPPED)
    except psutil.NoSuchProcess:
        return False


def process_with_argument(argument: str) -> ProcessRecord | None:
    """A process of this user with this argument: finds one whose record was lost."""
    for process in psutil.process_iter():
        try:
            if argument in process.cmdline() and process.uids().real == os.getuid():
                return identify(process.pid)
        except (psutil.Error, ProcessLookupError):
            continue
    return None


def send(record: ProcessRecord, number: signal.Signals) -> None:
    """Signal the process and its group, if it still exists."""
    if is_alive(record):
        try:
            os.killpg(record.pid, number)
        except ProcessLookupError:
            return


def wait_gone(record: ProcessRecord, timeout_s: float) -> bool:
    """True if the process ended in time."""
    deadline = time.monotonic() + timeout_s
    while is_alive(record):
        if time.monotonic() > deadline:
            return False
        time.sleep(POLL_S)
    return True


def _holds_anything(pid: int) -> bool:
    try:
        process = psutil.Process(pid)
        # a killed process is a zombie at once, but holds its ports until its last thread has ended
        return bool(process.status() != psutil.STATUS_ZOMBIE or process.num_threads() > 1)
    except psutil.NoSuchProcess:
        return False


def _reap(pid: int) -> None:
    child = _children.get(pid)
    if child is not None and child.poll() is not None:
        del _children[pid]


def _start_ticks(pid: int) -> int | None:
    """Field 22 of /proc/PID/stat. The name in field 2 may contain anything, brackets and spaces included."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except (FileNotFoundError, ProcessLookupError):
        return None
    return int(stat.rpartition(")")[2].split()[19])

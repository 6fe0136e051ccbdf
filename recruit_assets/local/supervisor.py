"""Child processes of `recruit-assets up`: started in order, restarted when they die, stopped in reverse order.

Engines outlive the command that started them; their processes are `local.engines.processes`.
"""

import ctypes
import os
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from recruit_assets.runtime.echo import Echo
from recruit_assets.runtime.files import private_folder, shorten, tail

PR_SET_PDEATHSIG = 1
STOP_TIMEOUT_S = 20.0
FIRST_RESTART_S, LAST_RESTART_S = 1.0, 60.0
RECOVERED_AFTER_S = 60.0
"""A process that ran this long has recovered: the pause before its next restart is short again."""
LOG_LINES = 5
LAST_BYTES = 16 * 1024
LOG_BYTES = 32 * 1024 * 1024
"""A longer log begins anew; what it had stays once more as `<service>.log.previous`."""
POLL_S = 0.05

_libc = ctypes.CDLL(None, use_errno=True)


@dataclass(frozen=True, slots=True)
class Service:
    """A program to keep running."""

    name: str
    arguments: Sequence[str]
    environment: Mapping[str, str]


class Supervisor:
    """Runs services in a `with` block, each with a process group and a log file of its own."""

    def __init__(self, services: Sequence[Service], logs: Path, echo: Echo) -> None:
        self._children = [_Child(service, logs / f"{service.name}.log", echo) for service in services]
        self._echo = echo

    def __enter__(self) -> "Supervisor":
        try:
            for child in self._children:
                child.start()
        except BaseException:
            self._stop()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._stop()

    def watch(self) -> None:
        """Restart what died, after a pause that doubles each time. Call this about every second."""
        for child in self._children:
            child.watch()

    def pids(self) -> dict[str, int]:
        """The running processes by service name."""
        return {child.service.name: pid for child in self._children if (pid := child.pid) is not None}

    def _stop(self) -> None:
        """Stop in reverse order, so that no service loses another that it needs."""
        self._echo("stopping " + ", ".join(child.service.name for child in reversed(self._children)))
        for child in reversed(self._children):
            child.stop()


class _Child:
    def __init__(self, service: Service, log: Path, echo: Echo) -> None:
        self.service, self._log, self._echo = service, log, echo
        self._process: subprocess.Popen[bytes] | None = None
        self._started_at = self._restart_at = 0.0
        self._pause_s = FIRST_RESTART_S

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process is not None and self._process.poll() is None else None

    def start(self) -> None:
        private_folder(self._log.parent)
        with self._log.open("ab") as output:
            self._process = subprocess.Popen(
                list(self.service.arguments),
                env=dict(self.service.environment),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                preexec_fn=_end_with_parent,  # noqa: PLW1509  # we have no other thread yet
            )
        self._started_at = time.monotonic()

    def watch(self) -> None:
        shorten(self._log, limit_bytes=LOG_BYTES)
        if self.pid is not None:
            return
        now = time.monotonic()
        if self._process is not None:
            self._echo(self._death(self._process.returncode))
            _signal_group(self._process.pid, signal.SIGKILL)  # its children must not run beside the new ones
            self._pause_s = FIRST_RESTART_S if now - self._started_at > RECOVERED_AFTER_S else self._pause_s
            self._restart_at, self._pause_s = now + self._pause_s, min(2 * self._pause_s, LAST_RESTART_S)
            self._process = None
        if now >= self._restart_at:
            self.start()

    def stop(self) -> None:
        """SIGTERM, then SIGKILL after a while, for the whole group, so that Dagster's run processes end too."""
        if self._process is None:
            return
        pid = self._process.pid
        _signal_group(pid, signal.SIGTERM)
        deadline = time.monotonic() + STOP_TIMEOUT_S
        while _group_exists(self._process) and time.monotonic() < deadline:
            time.sleep(POLL_S)
        if _group_exists(self._process):
            self._echo(f"{self.service.name} didn't end within {STOP_TIMEOUT_S:.0f} s, killing it")
            _signal_group(pid, signal.SIGKILL)
        self._process.wait()
        self._process = None

    def _death(self, code: int) -> str:
        how = f"was killed by signal {-code}" if code < 0 else f"ended with exit code {code}"
        last = tail(self._log, limit_bytes=LAST_BYTES).splitlines()[-LOG_LINES:]
        lines = "".join(f"\n    {line}" for line in last)
        return f"{self.service.name} {how}, restarting in {self._pause_s:.1f} s; see {self._log}{lines}"


def _end_with_parent() -> None:
    """Runs in the child: it gets SIGTERM when this command is killed."""
    _libc.prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


def _group_exists(process: "subprocess.Popen[bytes]") -> bool:
    process.poll()  # reaps the leader, which as a zombie would keep the group in existence
    try:
        os.killpg(process.pid, 0)
    except ProcessLookupError:
        return False
    return True


def _signal_group(group: int, number: signal.Signals) -> None:
    try:
        os.killpg(group, number)
    except ProcessLookupError:
        return

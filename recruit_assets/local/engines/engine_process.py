"""One engine's process: is it there, start it, wait until it works, end it, say why it died.

Belongs here: the process record in the engine's folder, and what is noticed about it: dead, stale, lost, silent.
Not here: what the program is (`engine` and its modules), the set of engines (`local`).
"""

import shutil
import signal
import time
from dataclasses import dataclass
from pathlib import Path

import psutil

from recruit_assets.local.engines.diagnosis import cause_in, explain, tail
from recruit_assets.local.engines.engine import Echo, Engine, EngineState, EngineStatus
from recruit_assets.local.engines.ports import becomes_free, holder_of
from recruit_assets.local.engines.processes import (
    ProcessRecord,
    is_alive,
    is_paused,
    process_with_argument,
    read_record,
    send,
    spawn,
    wait_gone,
)
from recruit_assets.runtime.errors import StoreUnavailable, UserError
from recruit_assets.runtime.signals import interrupts_deferred

READY_TIMEOUT_S = 180
STOP_TIMEOUT_S = 60
POLL_S = 0.1
FULL_MB = 8
"""An engine that grows a file needs more."""


@dataclass(frozen=True, slots=True)
class EngineProcess:
    """Runs one engine; all that it remembers is in the engine's folder."""

    engine: Engine

    @property
    def log(self) -> Path:
        """Output of the present process, or of the last one."""
        return self.engine.folder / "log"

    @property
    def _previous_log(self) -> Path:
        return self.engine.folder / "log.previous"

    @property
    def _record_file(self) -> Path:
        return self.engine.folder / "process.json"

    def process(self) -> ProcessRecord | None:
        """The engine's living process, also one whose record was lost."""
        record = read_record(self._record_file)
        if record is not None and is_alive(record):
            return record
        return process_with_argument(self.engine.mark)

    @property
    def is_new(self) -> bool:
        """Whether it has no data yet."""
        return not (self.engine.folder / "data").exists()

    def status(self) -> EngineStatus:
        """What is there now; no request is made."""
        record = self.process()
        try:
            return self._dead_or_stopped() if record is None else self._alive(record)
        except psutil.NoSuchProcess:  # it ended while it was looked at
            return self._dead_or_stopped()

    def is_running(self, echo: Echo) -> bool:
        """Whether there is a process to be left alone; says what else was found."""
        name, record, found = self.engine.name, read_record(self._record_file), self.process()
        if found is None:
            if record is not None:
                echo(f"{name}: {self._what_became_of(record)}")
            return False
        if is_paused(found):
            echo(f"{name}: was paused, goes on")
            send(found, signal.SIGCONT)
        if found != record:
            echo(f"{name}: its process {found.pid} runs, but the record of it was lost; recorded again")
            found.write(self._record_file)
        return True

    def require_ports(self) -> None:
        """UserError if another program has a port that was kept for this engine."""
        for purpose, port in self.engine.ports.items():
            if not becomes_free(port):
                raise UserError(
                    f"port {port}, kept for {purpose}, is taken by {holder_of(port)}: end that program, or stop the "
                    f"engines and delete {self.engine.folder.parent / 'ports.json'} to have other ports chosen"
                )

    def spawn(self, echo: Echo) -> None:
        """Start the process; UserError where its files can't be written or its program can't be run."""
        try:
            command = self.engine.prepare(echo)
            if self.log.exists():
                self.log.replace(self._previous_log)  # an old run's trouble must not explain this one's
            with interrupts_deferred():
                spawn(command, self.log).write(self._record_file)
            echo(f"{self.engine.name}: starting")
        except OSError as error:
            raise UserError(f"{self.engine.name} can't be started: {error}") from error

    def wait_ready(self, echo: Echo) -> None:
        """Return when it answers a real request; StoreUnavailable if it dies or takes too long."""
        deadline = time.monotonic() + READY_TIMEOUT_S
        while (failure := self._failure()) is not None:
            if self.process() is None:
                raise StoreUnavailable(f"{self.engine.name} ended while it started; {self._explained()}")
            if time.monotonic() > deadline:
                silent = f"{self.engine.name} runs, but didn't answer for {READY_TIMEOUT_S} s ({failure})"
                raise StoreUnavailable(f"{silent}; {self._explained()}")
            time.sleep(POLL_S)
        echo(f"{self.engine.name}: ready")

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to a running engine; UserError where there is none."""
        record = self.process()
        if record is None:
            raise UserError(f"{self.engine.name} isn't running")
        send(record, number)
        if number is signal.SIGKILL:
            wait_gone(record, STOP_TIMEOUT_S)

    def ask_to_end(self, echo: Echo) -> None:
        """Begin an orderly end."""
        running = self.process()
        if running is not None:
            echo(f"{self.engine.name}: stopping")
            if running != read_record(self._record_file):  # no write without need: the disk may be full
                running.write(self._record_file)
            send(running, signal.SIGTERM)
            send(running, signal.SIGCONT)  # a paused one doesn't hear the first
        elif (record := read_record(self._record_file)) is not None:
            echo(f"{self.engine.name}: {self._what_became_of(record)}")

    def wait_gone(self, echo: Echo) -> None:
        """Return when the process is gone; one that takes too long is killed."""
        record = read_record(self._record_file)
        if record is not None and not wait_gone(record, STOP_TIMEOUT_S):
            echo(f"{self.engine.name}: didn't end within {STOP_TIMEOUT_S} s, so it is killed")
            self.kill()
        self._record_file.unlink(missing_ok=True)

    def kill(self) -> None:
        """End the process at once, if there is one."""
        record = self.process()
        if record is not None:
            send(record, signal.SIGKILL)
            wait_gone(record, STOP_TIMEOUT_S)
        self._record_file.unlink(missing_ok=True)

    @property
    def _port(self) -> int | None:
        return next(iter(self.engine.ports.values()), None)

    def _alive(self, record: ProcessRecord) -> EngineStatus:
        process = psutil.Process(record.pid)
        return EngineStatus(
            self.engine.name,
            EngineState.PAUSED if is_paused(record) else EngineState.RUNNING,
            self.log,
            self._port,
            pid=record.pid,
            uptime_s=max(0.0, time.time() - process.create_time()),
            rss_bytes=process.memory_info().rss,
            note=self._trouble(),
        )

    def _trouble(self) -> str:
        """What keeps a running engine from its work, if that can be seen from outside."""
        free_mb = shutil.disk_usage(self.engine.folder).free / 1e6
        return f"its disk is full ({free_mb:.1f} MB free): make room" if free_mb < FULL_MB else ""

    def _dead_or_stopped(self) -> EngineStatus:
        """A stopped engine's record was removed, a dead one's is still there."""
        if not self._record_file.exists():
            return EngineStatus(self.engine.name, EngineState.STOPPED, self.log, self._port)
        note = cause_in(tail(self.log))
        return EngineStatus(self.engine.name, EngineState.DEAD, self.log, self._port, note=note)

    def _failure(self) -> StoreUnavailable | None:
        try:
            self.engine.probe()
        except StoreUnavailable as error:
            return error
        return None

    def _what_became_of(self, record: ProcessRecord) -> str:
        cause = cause_in(tail(self.log))
        because = f" ({cause})" if cause else ""
        try:
            other = psutil.Process(record.pid).name()
        except psutil.NoSuchProcess:
            return f"its process {record.pid} had died{because}, see {self.log}"
        return f"its process had died{because}, see {self.log}; pid {record.pid} is {other} now and is left alone"

    def _explained(self) -> str:
        return f"{explain(tail(self.log))}\nThe whole log is {self.log}"

"""The process of one engine: its state, starting it, waiting until it works, stopping it, and why it died."""

import shutil
import signal
import time
from dataclasses import dataclass
from pathlib import Path

import psutil

from recruit_assets.local.engines.diagnosis import TAIL_BYTES, cause_in, explain
from recruit_assets.local.engines.engine import Engine, EngineState, EngineStatus
from recruit_assets.local.engines.ports import becomes_free, holder_of
from recruit_assets.local.engines.processes import (
    ProcessRecord,
    has_argument,
    is_alive,
    is_paused,
    process_with_argument,
    read_record,
    send,
    spawn,
    wait_gone,
)
from recruit_assets.runtime.echo import Echo
from recruit_assets.runtime.errors import StoreUnavailable, UserError
from recruit_assets.runtime.files import tail
from recruit_assets.runtime.signals import defer_signals

READY_TIMEOUT_S = 180
STOP_TIMEOUT_S = 60
POLL_S = 0.1
FULL_MB = 8
"""With less free disk space, an engine can't extend a file."""


@dataclass(frozen=True, slots=True)
class EngineProcess:
    """Runs one engine; its state is in the engine's folder, so that another command can take over."""

    engine: Engine

    @property
    def log(self) -> Path:
        """Output of the current process, or of the last one."""
        return self.engine.folder / "log"

    @property
    def _previous_log(self) -> Path:
        return self.engine.folder / "log.previous"

    @property
    def _record_file(self) -> Path:
        return self.engine.folder / "process.json"

    def process(self) -> ProcessRecord | None:
        """The engine's process if it is alive, even if its record was lost.

        A record that was copied here with the folder names a process that works in the original.
        """
        record = self._record()
        if record is not None and is_alive(record):
            return record
        return process_with_argument(self.engine.mark)

    def _record(self) -> ProcessRecord | None:
        record = read_record(self._record_file)
        is_other = record is not None and is_alive(record) and not has_argument(record, self.engine.mark)
        return None if is_other else record

    @property
    def is_new(self) -> bool:
        """True if it has no data yet."""
        return not (self.engine.folder / "data").exists()

    def status(self) -> EngineStatus:
        """The current status, without a request to the engine."""
        record = self.process()
        try:
            return self._dead_or_stopped() if record is None else self._alive(record)
        except psutil.NoSuchProcess:  # it ended in the meantime
            return self._dead_or_stopped()

    def is_running(self, echo: Echo) -> bool:
        """True if the process is alive; resumes a paused one, restores a lost record, and reports a death."""
        name, record, found = self.engine.name, self._record(), self.process()
        if found is None:
            if record is not None:
                echo(f"{name}: {self._cause_of_death(record)}")
            return False
        if is_paused(found):
            echo(f"{name}: was paused, resuming it")
            send(found, signal.SIGCONT)
        if found != record:
            echo(f"{name}: found its process {found.pid}, whose record was lost")
            found.write(self._record_file)
        return True

    def require_ports(self) -> None:
        """UserError if another program uses a port of this engine."""
        for purpose, port in self.engine.ports.items():
            if not becomes_free(port):
                raise UserError(
                    f"port {port} of {purpose} is in use by {holder_of(port)}: stop that program, or stop the engines "
                    f"and delete {self.engine.folder.parent / 'ports.json'}, so that other ports are chosen"
                )

    def spawn(self, echo: Echo) -> None:
        """Start the process; UserError if its files can't be written or its program can't be run."""
        try:
            command = self.engine.prepare(echo)
            if self.log.exists():
                self.log.replace(self._previous_log)  # errors of an earlier run must not explain a failure of this one
            with defer_signals():
                spawn(command, self.log).write(self._record_file)
            echo(f"{self.engine.name}: starting")
        except OSError as error:
            raise UserError(f"can't start {self.engine.name}: {error}") from error

    def wait_ready(self, echo: Echo) -> None:
        """Return once it answers a request; StoreUnavailable if it dies or takes too long.

        UserError if it dies and its log says what the user can do about it.
        """
        deadline = time.monotonic() + READY_TIMEOUT_S
        while (failure := self._failure()) is not None:
            if self.process() is None:
                if cause := cause_in(self._end_of_log()):
                    raise UserError(f"{self.engine.name} died while starting: {cause}. The full log is {self.log}")
                raise StoreUnavailable(f"{self.engine.name} died while starting; {self._explained()}")
            if time.monotonic() > deadline:
                problem = f"{self.engine.name} is running but hasn't answered for {READY_TIMEOUT_S} s ({failure})"
                raise StoreUnavailable(f"{problem}; {self._explained()}")
            time.sleep(POLL_S)
        echo(f"{self.engine.name}: ready")

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to the engine; UserError if it isn't running."""
        record = self.process()
        if record is None:
            raise UserError(f"{self.engine.name} isn't running")
        send(record, number)
        if number is signal.SIGKILL:
            wait_gone(record, STOP_TIMEOUT_S)

    def terminate(self, echo: Echo) -> None:
        """Send SIGTERM; `wait_gone` waits for the end."""
        running = self.process()
        if running is not None:
            echo(f"{self.engine.name}: stopping")
            if running != self._record():  # write only if needed: the disk may be full
                running.write(self._record_file)
            send(running, signal.SIGTERM)
            send(running, signal.SIGCONT)  # a paused process doesn't receive SIGTERM
        elif (record := self._record()) is not None:
            echo(f"{self.engine.name}: {self._cause_of_death(record)}")

    def wait_gone(self, echo: Echo) -> None:
        """Return when the process has ended; one that takes too long is killed."""
        record = self._record()
        if record is not None and not wait_gone(record, STOP_TIMEOUT_S):
            echo(f"{self.engine.name}: didn't end within {STOP_TIMEOUT_S} s, killing it")
            self.kill()
        self._record_file.unlink(missing_ok=True)

    def kill(self) -> None:
        """Kill the process, if there is one."""
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
            note=self._disk_problem(),
        )

    def _disk_problem(self) -> str:
        free_mb = shutil.disk_usage(self.engine.folder).free / 1e6
        return f"the disk is full ({free_mb:.1f} MB free): make room" if free_mb < FULL_MB else ""

    def _dead_or_stopped(self) -> EngineStatus:
        """Stopping removes the record; if the engine died, the record is still there."""
        if not self._record_file.exists():
            return EngineStatus(self.engine.name, EngineState.STOPPED, self.log, self._port)
        note = cause_in(self._end_of_log())
        return EngineStatus(self.engine.name, EngineState.DEAD, self.log, self._port, note=note)

    def _failure(self) -> StoreUnavailable | None:
        try:
            self.engine.probe()
        except StoreUnavailable as error:
            return error
        return None

    def _cause_of_death(self, record: ProcessRecord) -> str:
        cause = cause_in(self._end_of_log())
        because = f" ({cause})" if cause else ""
        try:
            other = psutil.Process(record.pid).name()
        except psutil.NoSuchProcess:
            return f"its process {record.pid} had died{because}, see {self.log}"
        return f"its process had died{because}, see {self.log}; pid {record.pid} now belongs to {other}"

    def _end_of_log(self) -> str:
        return tail(self.log, limit_bytes=TAIL_BYTES)

    def _explained(self) -> str:
        return f"{explain(self._end_of_log())}\nThe full log is {self.log}"

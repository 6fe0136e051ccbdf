"""One engine's process: is it there, start it, wait until it works, end it, say why it died.

Belongs here: the process record in the engine's folder, and what is noticed about it: dead, stale, lost, silent. Not here:
what the program is (`engine` and its modules), the set of engines (`local`).
"""

import signal
import time
from dataclasses import dataclass
from pathlib import Path

import psutil

from recruit_assets.engines.diagnosis import cause_in, explain, tail
from recruit_assets.engines.engine import Engine, EngineState, EngineStatus, Say
from recruit_assets.engines.ports import holder_of, is_free
from recruit_assets.engines.processes import (
    ProcessRecord,
    is_alive,
    process_with_argument,
    read_record,
    send,
    spawn,
    wait_gone,
)
from recruit_assets.errors import StoreUnavailable, UserError

READY_TIMEOUT_S = 180
STOP_TIMEOUT_S = 60
POLL_S = 0.1
KEPT_LOG_BYTES = 10 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Supervisor:
    """Runs one engine; all that it remembers is in the engine's folder."""

    engine: Engine

    @property
    def log(self) -> Path:
        return self.engine.folder / "log"

    @property
    def _record_file(self) -> Path:
        return self.engine.folder / "process.json"

    def process(self) -> ProcessRecord | None:
        """The engine's living process, also one whose record was lost."""
        record = read_record(self._record_file)
        if record is not None and is_alive(record):
            return record
        return process_with_argument(self.engine.mark)

    def status(self) -> EngineStatus:
        name, port = self.engine.name, next(iter(self.engine.ports.values()))
        record = self.process()
        if record is None:
            died = self._record_file.exists()
            state = EngineState.DEAD if died else EngineState.STOPPED
            return EngineStatus(name, state, self.log, port, note=cause_in(tail(self.log)) if died else "")
        process = psutil.Process(record.pid)
        with process.oneshot():
            paused = process.status() == psutil.STATUS_STOPPED
            return EngineStatus(
                name,
                EngineState.PAUSED if paused else EngineState.RUNNING,
                self.log,
                port,
                pid=record.pid,
                uptime_s=max(0.0, time.time() - process.create_time()),
                rss_bytes=process.memory_info().rss,
            )

    def is_running(self, say: Say) -> bool:
        """Whether there is a process to be left alone; says what else was found."""
        name, record = self.engine.name, read_record(self._record_file)
        found = self.process()
        if found is not None:
            if psutil.Process(found.pid).status() == psutil.STATUS_STOPPED:
                say(f"{name}: was paused, goes on")
                send(found, signal.SIGCONT)
            if found != record:
                say(f"{name}: found its process {found.pid} without a record of it")
                found.write(self._record_file)
            return True
        if record is not None:
            say(f"{name}: {self._what_became_of(record)}; starting it again")
        return False

    def require_ports(self) -> None:
        """UserError if another program has a port that was kept for this engine."""
        for purpose, port in self.engine.ports.items():
            if not is_free(port):
                raise UserError(
                    f"port {port}, kept for {purpose}, is taken by {holder_of(port)}: end that program, or delete "
                    f"{self.engine.folder.parent / 'ports.json'} while the engines are stopped to have new ones chosen"
                )

    def spawn(self, say: Say) -> None:
        command = self.engine.prepare(say)
        say(f"{self.engine.name}: starting")
        if self.log.is_file() and self.log.stat().st_size > KEPT_LOG_BYTES:
            self.log.replace(self.log.with_suffix(".old"))
        try:
            spawn(command, self.log).write(self._record_file)
        except OSError as error:
            raise UserError(f"{self.engine.name} can't be started: {error}") from error

    def wait_ready(self, say: Say) -> None:
        """Return when it answers a real request; StoreUnavailable if it dies or takes too long."""
        began = time.monotonic()
        while True:
            # looked at before the request, so that the log of a process that died in between is complete
            alive = self.process() is not None
            try:
                self.engine.probe()
            except StoreUnavailable as error:
                failure = error
            else:
                break
            if not alive:
                raise StoreUnavailable(f"{self.engine.name} ended while it started: {self._explained()}")
            if time.monotonic() - began > READY_TIMEOUT_S:
                raise StoreUnavailable(
                    f"{self.engine.name} runs but gave no answer for {READY_TIMEOUT_S} s ({failure}): {self._explained()}"
                )
            time.sleep(POLL_S)
        say(f"{self.engine.name}: ready")

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to a running engine; UserError where there is none."""
        record = self.process()
        if record is None:
            raise UserError(f"{self.engine.name} isn't running")
        send(record, number)
        if number is signal.SIGKILL:
            wait_gone(record, STOP_TIMEOUT_S)

    def ask_to_end(self, say: Say) -> None:
        record = self.process()
        if record is not None:
            say(f"{self.engine.name}: stopping")
            record.write(self._record_file)
            send(record, signal.SIGTERM)
            send(record, signal.SIGCONT)  # a paused one can't hear

    def wait_gone(self, say: Say) -> None:
        record = read_record(self._record_file)
        if record is not None and not wait_gone(record, STOP_TIMEOUT_S):
            say(f"{self.engine.name}: didn't end within {STOP_TIMEOUT_S} s, killing it")
            send(record, signal.SIGKILL)
            wait_gone(record, STOP_TIMEOUT_S)
        self._record_file.unlink(missing_ok=True)

    def _what_became_of(self, record: ProcessRecord) -> str:
        cause = cause_in(tail(self.log))
        because = f" ({cause})" if cause else ""
        try:
            other = psutil.Process(record.pid).name()
        except psutil.NoSuchProcess:
            return f"its process {record.pid} had died{because}, see {self.log}"
        return f"its process is gone{because} and pid {record.pid} belongs to {other} now, which is left alone"

    def _explained(self) -> str:
        return f"{explain(tail(self.log))}\nThe whole log is {self.log}"

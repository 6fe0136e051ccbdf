"""The local engines as a set: start, stop, status. Tests also start, kill and pause single engines."""

import json
import logging
import platform
import signal
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from recruit_assets.local.engines.cassandra import Cassandra, CommitlogSync
from recruit_assets.local.engines.engine import Engine, EngineName, EngineState, EngineStatus
from recruit_assets.local.engines.engine_process import EngineProcess
from recruit_assets.local.engines.kafka import Kafka
from recruit_assets.local.engines.mariadb import MariaDb
from recruit_assets.local.engines.ports import keep_ports, read_ports
from recruit_assets.local.engines.spark import Spark
from recruit_assets.runtime.artifacts import fetch
from recruit_assets.runtime.artifacts.install import require_space
from recruit_assets.runtime.artifacts.mariadb import require_platform
from recruit_assets.runtime.echo import Echo
from recruit_assets.runtime.errors import UserError
from recruit_assets.runtime.files import atomic_write, locked, private_folder
from recruit_assets.runtime.settings import ENDPOINTS_FILE, Settings, read_endpoints

log = logging.getLogger(__name__)

DATA_BYTES = 170 * 1024 * 1024
"""Disk space that a new engine may use before the first event."""

PORTS: Mapping[EngineName, tuple[str, ...]] = {
    EngineName.SPARK: (),
    EngineName.CASSANDRA: ("cassandra", "cassandra_internode"),
    EngineName.KAFKA: ("kafka", "kafka_controller"),
    EngineName.MARIADB: ("mariadb",),
}


class LocalEngines:
    """Kafka, Cassandra, MariaDB and Spark of one state directory. The constructor does nothing.

    With `short_lived` they start faster but are slower under long load: for the demo and tests.
    """

    def __init__(
        self, settings: Settings, *, commitlog_sync: CommitlogSync = "group", short_lived: bool = False
    ) -> None:
        self.state_dir = settings.state_dir
        self._settings = settings
        self._commitlog_sync: CommitlogSync = commitlog_sync
        self._short_lived = short_lived
        self._folder = settings.state_dir / "engines"

    def start(self, progress: Echo = log.info) -> None:
        """Start the engines that aren't running and return when all accept work.

        UserError if the user can fix it (a port in use, a full disk, a failed download), StoreUnavailable if an engine
        doesn't start. After an error or Ctrl-C, the engines that it started are stopped.
        """
        self._start(tuple(EngineName), progress)

    def stop(self, progress: Echo = log.info) -> None:
        """Stop the engines and return when all their processes have ended."""
        if not self._were_started:
            progress(f"no engines were started for {self.state_dir}")
            return
        with self._exclusive(progress):
            self._endpoints_file.unlink(missing_ok=True)
            stop_all([self._process_of(name) for name in reversed(EngineName)], progress)

    def status(self) -> tuple[EngineStatus, ...]:
        """The current status of each engine, without a request to it."""
        if not self._were_started:
            return tuple(EngineStatus(name, EngineState.STOPPED, self._folder / name / "log") for name in EngineName)
        return tuple(self._process_of(name).status() for name in EngineName)

    @contextmanager
    def kept_stopped(self, progress: Echo = log.info) -> Iterator[None]:
        """No engine runs in the block, and no other command starts one. UserError if one is running."""
        with self._exclusive(progress):
            running = [each.name for each in self.status() if each.state in (EngineState.RUNNING, EngineState.PAUSED)]
            if running:
                raise UserError(
                    f"engines are running in {self.state_dir}: {', '.join(running)}. Stop what uses them, then run "
                    "`recruit-assets engines stop`"
                )
            yield

    def endpoints(self) -> dict[str, str | int]:
        """The settings with which clients reach them, by Settings field name; none before their first start."""
        if not self._were_started:
            return {}
        return {name: value for engine in EngineName for name, value in self._engine(engine).endpoints().items()}

    def start_one(self, name: EngineName | str, progress: Echo = log.info) -> None:
        """`start` for one engine."""
        self._start((EngineName(name),), progress)

    def stop_one(self, name: EngineName | str, progress: Echo = log.info) -> None:
        """`stop` for one engine; the endpoints file stays."""
        with self._exclusive(progress):
            stop_all([self._process_of(EngineName(name))], progress)

    def kill_one(self, name: EngineName | str) -> None:
        """SIGKILL; the engine's state is then DEAD, not STOPPED."""
        if not self._were_started:
            raise UserError(f"no engines were started for {self.state_dir}")
        self._process_of(EngineName(name)).signal(signal.SIGKILL)

    @property
    def _ports_file(self) -> Path:
        return self._folder / "ports.json"

    @property
    def _were_started(self) -> bool:
        return bool(read_ports(self._ports_file))

    @property
    def _endpoints_file(self) -> Path:
        return self.state_dir / ENDPOINTS_FILE

    def _start(self, names: Sequence[EngineName], progress: Echo) -> None:
        require_platform(sys.platform, platform.machine())  # before anything is downloaded
        self._make_folder()
        with self._exclusive(progress):
            keep_ports(self._ports_file, [port for ports in PORTS.values() for port in ports])
            processes = [self._process_of(name) for name in names]
            idle = [each for each in processes if not each.is_running(progress)]
            if idle:
                new = sum(DATA_BYTES for each in idle if each.is_new)
                require_space(self._folder, new, "the engines' data")
                fetch([each.engine.lock for each in idle], self._settings, echo=progress)
            for each in idle:
                each.require_ports()
            try:
                for each in idle:
                    each.spawn(progress)
                for each in processes:
                    each.wait_ready(progress)
            except BaseException:  # Ctrl-C too
                stop_all(idle, progress)
                raise
            self._write_endpoints(processes)

    def _write_endpoints(self, processes: Sequence[EngineProcess]) -> None:
        endpoints = read_endpoints(self.state_dir) | {"state_dir": str(self.state_dir)}
        for each in processes:
            endpoints.update(each.engine.endpoints())
        atomic_write(self._endpoints_file, json.dumps(endpoints, indent=1), private=True)

    def _process_of(self, name: EngineName) -> EngineProcess:
        return EngineProcess(self._engine(name))

    def _engine(self, name: EngineName) -> Engine:
        folder = self._folder / name
        kept = read_ports(self._ports_file)
        ports = {port: kept[port] for port in PORTS[name]}
        match name:
            case EngineName.KAFKA:
                return Kafka(self._settings, folder, ports, asks_for_login=True, short_lived=self._short_lived)
            case EngineName.CASSANDRA:
                sync, short_lived = self._commitlog_sync, self._short_lived
                return Cassandra(self._settings, folder, ports, sync, asks_for_login=True, short_lived=short_lived)
            case EngineName.SPARK:
                return Spark(self._settings, folder, ports, short_lived=self._short_lived)
            case EngineName.MARIADB:
                return MariaDb(self._settings, folder, ports)

    def _make_folder(self) -> None:
        try:
            private_folder(self._folder)
            for name in EngineName:
                (self._folder / name).mkdir(exist_ok=True)
        except OSError as error:
            raise UserError(f"can't write to the state directory {self.state_dir}: {error}") from error

    @contextmanager
    def _exclusive(self, progress: Echo) -> Iterator[None]:
        """Lets one command at a time work in the state directory; prints a line if it must wait."""
        waiting = "waiting for another `engines` command in this state directory"
        with locked(self._folder / ".lock", lambda: progress(waiting)):
            yield


def stop_all(processes: Sequence[EngineProcess], progress: Echo) -> None:
    """Stop all engines at the same time. Ctrl-C kills those that are still running."""
    try:
        for each in processes:
            each.terminate(progress)
        for each in processes:
            each.wait_gone(progress)
    except KeyboardInterrupt:
        for each in processes:
            each.kill()
        raise

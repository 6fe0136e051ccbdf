"""`recruit-assets up`: engines, ingest, a slow simulator and Dagster, until Ctrl-C."""

import os
import socket
import sys
import time
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException
from pathlib import Path

from rich.console import Console
from rich.table import Table

from recruit_assets.local.daemon_health import DaemonWatch
from recruit_assets.local.engines.engine import EngineState
from recruit_assets.local.engines.engine_set import LocalEngines
from recruit_assets.local.supervisor import Service, Supervisor
from recruit_assets.runtime.errors import UserError
from recruit_assets.runtime.settings import ENDPOINTS_FILE, Settings, export, load_settings
from recruit_assets.runtime.signals import ending_signals_interrupt
from recruit_assets.stores.dagster.instance import WORKSPACE_FILE, open_instance
from recruit_assets.stores.schema import apply_schema

HOST = "127.0.0.1"
PORTS_TRIED = 100
PAGE = "report.html"
PAGE_EVERY_S = 60
LOOK_EVERY_S = 1.0
STARTING_S = 90.0

console = Console(stderr=True, soft_wrap=True)


def run_until_interrupted(*, rate: float, port: int, metrics_port: int) -> None:
    """Start the engines, then everything that works on them; SIGINT, SIGTERM and SIGHUP stop all of it."""
    engines = None if _has_engines_elsewhere() else LocalEngines(load_settings())
    with ending_signals_interrupt():
        try:
            if engines is not None:
                engines.start(_echo)
            _serve(rate=rate, port=_free_port(port), metrics_port=_free_port(metrics_port), engines=engines)
        except KeyboardInterrupt:
            return  # the way to end it
        finally:
            if engines is not None:
                engines.stop(_echo)


def _has_engines_elsewhere() -> bool:
    """Whether all addresses are set by the environment."""
    settings = load_settings()
    addresses = (settings.kafka_bootstrap, settings.cassandra_hosts, settings.mysql_host)
    return all(addresses) and not (settings.state_dir / ENDPOINTS_FILE).exists()


def _serve(*, rate: float, port: int, metrics_port: int, engines: LocalEngines | None) -> None:
    """Ingest, simulator, Dagster, metrics and the report page, watched for ever."""

    settings = load_settings()
    export(settings)
    apply_schema(settings)
    logs, page = settings.state_dir / "logs", settings.state_dir / PAGE
    with open_instance(settings) as instance:
        # not before: the instance's home is in their environment
        wanted = _services(rate, port, metrics_port=metrics_port, page=page)
        with Supervisor(wanted, logs, _echo) as services:
            _wait_for_ui(port, services)
            _show_addresses(settings, port, metrics_port=metrics_port, page=page, logs=logs)
            daemon_watch = DaemonWatch(instance, settings, _echo)
            while True:
                services.watch()
                daemon_watch.evaluate()
                if engines is not None:
                    _revive(engines)
                time.sleep(LOOK_EVERY_S)


def _services(rate: float, port: int, *, metrics_port: int, page: Path) -> list[Service]:
    """In the order of their start; the last one stops first."""

    environment = dict(os.environ)  # with all settings, which were exported
    programs = Path(sys.executable).parent
    workspace = ["-w", str(WORKSPACE_FILE)]
    ours = str(programs / "recruit-assets")
    commands = {
        "ingest": [ours, "ingest"],
        "webserver": [str(programs / "dagster-webserver"), *workspace, "-h", HOST, "-p", str(port)],
        "daemon": [str(programs / "dagster-daemon"), "run", "--log-level", "warning", *workspace],
        "metrics": [ours, "metrics", "--address", f"{HOST}:{metrics_port}"],
        "report": [ours, "report", "--html", str(page), "--every", str(PAGE_EVERY_S)],
    }
    if rate:
        simulate = ["simulate", "--live", "--events", "0", "--rate", str(rate)]
        commands["simulator"] = [ours, *simulate]
    return [Service(name, arguments, environment) for name, arguments in commands.items()]


def _revive(engines: LocalEngines) -> None:
    """Start an engine again that died; what depends on it reconnects by itself."""

    dead = [status.name for status in engines.status() if status.state is EngineState.DEAD]
    if dead:
        _echo(f"{', '.join(dead)} died and is started again")
        engines.start(_echo)


def _free_port(wanted: int) -> int:
    """The first port from the wanted one on that nobody listens on."""
    for port in range(wanted, wanted + PORTS_TRIED):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((HOST, port))
            except OSError:
                continue
            return port
    raise UserError(f"no free port from {wanted} to {wanted + PORTS_TRIED - 1} for Dagster's UI: name one with --port")


def _wait_for_ui(port: int, services: Supervisor) -> None:
    """Return when the UI answers; a webserver that keeps dying says so itself."""
    deadline = time.monotonic() + STARTING_S
    with console.status("Dagster starts"):
        while not _answers(port):
            services.watch()
            if time.monotonic() > deadline:
                _echo(f"Dagster's UI doesn't answer after {STARTING_S:.0f} s; going on without it, see the logs")
                return
            time.sleep(LOOK_EVERY_S)


def _answers(port: int) -> bool:
    connection = HTTPConnection(HOST, port, timeout=5)
    try:
        connection.request("GET", "/server_info")
        return connection.getresponse().status == HTTPStatus.OK
    except (OSError, HTTPException):
        return False
    finally:
        connection.close()


def _show_addresses(settings: Settings, port: int, *, metrics_port: int, page: Path, logs: Path) -> None:
    table = Table(box=None, pad_edge=False, show_header=False)
    table.add_row("Dagster", f"http://{HOST}:{port}")
    table.add_row("report", f"{page.as_uri()}, renewed every {PAGE_EVERY_S} s")
    table.add_row("metrics", f"http://{HOST}:{metrics_port}/metrics")
    table.add_row(
        "MySQL", f"{settings.mysql_host}:{settings.mysql_port}/{settings.mysql_database}, user {settings.mysql_user}"
    )
    table.add_row("Kafka", f"{settings.kafka_bootstrap}, topic {settings.kafka_topic}")
    table.add_row(
        "Cassandra", f"{settings.cassandra_hosts}:{settings.cassandra_port}, keyspace {settings.cassandra_keyspace}"
    )
    table.add_row("logs", str(logs))
    table.add_row("passwords", "recruit-assets engines env")
    console.print(table)
    console.print("Ctrl-C stops all of it.", highlight=False)


def _echo(message: str) -> None:
    console.print(message, markup=False, highlight=False)

"""`recruit-assets up`: engines, ingest, a slow simulator and Dagster, until Ctrl-C."""

import os
import socket
import sys
import time
from collections.abc import Sequence
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException
from pathlib import Path

from rich.table import Table

from recruit_assets.local import UP_LOCK
from recruit_assets.local.code_server import CodeServer, code_server
from recruit_assets.local.daemon_health import DaemonWatch
from recruit_assets.local.engines.engine import EngineState
from recruit_assets.local.engines.engine_set import LocalEngines
from recruit_assets.local.supervisor import Service, Supervisor
from recruit_assets.observability.alerts import check_channels
from recruit_assets.runtime.echo import console, echo
from recruit_assets.runtime.environment import require_short_tmpdir
from recruit_assets.runtime.errors import UserError
from recruit_assets.runtime.files import only_one
from recruit_assets.runtime.places import host_port
from recruit_assets.runtime.settings import Settings, export, load_settings, uses_other_engines
from recruit_assets.stores.dagster.instance import open_instance
from recruit_assets.stores.schema import apply_schema

HOST = "127.0.0.1"
PORTS_TRIED = 100
PAGE = "report.html"
PAGE_EVERY_S = 60
CHECK_EVERY_S = 1.0
DAEMON = {"DAGSTER_ASSET_BACKFILL_RUN_CHUNK_SIZE": "10"}
"""After so many runs that it queues, the daemon looks whether the backfill was canceled. After each is too often: it
also writes the backfill then, and may overwrite the cancellation. After 25, as by default, takes minutes when busy."""
STARTING_S = 90.0


def run_until_interrupted(*, rate: float, port: int, metrics_port: int) -> None:
    """Run the engines and everything that uses them, until KeyboardInterrupt stops all of it."""
    require_short_tmpdir()
    settings = load_settings()
    check_channels(settings)
    engines = None if uses_other_engines(settings) else LocalEngines(settings)
    # a second daemon would tick every sensor twice, and the first `up` to end stops the engines of both
    with only_one("recruit-assets up", settings.state_dir / UP_LOCK):
        try:
            if engines is not None:
                engines.start(echo)
            _serve(rate=rate, port=_free_port(port), metrics_port=_free_port(metrics_port), engines=engines)
        except KeyboardInterrupt:
            return  # the normal end
        finally:
            if engines is not None:
                engines.stop(echo)


def _serve(*, rate: float, port: int, metrics_port: int, engines: LocalEngines | None) -> None:
    """Run ingest, simulator, Dagster, metrics and the report page, and restart what dies."""
    settings = load_settings()
    export(settings)
    apply_schema(settings)
    logs, page = settings.state_dir / "logs", settings.state_dir / PAGE
    with open_instance(settings) as instance, code_server(settings) as code:
        # after `open_instance`, which sets DAGSTER_HOME in our environment
        wanted = _services(rate, port, code, metrics_port=metrics_port, page=page)
        with Supervisor(wanted, logs, echo) as services:
            _wait_for_ui(port, services)
            _show_addresses(settings, port, metrics_port=metrics_port, page=page, logs=logs)
            daemon_watch = DaemonWatch(instance, settings, echo)
            while True:
                services.watch()
                daemon_watch.evaluate()
                if engines is not None:
                    _revive(engines)
                time.sleep(CHECK_EVERY_S)


def _services(rate: float, port: int, code: CodeServer, *, metrics_port: int, page: Path) -> list[Service]:
    """The services in the order in which they start; they stop in reverse."""
    environment = {**os.environ, **DAEMON}  # includes the exported settings
    programs = Path(sys.executable).parent
    workspace = ["-w", str(code.workspace)]
    ours = str(programs / "recruit-assets")
    commands: dict[str, Sequence[str]] = {
        "ingest": [ours, "ingest"],
        "code-server": code.command,
        "webserver": [ours, "webserver", *workspace, "--host", HOST, "--port", str(port)],
        "daemon": [str(programs / "dagster-daemon"), "run", "--log-level", "warning", *workspace],
        "metrics": [ours, "metrics", "--address", f"{HOST}:{metrics_port}"],
        "report": [ours, "report", "--html", str(page), "--every", str(PAGE_EVERY_S)],
    }
    if rate:
        simulate = ["simulate", "--live", "--events", "0", "--rate", str(rate)]
        commands["simulator"] = [ours, *simulate]
    return [Service(name, arguments, environment) for name, arguments in commands.items()]


def _revive(engines: LocalEngines) -> None:
    """Restart engines that died; their clients reconnect by themselves."""
    dead = [status.name for status in engines.status() if status.state is EngineState.DEAD]
    if dead:
        echo(f"{', '.join(dead)} died, restarting")
        engines.start(echo)


def _free_port(wanted: int) -> int:
    """The first free port, starting from the wanted one."""
    for port in range(wanted, wanted + PORTS_TRIED):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((HOST, port))
            except OSError:
                continue
            return port
    last = wanted + PORTS_TRIED - 1
    raise UserError(f"no free port from {wanted} to {last}: choose another with --port or --metrics-port")


def _wait_for_ui(port: int, services: Supervisor) -> None:
    """Return when the UI answers, or after STARTING_S."""
    deadline = time.monotonic() + STARTING_S
    with console.status("starting Dagster"):
        while not _answers(port):
            services.watch()
            if time.monotonic() > deadline:
                echo(f"Dagster's UI hasn't answered for {STARTING_S:.0f} s; continuing without it, see the logs")
                return
            time.sleep(CHECK_EVERY_S)


def _answers(port: int) -> bool:
    connection = HTTPConnection(HOST, port, timeout=5)
    try:
        connection.request("GET", "/server_info")
        return connection.getresponse().status in (HTTPStatus.OK, HTTPStatus.UNAUTHORIZED)
    except (OSError, HTTPException):
        return False
    finally:
        connection.close()


def _show_addresses(settings: Settings, port: int, *, metrics_port: int, page: Path, logs: Path) -> None:
    table = Table(box=None, pad_edge=False, show_header=False)
    table.add_row("Dagster", f"http://{HOST}:{port}")
    table.add_row("report", f"{page.as_uri()}, updated every {PAGE_EVERY_S} s")
    table.add_row("metrics", f"http://{HOST}:{metrics_port}/metrics")
    table.add_row(
        "MySQL",
        f"{host_port(settings.mysql_host, settings.mysql_port)}/{settings.mysql_database}, user {settings.mysql_user}",
    )
    table.add_row("Kafka", f"{settings.kafka_bootstrap}, topic {settings.kafka_topic}")
    table.add_row(
        "Cassandra", f"{settings.cassandra_hosts}:{settings.cassandra_port}, keyspace {settings.cassandra_keyspace}"
    )
    table.add_row("logs", str(logs))
    table.add_row("passwords", "recruit-assets engines env")
    console.print(table)
    echo("Ctrl-C stops all of it.")

"""`make check-prometheus`: a real Prometheus scrapes `recruit-assets metrics`, and promtool checks the metric names.

Not part of `make test`, which must run without these programs; there the client library's parser reads the same
endpoint (`integration.test_platform_metrics`). RECRUIT_TEST_STATE_DIR may name engines that already run.
"""

import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from urllib.error import URLError
from urllib.parse import urlencode
from urllib.request import urlopen

from recruit_assets.ingest.service import drain
from recruit_assets.local.engines.engine_set import LocalEngines
from recruit_assets.runtime.settings import Settings, as_environment, load_settings
from recruit_assets.stores.kafka.event_publisher import open_publisher
from recruit_assets.stores.schema import apply_schema
from recruit_assets_tests.conftest import RUNNING_ENGINES, fresh_names
from recruit_assets_tests.support.builders import an_event, as_bytes
from recruit_assets_tests.support.cleanup import drop_everything
from recruit_assets_tests.support.command import RECRUIT_ASSETS
from recruit_assets_tests.support.waiting import wait_until

PROGRAMS = ("prometheus", "promtool")
CONFIG = "scrape_configs: [{{job_name: recruit, scrape_interval: 6s, static_configs: [{{targets: ['{address}']}}]}}]"
WANTED = {
    "sum(up)": 1.0,
    "sum(recruit_up)": 4.0,
    "sum(recruit_kafka_lag_records)": 2.0,
    "sum(recruit_dead_letters_total)": 1.0,
}
"""The expected answer to each query."""


def main() -> int:
    """0 if promtool finds no fault and Prometheus has the expected figures, 1 if not, 2 without the programs."""
    missing = [name for name in PROGRAMS if shutil.which(name) is None]
    if missing:
        print(f"{' and '.join(missing)} not found: install them (Debian's package is `prometheus`)")
        return 2
    with ExitStack() as opened:
        folder = Path(opened.enter_context(tempfile.TemporaryDirectory()))
        settings = opened.enter_context(_platform(folder))
        address, server = (f"127.0.0.1:{_free_port()}" for _ in range(2))
        opened.enter_context(_metrics(settings, address, folder))
        lint = subprocess.run(
            ["promtool", "check", "metrics"], input=_get(f"http://{address}/metrics"), check=False
        )  # fmt: skip
        opened.enter_context(_prometheus(address, server, folder))
        wait_until(lambda: _answers(server) == WANTED, 60, what=f"{WANTED} in Prometheus")
        for query, value in _answers(server).items():
            print(f"{query} = {value:g}")
        return lint.returncode


@contextmanager
def _platform(folder: Path) -> Iterator[Settings]:
    """Engines with one ingested dead letter and two events that wait in Kafka."""
    running = os.environ.get(RUNNING_ENGINES)
    engines = None if running else LocalEngines(load_settings(state_dir=folder / "engines"))
    if engines is not None:
        engines.start()
    settings = fresh_names(load_settings(state_dir=Path(running or folder / "engines")))
    try:
        apply_schema(settings)
        for values in ([b"{"], [as_bytes(an_event(seed=1)), as_bytes(an_event(seed=2))]):
            with open_publisher(settings) as publisher:
                publisher.send(values)
                publisher.finish()
            if values == [b"{"]:
                drain(settings)
        yield settings
        drop_everything(settings)
    finally:
        if engines is not None:
            engines.stop()


@contextmanager
def _metrics(settings: Settings, address: str, folder: Path) -> Iterator[None]:
    command = [*RECRUIT_ASSETS, "metrics", "--address", address]
    environment = os.environ | as_environment(settings) | {"DAGSTER_HOME": str(folder / "dagster")}
    with _process(command, environment):
        wait_until(lambda: _get(f"http://{address}/metrics"), 60, what="the metrics")
        yield


@contextmanager
def _prometheus(address: str, server: str, folder: Path) -> Iterator[None]:
    config = folder / "prometheus.yml"
    config.write_text(CONFIG.format(address=address))
    options = {"config.file": config, "storage.tsdb.path": folder / "tsdb", "web.listen-address": server}
    command = ["prometheus", "--log.level=error", *(f"--{name}={value}" for name, value in options.items())]
    with _process(command, os.environ):
        yield


@contextmanager
def _process(command: list[str], environment: Mapping[str, str]) -> Iterator[None]:
    process = subprocess.Popen(command, env=dict(environment))
    try:
        yield
    finally:
        process.terminate()
        process.wait(30)


def _answers(server: str) -> dict[str, float]:
    """Prometheus's answers now; a query without a result is left out."""
    found = {}
    for query in WANTED:
        answer = json.loads(_get(f"http://{server}/api/v1/query?{urlencode({'query': query})}") or "{}")
        for sample in answer.get("data", {}).get("result", ()):
            found[query] = float(sample["value"][1])
    return found


def _get(address: str) -> bytes:
    """Empty if there is no answer."""
    try:
        with urlopen(address, timeout=20) as response:
            body: bytes = response.read()
            return body
    except (URLError, ConnectionError):
        return b""


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


if __name__ == "__main__":
    sys.exit(main())

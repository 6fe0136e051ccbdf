"""A real standalone Spark cluster and a Connect server on it, as local processes."""

import json
import os
import socket
import subprocess
import time
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pyspark

from recruit_assets.local.engines.ports import free_ports
from recruit_assets.runtime.artifacts import classpath, java_home
from recruit_assets.runtime.settings import Settings

HOST = "127.0.0.1"
WORKERS = 2
STARTED_S = 120.0
MAX_RESULT_SIZE = "300k"
"""The most that a query may return to its driver. A day's report is larger, its events many times larger."""
CONFIG_VARIABLE = "SPARK_CONF_DIR"
MASTER, WORKER = "org.apache.spark.deploy.master.Master", "org.apache.spark.deploy.worker.Worker"
CONNECT = "org.apache.spark.sql.connect.service.SparkConnectServer"


@dataclass(frozen=True, slots=True)
class Cluster:
    """Addresses of a standalone cluster and of the Connect server on it, and the configuration of its drivers."""

    master: str
    master_ui: str
    remote: str
    config: Path

    @property
    def environment(self) -> Mapping[str, str]:
        """What a driver process needs besides the address."""
        return {CONFIG_VARIABLE: str(self.config)}

    def applications(self) -> dict[str, int]:
        """Cores of each running or completed application, by its id."""
        with urllib.request.urlopen(f"{self.master_ui}/json/", timeout=10) as response:
            state = json.load(response)
        return {one["id"]: one["cores"] for one in [*state["activeapps"], *state["completedapps"]]}


@contextmanager
def open_cluster(folder: Path, settings: Settings) -> Iterator[Cluster]:
    """Start the cluster and a Connect server on it; stop them when the block ends."""
    master, ui, connect, *worker_uis = free_ports(3 + WORKERS)
    address = f"spark://{HOST}:{master}"
    jars = ",".join(str(jar) for name in ("spark", "spark-connect") for jar in classpath(name, settings))
    config = folder / "spark-conf"
    config.mkdir()
    defaults = {
        "spark.driver.maxResultSize": MAX_RESULT_SIZE,
        # otherwise Spark puts these few hours into one partition, which a real site's data wouldn't fit
        "spark.sql.adaptive.coalescePartitions.enabled": "false",
    }
    (config / "spark-defaults.conf").write_text("".join(f"{name} {value}\n" for name, value in defaults.items()))
    options = {
        "spark.ui.enabled": "false",
        "spark.driver.host": HOST,
        "spark.connect.grpc.binding.port": str(connect),
        "spark.cores.max": "2",
        "spark.sql.extensions": "com.datastax.spark.connector.CassandraSparkExtensions",
    }
    conf = [word for name, value in options.items() for word in ("--conf", f"{name}={value}")]
    with ExitStack() as running:

        def start(name: str, *arguments: str, port: int) -> None:
            running.enter_context(_java(folder / f"{name}.log", config, *arguments))
            _wait_for_port(port, folder / f"{name}.log")

        start("master", "spark-class", MASTER, "--host", HOST, "-p", str(master), "--webui-port", str(ui), port=master)
        for number, port in enumerate(worker_uis):
            place = ("--host", HOST, "--cores", "2", "--memory", "2g", "--work-dir", str(folder / f"work-{number}"))
            start(f"worker-{number}", "spark-class", WORKER, *place, "--webui-port", str(port), address, port=port)
        submit = ("spark-submit", "--class", CONNECT, "--master", address, "--jars", jars, *conf, "spark-internal")
        start("connect", *submit, port=connect)
        yield Cluster(address, f"http://{HOST}:{ui}", f"sc://{HOST}:{connect}", config=config)


@contextmanager
def _java(log: Path, config: Path, program: str, *arguments: str) -> Iterator[None]:
    """Run one of Spark's programs; stop it when the block ends."""
    home = Path(pyspark.__file__).parent
    environment = {
        "PATH": os.environ["PATH"],
        "JAVA_HOME": str(java_home()),
        "SPARK_HOME": str(home),
        CONFIG_VARIABLE: str(config),
        "SPARK_LOCAL_IP": HOST,
        "SPARK_DAEMON_MEMORY": "768m",  # a Connect server's too; Spark wants 450 MiB for a driver
    }
    with log.open("wb") as output:
        process = subprocess.Popen(
            [str(home / "bin" / program), *arguments], env=environment, stdout=output, stderr=subprocess.STDOUT
        )
    try:
        yield
    finally:
        process.terminate()
        process.wait(60)


def _wait_for_port(port: int, log: Path) -> None:
    deadline = time.monotonic() + STARTED_S
    while True:
        with socket.socket() as probe:
            if probe.connect_ex((HOST, port)) == 0:
                return
        if time.monotonic() > deadline:
            raise SystemExit(f"nothing listens on {port}; {log} ends with:\n{log.read_text()[-2000:]}")
        time.sleep(0.2)

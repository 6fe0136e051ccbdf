"""The same lineage on local[*], on a standalone cluster and through Spark Connect: the reports must be identical.

`python -m recruit_assets_tests.spark_cluster`, or `make cluster-test`. Starts a real master, two workers and a Connect
server as local processes. All three modes read one topic, with a consumer group, keyspace and database of their own, so
that every column is comparable. Not a pytest test, since it takes minutes.
"""

import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any
from uuid import uuid4

import pyspark
import typer
from rich.console import Console

from recruit_assets.artifacts import classpath, java_home
from recruit_assets.audit import run_audit
from recruit_assets.engines.local import LocalEngines
from recruit_assets.instance import HOME_VARIABLE, REPOSITORY
from recruit_assets.settings import Settings, as_environment, load_settings
from recruit_assets.simulator.jobs import dimension_rows, site_jobs
from recruit_assets.simulator.publish import simulate_to_kafka
from recruit_assets.simulator.spec import SimulationSpec
from recruit_assets.stores.job_dimension import load_jobs
from recruit_assets.stores.mysql import open_report_database
from recruit_assets.stores.schema import apply_schema
from recruit_assets_tests.support.arena import REPORT
from recruit_assets_tests.support.cleanup import drop_tables, drop_topics

HOST = "127.0.0.1"
RUNNING_ENGINES = "RECRUIT_TEST_STATE_DIR"
WORKERS = 2
STARTED_S = 120.0
COMMAND = (sys.executable, "-c", "from recruit_assets.cli import main; main()", "materialize")
MASTER, WORKER = "org.apache.spark.deploy.master.Master", "org.apache.spark.deploy.worker.Worker"
CONNECT = "org.apache.spark.sql.connect.service.SparkConnectServer"

Row = tuple[Any, ...]
console = Console(width=120, highlight=False)


@dataclass(frozen=True, slots=True)
class Cluster:
    """Addresses of a standalone cluster and of the Connect server on it."""

    master: str
    master_ui: str
    remote: str

    def applications(self) -> dict[str, int]:
        """Cores of each application that runs or ran, by its id."""
        with urllib.request.urlopen(f"{self.master_ui}/json/", timeout=10) as response:
            state = json.load(response)
        return {one["id"]: one["cores"] for one in [*state["activeapps"], *state["completedapps"]]}


def compare(
    events: Annotated[int, typer.Option(min=1000, help="Records that all modes read")] = 20_000,
) -> None:
    """Materialize in three ways and compare the reports row by row, and each with the ledger."""
    folder = Path(tempfile.mkdtemp(prefix="recruit-spark-"))
    with _engines(folder) as engines, _cluster(folder, engines) as cluster:
        modes = {
            "local[*]": {"spark_master": "local[*]", "spark_remote": ""},
            "cluster": {"spark_master": cluster.master, "spark_remote": "", "spark_driver_host": HOST},
            "connect": {"spark_master": cluster.master, "spark_remote": cluster.remote},
        }
        settings = {mode: _own_names(engines, mode, options) for mode, options in modes.items()}
        try:
            reports = _reports(settings, cluster, folder, events=events)
        finally:
            drop_topics(settings["local[*]"])  # the others' too
            for own in settings.values():
                drop_tables(own)
    shutil.rmtree(folder)
    _require_identical(reports)


def _reports(settings: Mapping[str, Settings], cluster: Cluster, folder: Path, *, events: int) -> dict[str, list[Row]]:
    """The report of each mode, audited."""
    end = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
    spec = SimulationSpec(events=events, seed=7, start=end - timedelta(hours=6), end=end, late_hours=6)
    ledger_file = folder / "ledger.json"
    for own in settings.values():
        apply_schema(own)
        with open_report_database(own) as database:
            load_jobs(database, dimension_rows(site_jobs(spec.jobs)))
    simulate_to_kafka(settings["local[*]"], spec).write(ledger_file)
    reports = {}
    for mode, own in settings.items():
        before = cluster.applications()
        started = time.monotonic()
        _materialize(own, folder / mode.strip("[*]"))
        used = len(cluster.applications().keys() - before.keys())
        audit = run_audit(own, ledger=ledger_file)
        with open_report_database(own) as database:
            reports[mode] = database.query(REPORT)
        console.print(
            f"{mode:9} {time.monotonic() - started:6.1f} s  {len(reports[mode]):,} rows, audit "
            f"{'exact' if audit.exact else 'NOT EXACT'}, {used} new applications on the cluster"
        )
        if not audit.exact:
            raise SystemExit(f"{mode}: {[(one.rule, one.examples) for one in audit.differences]}")
        if (mode == "cluster") != bool(used):
            raise SystemExit(f"{mode} started {used} applications on the cluster")
    return reports


def _require_identical(reports: Mapping[str, Sequence[Row]]) -> None:
    first, *others = reports
    for other in others:
        different = [pair for pair in zip(reports[first], reports[other], strict=False) if pair[0] != pair[1]]
        if different or len(reports[first]) != len(reports[other]):
            raise SystemExit(f"{first} and {other} differ in {len(different)} rows, first {different[:1]}")
    console.print(f"all {len(reports[first]):,} rows are identical in every column on {', '.join(reports)}")


def _own_names(engines: Settings, mode: str, options: Mapping[str, object]) -> Settings:
    """One topic for all; group, keyspace and database for each."""
    own = f"{mode.strip('[*]')}_{_TAG}"
    names = {"kafka_topic": f"cluster_{_TAG}", "kafka_group": own, "cassandra_keyspace": own, "mysql_database": own}
    return load_settings(**engines.model_dump() | names | dict(options))


_TAG = uuid4().hex[:8]


def _materialize(settings: Settings, home: Path) -> None:
    """In a process of its own: PySpark knows one kind of session per process."""
    home.mkdir()
    (home / "dagster.yaml").symlink_to(REPOSITORY / "dagster.yaml")
    environment = {**os.environ, **as_environment(settings), HOME_VARIABLE: str(home)}
    done = subprocess.run(COMMAND, env=environment, capture_output=True, text=True, timeout=540, check=False)
    if done.returncode:
        raise SystemExit(f"materialize ended with {done.returncode}:\n{done.stdout[-2000:]}{done.stderr[-4000:]}")


@contextmanager
def _engines(folder: Path) -> Iterator[Settings]:
    """Those that run already, where they are named; else own ones."""
    if running := os.environ.get(RUNNING_ENGINES):
        yield load_settings(state_dir=Path(running))
        return
    state_dir = folder / "state"
    local = LocalEngines(load_settings(state_dir=state_dir))
    local.start()
    try:
        yield load_settings(state_dir=state_dir)
    finally:
        local.stop()


@contextmanager
def _cluster(folder: Path, settings: Settings) -> Iterator[Cluster]:
    master, ui, worker_ui, connect = (_free_port() for _ in range(4))
    address = f"spark://{HOST}:{master}"
    jars = ",".join(str(jar) for name in ("spark", "spark-connect") for jar in classpath(name, settings))
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
            running.enter_context(_java(folder / f"{name}.log", *arguments))
            _wait_for_port(port, folder / f"{name}.log")

        start("master", "spark-class", MASTER, "--host", HOST, "-p", str(master), "--webui-port", str(ui), port=master)
        for number in range(WORKERS):
            place = ("--host", HOST, "--cores", "2", "--memory", "2g", "--work-dir", str(folder / f"work-{number}"))
            port = worker_ui if number == 0 else _free_port()
            start(f"worker-{number}", "spark-class", WORKER, *place, "--webui-port", str(port), address, port=port)
        submit = ("spark-submit", "--class", CONNECT, "--master", address, "--jars", jars, *conf, "spark-internal")
        start("connect", *submit, port=connect)
        console.print(f"a master, {WORKERS} workers and a Connect server run")
        yield Cluster(address, f"http://{HOST}:{ui}", f"sc://{HOST}:{connect}")


@contextmanager
def _java(log: Path, program: str, *arguments: str) -> Iterator[None]:
    """One of Spark's programs, ended with the block."""
    home = Path(pyspark.__file__).parent
    environment = {
        "PATH": os.environ["PATH"],
        "JAVA_HOME": str(java_home()),
        "SPARK_HOME": str(home),
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


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


if __name__ == "__main__":
    typer.run(compare)

"""The same lineage on local[*], on a standalone cluster and through Spark Connect: the reports must be identical.

`make cluster-test`, or `python -m recruit_assets_tests.cluster.comparison`; it takes minutes. All three modes read one
topic, each with its own consumer group, keyspace and database, so that every column is comparable. On the cluster no
query may return more than `MAX_RESULT_SIZE` to its driver.
"""

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any
from uuid import uuid4

import dagster as dg
import typer
from pyspark.sql import SparkSession
from rich.console import Console

from recruit_assets.contract.tables import RAW_EVENTS
from recruit_assets.local.engines.engine_set import LocalEngines
from recruit_assets.observability.audit import run_audit
from recruit_assets.runtime.settings import Settings, as_environment, load_settings
from recruit_assets.simulator.jobs import dimension_rows, site_jobs
from recruit_assets.simulator.publish import simulate_to_kafka
from recruit_assets.simulator.spec import SimulationSpec
from recruit_assets.stores.cassandra.session import open_session
from recruit_assets.stores.dagster.instance import HOME_VARIABLE, REPOSITORY
from recruit_assets.stores.mysql.connection import open_report_database
from recruit_assets.stores.mysql.dimensions import load_jobs
from recruit_assets.stores.schema import apply_schema
from recruit_assets.stores.spark.frames import CassandraFrames, cached
from recruit_assets_tests.cluster.processes import HOST, WORKERS, Cluster, open_cluster
from recruit_assets_tests.support.cleanup import drop_tables, drop_topics
from recruit_assets_tests.support.command import RECRUIT_ASSETS
from recruit_assets_tests.support.scenario import REPORT

RUNNING_ENGINES = "RECRUIT_TEST_STATE_DIR"

Row = tuple[Any, ...]
console = Console(width=120, highlight=False)


def compare(
    events: Annotated[int, typer.Option(min=1000, help="Records that all modes read")] = 20_000,
) -> None:
    """Materialize in three modes; compare the reports row by row, and each with the ledger."""
    folder = Path(tempfile.mkdtemp(prefix="recruit-spark-"))
    with _engines(folder) as engines, open_cluster(folder, engines) as cluster:
        console.print(f"a master, {WORKERS} workers and a Connect server run")
        modes = {
            "local[*]": {"spark_master": "local[*]", "spark_remote": ""},
            "cluster": {"spark_master": cluster.master, "spark_remote": "", "spark_driver_host": HOST},
            "connect": {"spark_master": cluster.master, "spark_remote": cluster.remote},
        }
        settings = {mode: _own_names(engines, mode, options) for mode, options in modes.items()}
        try:
            reports = _reports(settings, cluster, folder, events=events)
            _require_rows_that_stay(settings["connect"])
        finally:
            drop_topics(settings["local[*]"])  # the others' too
            for own in settings.values():
                drop_tables(own)
    shutil.rmtree(folder)
    _require_identical(reports)


def _reports(settings: Mapping[str, Settings], cluster: Cluster, folder: Path, *, events: int) -> dict[str, list[Row]]:
    """The report of each mode, audited."""
    end = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
    spec = SimulationSpec(events=events, seed=7, start=end - timedelta(hours=24), end=end, late_hours=6)
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
        runs = _materialize(own, cluster, folder / mode.strip("[*]"))
        used = len(cluster.applications().keys() - before.keys())
        audit = run_audit(own, ledger=ledger_file)
        with open_report_database(own) as database:
            reports[mode] = database.query(REPORT)
        console.print(
            f"{mode:9} {time.monotonic() - started:6.1f} s  {len(reports[mode]):,} rows, audit "
            f"{'exact' if audit.exact else 'NOT EXACT'}, {used} new applications on the cluster, {len(runs)} runs"
        )
        # a failed run is repeated hour by hour, and the smaller results might stay below the limit
        if set(runs) != {dg.DagsterRunStatus.SUCCESS}:
            raise SystemExit(f"{mode}: runs ended {runs}")
        if not audit.exact:
            raise SystemExit(f"{mode}: {[(one.rule, one.examples) for one in audit.differences]}")
        if (mode == "cluster") != bool(used):
            raise SystemExit(f"{mode} started {used} applications on the cluster")
    return reports


def _require_rows_that_stay(connect: Settings) -> None:
    """Through Spark Connect, cached rows are not read again, and another query doesn't get them."""
    frames = CassandraFrames(SparkSession.builder.remote(connect.spark_remote).getOrCreate(), connect)
    hour, bucket = datetime(2024, 1, 1, tzinfo=UTC), 0
    key = [(round(hour.timestamp()), bucket)]
    with open_session(connect) as cassandra, cached(frames.by_key(RAW_EVENTS, key)) as rows:
        before = rows.count()
        insert = f"INSERT INTO {cassandra.table(RAW_EVENTS)} (event_hour, bucket, create_time) VALUES (%s, %s, now())"
        cassandra.execute(insert, (hour, bucket))
        found = rows.count(), frames.by_key(RAW_EVENTS, key).count()
    if found != (before, before + 1):
        raise SystemExit(
            f"{before} rows were cached; after one more was written the cache has {found[0]}, a new query {found[1]}"
        )
    console.print("rows cached through Spark Connect stay as they were read")


def _require_identical(reports: Mapping[str, Sequence[Row]]) -> None:
    first, *others = reports
    for other in others:
        different = [pair for pair in zip(reports[first], reports[other], strict=False) if pair[0] != pair[1]]
        if different or len(reports[first]) != len(reports[other]):
            raise SystemExit(f"{first} and {other} differ in {len(different)} rows, first {different[:1]}")
    console.print(f"all {len(reports[first]):,} rows are identical in every column on {', '.join(reports)}")


def _own_names(engines: Settings, mode: str, options: Mapping[str, object]) -> Settings:
    """One topic for all modes; a group, keyspace and database for each."""
    own = f"{mode.strip('[*]')}_{_TAG}"
    names = {"kafka_topic": f"cluster_{_TAG}", "kafka_group": own, "cassandra_keyspace": own, "mysql_database": own}
    return load_settings(**engines.model_dump() | names | dict(options))


_TAG = uuid4().hex[:8]


def _materialize(settings: Settings, cluster: Cluster, home: Path) -> list[dg.DagsterRunStatus]:
    """Materialize and return the runs' statuses. A separate process: PySpark allows one kind of session per process."""
    home.mkdir()
    (home / "dagster.yaml").symlink_to(REPOSITORY / "dagster.yaml")
    environment = {**os.environ, **as_environment(settings), **cluster.environment, HOME_VARIABLE: str(home)}
    command = (*RECRUIT_ASSETS, "materialize")
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=540, check=False)
    if done.returncode:
        raise SystemExit(f"materialize ended with {done.returncode}:\n{done.stdout[-2000:]}{done.stderr[-4000:]}")
    with dg.DagsterInstance.from_config(str(home)) as instance:
        return [run.status for run in instance.get_runs()]


@contextmanager
def _engines(folder: Path) -> Iterator[Settings]:
    """The engines that RECRUIT_TEST_STATE_DIR names, or new ones."""
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


if __name__ == "__main__":
    typer.run(compare)

"""All stores and ingest lose power at the same moment, while events flow: the report still ends exact."""

from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from pyspark.sql import SparkSession

from recruit_assets.local.engines.engine import EngineName
from recruit_assets.local.engines.engine_set import LocalEngines
from recruit_assets.runtime.settings import Settings, load_settings
from recruit_assets_tests.chaos.conftest import start_stores
from recruit_assets_tests.chaos.specs import a_few_hours
from recruit_assets_tests.conftest import fresh_names, prepare_lineage
from recruit_assets_tests.power_loss.disk import Disk
from recruit_assets_tests.support.ingest_process import service
from recruit_assets_tests.support.scenario import Scenario
from recruit_assets_tests.support.waiting import wait_until

STORES = (EngineName.KAFKA, EngineName.CASSANDRA, EngineName.MARIADB)
EVENTS, RATE = 6_000, 300


@pytest.fixture
def local_engines(disk: Disk) -> Iterator[LocalEngines]:
    """Engines as `engines start` makes them, with their state directory on the disk."""
    engines = LocalEngines(load_settings(state_dir=disk.path / "state"))
    yield engines
    engines.stop()


@pytest.mark.timeout(900)
def test_the_report_is_exact_after_everything_lost_power(
    disk: Disk,
    local_engines: LocalEngines,
    engines: Settings,
    spark: SparkSession,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    start_stores(local_engines)
    # this process is attached to the shared Spark, and a process can attach to only one
    own = load_settings(state_dir=local_engines.state_dir, spark_gateway=engines.spark_gateway)
    settings = fresh_names(own)
    prepare_lineage(settings, spark, home=tmp_path, monkeypatch=monkeypatch)
    scenario = Scenario(local_engines, settings, tmp_path / "ledger.json")

    with scenario.sending(a_few_hours(events=EVENTS, rate=RATE, seed=1)):
        with service(settings) as ingest:
            wait_until(lambda: scenario.committed() > EVENTS // 10, 120, what="ingest at work")
            ingest_processes = psutil.Process(ingest.pid).children(recursive=True)
            for process in ingest_processes:
                process.kill()
            ingest.kill()
            for name in STORES:
                local_engines.kill_one(name)
            disk.cut()
        for name in STORES:  # Kafka first: the simulator gives up after two minutes
            local_engines.start_one(name)
    scenario.recover()

    scenario.require_exact()

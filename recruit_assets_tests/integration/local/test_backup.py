"""An installation that is restored elsewhere goes on as if nothing had happened: no event is lost or counted twice."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from recruit_assets.local.backup import back_up, restore
from recruit_assets.local.engines.engine_set import LocalEngines
from recruit_assets.observability.audit import run_audit
from recruit_assets.runtime.errors import UserError
from recruit_assets.runtime.settings import Settings, load_settings, read_endpoints
from recruit_assets_tests.chaos.conftest import start_stores
from recruit_assets_tests.chaos.specs import a_few_hours
from recruit_assets_tests.conftest import prepare_lineage
from recruit_assets_tests.support.ingest_process import service
from recruit_assets_tests.support.scenario import Scenario

INSTALLATION = {
    "kafka_topic": "clicks",
    "kafka_group": "clicks_ingest",
    "cassandra_keyspace": "clicks",
    "mysql_database": "clicks",
}


@pytest.fixture
def original(tmp_path: Path) -> Iterator[LocalEngines]:
    engines = LocalEngines(load_settings(state_dir=tmp_path / "original"), short_lived=True)
    yield engines
    engines.stop()


@pytest.fixture
def elsewhere(tmp_path: Path) -> Iterator[LocalEngines]:
    """Engines of a state directory that is still empty, with a path of another length."""
    engines = LocalEngines(load_settings(state_dir=tmp_path / "another machine" / "state"), short_lived=True)
    yield engines
    engines.stop()


def settings_on(engines: LocalEngines, shared: Settings) -> Settings:
    """The installation's settings where these engines run, with the Spark to which this process is attached."""
    start_stores(engines)
    here = read_endpoints(engines.state_dir) | {"spark_gateway": shared.spark_gateway}
    return load_settings(state_dir=engines.state_dir, **here | INSTALLATION)


def ingest_everything(settings: Settings) -> None:
    with service(settings, "--until-caught-up") as ingest:
        assert ingest.wait(60) == 0


def move(scenario: Scenario, to: LocalEngines, file: Path) -> None:
    """Stop the engines, back them up, and restore the backup for others."""
    with pytest.raises(UserError, match=r"engines are running in .*: cassandra, kafka, mariadb\. Stop"):
        back_up(scenario.settings, file, echo=print, progress=lambda *_: None)
    scenario.engines.stop()
    # with the addresses of the stopped engines still set, as in a shell after `engines env`
    back_up(scenario.settings, file, echo=print, progress=lambda *_: None)
    restore(load_settings(state_dir=to.state_dir), file, echo=print, progress=lambda *_: None)


@pytest.mark.timeout(600)
def test_a_restored_installation_goes_on_exactly(
    original: LocalEngines,
    elsewhere: LocalEngines,
    engines: Settings,
    spark: SparkSession,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    scenario = Scenario(original, settings_on(original, engines), tmp_path / "ledger.json")
    (tmp_path / "home").mkdir()
    prepare_lineage(scenario.settings, spark, home=tmp_path / "home", monkeypatch=monkeypatch)
    scenario.prepare(a_few_hours(events=6_000, seed=1))
    scenario.send(parts=4)
    scenario.recover()
    scenario.send(parts=3)
    ingest_everything(scenario.settings)  # in Cassandra, not in the report
    scenario.send(parts=2)  # in Kafka only
    report, committed = scenario.report(), scenario.committed()

    move(scenario, elsewhere, tmp_path / "backup.tar.zst")
    scenario.engines, scenario.settings = elsewhere, settings_on(elsewhere, engines)

    assert (scenario.report(), scenario.committed()) == (report, committed)
    scenario.recover()
    assert run_audit(scenario.settings).exact
    scenario.send()
    scenario.recover()
    scenario.require_exact()

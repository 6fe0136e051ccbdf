"""The whole lineage with TLS and a login at every store, through every client: Python, Spark, JDBC and Dagster."""

from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from recruit_assets.contract.tables import HOUR_COVERAGE, MYSQL_REPORT
from recruit_assets.definitions import build_defs
from recruit_assets.defs.materialize import materialize_pending
from recruit_assets.observability.audit import run_audit
from recruit_assets.runtime.settings import Settings, as_environment, load_settings
from recruit_assets.simulator.publish import simulate_to_kafka
from recruit_assets.stores.dagster.instance import HOME_VARIABLE, REPOSITORY
from recruit_assets.stores.mysql.connection import open_report_database
from recruit_assets.stores.schema import apply_schema
from recruit_assets.stores.spark.frames import CassandraFrames, sql_frame
from recruit_assets_tests.chaos.specs import a_few_hours
from recruit_assets_tests.conftest import sees
from recruit_assets_tests.support.waiting import wait_until

STORES = ("kafka", "cassandra", "mysql")


@pytest.fixture
def lineage(engines: Settings, secured: Settings, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """All three secured stores and the shared Spark, exported, with an empty Dagster home."""
    settings = load_settings(**secured.model_dump() | {"spark_gateway": engines.spark_gateway})
    for name, value in as_environment(settings).items():
        monkeypatch.setenv(name, value)
    home = folder / "dagster"
    home.mkdir()
    (home / "dagster.yaml").symlink_to(REPOSITORY / "dagster.yaml")
    monkeypatch.setenv(HOME_VARIABLE, str(home))
    return settings


def test_the_lineage_is_exact_and_shows_no_secret(
    lineage: Settings, spark: SparkSession, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    apply_schema(lineage)
    frames = CassandraFrames(spark, lineage)
    wait_until(lambda: sees(frames, HOUR_COVERAGE), timeout_s=30, what="the new keyspace in Spark's metadata")
    ledger = simulate_to_kafka(lineage, a_few_hours(events=2_000, seed=1))
    ledger.write(tmp_path / "ledger.json")

    materialize_pending(build_defs(settings=lineage), lineage)

    assert run_audit(lineage, ledger=tmp_path / "ledger.json").differences == ()
    report = sql_frame(spark, lineage, MYSQL_REPORT)
    with open_report_database(lineage) as database:
        assert report.count() == database.query("SELECT count(*) FROM mysql_report")[0][0] > 0
    report.explain(mode="extended")
    frames.table(HOUR_COVERAGE).explain(mode="extended")
    shown = "".join(capfd.readouterr()) + str(spark.sparkContext.getConf().getAll())
    passwords = [getattr(lineage, f"{store}_password").get_secret_value() for store in STORES]
    assert [password for password in passwords if password in shown] == []

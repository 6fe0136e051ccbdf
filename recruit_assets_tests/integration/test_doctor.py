"""`recruit-assets doctor` on a whole installation: healthy, and with faults in several places at once."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from recruit_assets.cli.main import app
from recruit_assets.hours.change_feed import read_feed
from recruit_assets.local.engine_checks import local_engines
from recruit_assets.observability.doctor import State, examine
from recruit_assets.runtime.settings import Settings
from recruit_assets.stores.cassandra.change_reader import ChangeReader
from recruit_assets.stores.cassandra.session import open_session
from recruit_assets.stores.dagster.instance import HOME_VARIABLE, REPOSITORY, open_instance
from recruit_assets.stores.kafka import connection as kafka_connection
from recruit_assets.stores.mysql.connection import open_report_database
from recruit_assets.stores.mysql.pending_hours import PendingHours
from recruit_assets_tests.conftest import export_to, fresh_names
from recruit_assets_tests.support.cleanup import drop_database, drop_topics
from recruit_assets_tests.support.doctor import CLOSED, Fault, changed, expect, send_heartbeats
from recruit_assets_tests.support.keyspace import SharedKeyspace

SECRET = "a-password-that-is-wrong"
NOT_HERE = {
    "settings: alerts",
    "files: last audit",
    "this machine: platform",
    *(f"local engines: {name}" for name in ("spark", "cassandra", "kafka", "mariadb")),
}
"""What isn't looked at in an installation whose engines are elsewhere, before the first audit, without alerts."""


@pytest.fixture(scope="module")
def installation(
    engines: Settings, keyspace: SharedKeyspace, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Settings]:
    """A new installation, with a state directory and a Dagster home in which a daemon is alive."""
    home, state = tmp_path_factory.mktemp("home"), tmp_path_factory.mktemp("state")
    settings = changed(fresh_names(engines), cassandra_keyspace=keyspace.name, state_dir=state)
    keyspace.prepare(settings)
    (home / "dagster.yaml").symlink_to(REPOSITORY / "dagster.yaml")
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv(HOME_VARIABLE, str(home))
        with open_instance(settings) as instance:
            send_heartbeats(instance)
        yield settings
    drop_topics(settings)
    drop_database(settings)


@pytest.fixture
def healthy(installation: Settings, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """The installation after a tick of the sensor; its settings are this process's."""
    monkeypatch.setattr(kafka_connection, "CONNECT_TIMEOUT_MS", 2_000)  # a client tries again until then
    with open_session(installation) as session, open_report_database(installation) as database:
        read_feed(ChangeReader(session), PendingHours(database))
    export_to(monkeypatch, installation)
    return installation


def doctor() -> tuple[Result, dict[str, dict[str, str]]]:
    """Run the command; returns its checks by subject and name."""
    result = CliRunner().invoke(app, ["doctor", "--json"])
    return result, {f"{one['subject']}: {one['check']}": one for one in json.loads(result.stdout)["checks"]}


def test_a_healthy_installation_is_ok_in_every_line(healthy: Settings) -> None:
    before = sorted(healthy.state_dir.rglob("*"))

    result, checks = doctor()

    assert {name: one["found"] for name, one in checks.items() if one["state"] in ("WARN", "FAIL")} == {}
    assert {name for name, one in checks.items() if one["state"] == "skipped"} == NOT_HERE
    assert (result.exit_code, len(checks) > 50) == (0, True)
    assert sorted(healthy.state_dir.rglob("*")) == before


def test_stores_that_fail_hide_nothing_of_the_others(healthy: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RECRUIT_MYSQL_PASSWORD", SECRET)
    monkeypatch.setenv("RECRUIT_KAFKA_BOOTSTRAP", f"127.0.0.1:{CLOSED}")

    result, checks = doctor()

    assert result.exit_code == 1
    failed = {name: one["found"] for name, one in checks.items() if one["state"] == "FAIL"}
    assert failed.keys() == {"MySQL: reachable", "Kafka: reachable"}, failed
    hidden = {name for name, one in checks.items() if one["found"].startswith("not looked at")}
    assert {"MySQL: schema version", "Kafka: lag"} <= hidden
    assert {name.partition(":")[0] for name in hidden} == {"MySQL", "Kafka"}
    assert checks["Cassandra: tables"]["state"] == "ok"
    assert SECRET not in result.output


def test_the_table_has_a_line_for_each_check(healthy: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RECRUIT_KAFKA_TOPIC", "nowhere")

    result = CliRunner().invoke(app, ["doctor"])

    assert result.exit_code == 1
    (line,) = (line for line in result.stdout.splitlines() if "topic nowhere doesn't exist" in line)
    assert line.split()[:4] == ["FAIL", "Kafka", "event", "topic"]
    assert "check RECRUIT_KAFKA_TOPIC, or run `recruit-assets schema apply`" in line


SPARKS = {
    "the warm Spark is gone": Fault("reachable", "FAIL", "Spark failed", change={"spark_gateway": "/nowhere/spark"}),
    "Spark Connect is down": Fault(
        "reachable",
        "FAIL",
        "Spark Connect at 127.0.0.1:1 doesn't listen",
        change={"spark_remote": f"sc://127.0.0.1:{CLOSED}"},
    ),
    "Spark's master is down": Fault(
        "reachable",
        "FAIL",
        "Spark's master at 127.0.0.1:1 doesn't listen",
        change={"spark_master": f"spark://127.0.0.1:{CLOSED}"},
    ),
}


@pytest.mark.parametrize("fault", SPARKS.values(), ids=SPARKS)
def test_a_spark_that_cannot_be_reached_is_found(fault: Fault, engines: Settings) -> None:
    expect(fault, engines, "Spark")


def test_the_local_engines_run(engines: Settings) -> None:
    findings = examine([local_engines(engines)])

    assert {one.check: one.verdict.state for one in findings} == dict.fromkeys(
        ("spark", "cassandra", "kafka", "mariadb"), State.OK
    )


def test_local_engines_that_were_never_started_are_found(tmp_path: Path) -> None:
    findings = examine([local_engines(changed(Settings(), state_dir=tmp_path))])

    assert {one.verdict.found.partition(" ")[0] for one in findings} == {"stopped"}
    assert {one.verdict.remedy for one in findings} == {"run `recruit-assets engines start`"}

"""Parts of the engines' configuration on which others rely."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from recruit_assets.local.engines import mariadb as mariadb_module
from recruit_assets.local.engines.cassandra import Cassandra, CommitlogSync
from recruit_assets.local.engines.jvm import ARGUMENTS_FILE, QUICK_COMPILER
from recruit_assets.local.engines.kafka import Kafka
from recruit_assets.local.engines.mariadb import MariaDb
from recruit_assets.local.engines.spark import Spark
from recruit_assets.runtime.settings import Settings, load_settings

PORTS = {"kafka": 1, "kafka_controller": 2, "cassandra": 3, "cassandra_internode": 4, "mariadb": 5}


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """Settings for engines without their programs."""
    for engine in ("kafka", "cassandra", "spark"):
        monkeypatch.setattr(f"recruit_assets.local.engines.{engine}.classpath", lambda *_, **__: ())
    monkeypatch.setattr(mariadb_module, "mariadb_home", lambda *_, **__: tmp_path / "mariadb-home")
    return load_settings(state_dir=tmp_path)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """An engine's folder with data."""
    (tmp_path / "data").mkdir()
    for file in ("formatted", "data/meta.properties"):
        (tmp_path / file).touch()
    return tmp_path


@pytest.mark.parametrize(
    ("sync", "expected"),
    [
        ("group", "commitlog_sync: group\ncommitlog_sync_group_window: 10ms\n"),
        ("periodic", "commitlog_sync: periodic\ncommitlog_sync_period: 10000ms\n"),
    ],
)
def test_cassandras_commit_log_has_the_requested_durability(
    sync: CommitlogSync, expected: str, settings: Settings, folder: Path
) -> None:
    Cassandra(settings, folder, PORTS, sync).prepare(print)

    assert expected in (folder / "cassandra.yaml").read_text()


def test_by_default_cassandras_commit_log_is_durable(settings: Settings, folder: Path) -> None:
    assert Cassandra(settings, folder, PORTS).commitlog_sync == "group"


def test_kafka_creates_no_topics_by_itself_and_accepts_records_above_the_largest_event(
    settings: Settings, folder: Path
) -> None:
    Kafka(settings, folder, PORTS).prepare(print)

    properties = dict(line.split("=", 1) for line in (folder / "server.properties").read_text().splitlines())
    assert properties["auto.create.topics.enable"] == "false"
    assert int(properties["message.max.bytes"]) > 6 * 1024 * 1024
    assert properties["listeners"] == "CLIENTS://127.0.0.1:1,CONTROLLER://127.0.0.1:2"


@pytest.mark.parametrize("short_lived", [True, False])
def test_only_short_lived_brokers_acknowledge_records_before_they_are_on_disk(
    short_lived: bool, settings: Settings, folder: Path
) -> None:
    Kafka(settings, folder, PORTS, short_lived=short_lived).prepare(print)

    assert ("log.flush.interval.messages=1\n" in (folder / "server.properties").read_text()) is not short_lived


@pytest.mark.parametrize(("user_id", "as_root"), [(0, True), (1000, False)])
def test_mariadb_runs_as_root_only_if_root_starts_it(
    user_id: int, as_root: bool, settings: Settings, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: user_id)

    MariaDb(settings, folder, PORTS).prepare(print)

    assert ('user = "root"' in (folder / "my.cnf").read_text()) is as_root


def test_mariadbs_password_is_chosen_once_and_isnt_in_its_command(settings: Settings, folder: Path) -> None:
    command = MariaDb(settings, folder, PORTS).prepare(print)
    password = MariaDb(settings, folder, PORTS).endpoints()["mysql_password"]

    assert MariaDb(settings, folder, PORTS).endpoints()["mysql_password"] == password
    assert str(password) not in " ".join([*command.arguments, *command.environment.values()])
    assert str(password) in (folder / "init.sql").read_text()


@pytest.mark.parametrize("name", ["a, b", 'x" #y', "\\t", "größe 🎉", "{data}"])
def test_a_path_may_have_any_character_in_a_configuration(name: str, settings: Settings, tmp_path: Path) -> None:
    folder = tmp_path / name
    for part in ("data/meta.properties", "formatted"):
        (folder / part).mkdir(parents=True)
    Kafka(settings, folder, PORTS).prepare(print)
    Cassandra(settings, folder, PORTS).prepare(print)
    MariaDb(settings, folder, PORTS).prepare(print)

    kafka, mariadb = (folder / "server.properties").read_text(), (folder / "my.cnf").read_text()
    assert yaml.safe_load((folder / "cassandra.yaml").read_text())["hints_directory"] == f"{folder}/data/hints"
    assert "log.dirs=data\n" in kafka
    assert str(tmp_path) not in kafka
    escaped = str(folder).replace("\\", "\\\\").replace('"', '\\"')
    assert f'datadir = "{escaped}/data"\n' in mariadb


def test_kafkas_storage_is_formatted_again_if_somebody_deletes_it(
    settings: Settings, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    formatted: list[Path] = []
    monkeypatch.setattr(Kafka, "_format", lambda _, properties: formatted.append(properties))
    Kafka(settings, folder, PORTS).prepare(print)

    (folder / "data" / "meta.properties").unlink()
    Kafka(settings, folder, PORTS).prepare(print)

    assert formatted == [folder / "server.properties"]


def test_spark_asks_for_the_address_of_no_host_name(settings: Settings, folder: Path) -> None:
    assert Spark(settings, folder, {}).prepare(print).environment["SPARK_LOCAL_IP"] == "127.0.0.1"


@pytest.mark.parametrize("engine", [Kafka, Cassandra, MariaDb])
def test_an_engines_process_can_be_identified_by_an_argument(
    engine: Callable[[Settings, Path, dict[str, int]], Kafka | Cassandra | MariaDb], settings: Settings, folder: Path
) -> None:
    built = engine(settings, folder, PORTS)

    assert built.mark in built.prepare(print).arguments


@pytest.mark.parametrize("engine", [Kafka, Cassandra, Spark])
@pytest.mark.parametrize("short_lived", [True, False])
def test_only_short_lived_engines_do_without_the_optimizing_compiler(
    engine: type[Kafka | Cassandra | Spark], short_lived: bool, settings: Settings, folder: Path
) -> None:
    engine(settings, folder, PORTS, short_lived=short_lived).prepare(print)

    assert (QUICK_COMPILER in (folder / ARGUMENTS_FILE).read_text()) is short_lived

"""Settings: what is wrong is named, what isn't set comes from the local engines, and secrets stay secret."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from recruit_assets.errors import UserError
from recruit_assets.settings import ENDPOINTS_FILE, as_environment, load_settings


@pytest.mark.parametrize(
    ("variable", "value", "why"),
    [
        ("RECRUIT_MYSQL_PORT", "abc", "valid integer"),
        ("RECRUIT_MYSQL_PORT", "0", "greater than or equal to 1"),
        ("RECRUIT_FIRST_HOUR", "2024-01-01T00:30", "must be a whole hour, UTC"),
        ("RECRUIT_TIMEZONE", "Europe/Nowhere", "isn't an IANA time zone"),
        ("RECRUIT_CASSANDRA_KEYSPACE", "Robert'); DROP", "should match pattern"),
        ("RECRUIT_MAX_EVENT_BYTES", "1", "greater than or equal to 1024"),
    ],
)
def test_a_wrong_setting_is_named(variable: str, value: str, why: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(variable, value)

    with pytest.raises(UserError, match=f"{variable}.*{why}"):
        load_settings()


def test_the_password_is_not_shown_when_something_else_is_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RECRUIT_MYSQL_PASSWORD", "hunter2")
    monkeypatch.setenv("RECRUIT_MYSQL_PORT", "abc")

    with pytest.raises(UserError) as caught:
        load_settings()

    assert "hunter2" not in str(caught.value)


def test_the_password_is_not_shown_with_the_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RECRUIT_MYSQL_PASSWORD", "hunter2")

    assert "hunter2" not in repr(load_settings())


def test_without_variables_the_local_engines_are_used(tmp_path: Path) -> None:
    (tmp_path / ENDPOINTS_FILE).write_text('{"kafka_bootstrap": "127.0.0.1:1234", "mysql_password": "secret"}')

    settings = load_settings(state_dir=tmp_path)

    assert settings.kafka_bootstrap == "127.0.0.1:1234"
    assert settings.mysql_password.get_secret_value() == "secret"


def test_a_variable_wins_over_the_local_engines(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / ENDPOINTS_FILE).write_text('{"kafka_bootstrap": "127.0.0.1:1234"}')
    monkeypatch.setenv("RECRUIT_KAFKA_BOOTSTRAP", "broker:9092")
    monkeypatch.setenv("RECRUIT_STATE_DIR", str(tmp_path))

    assert load_settings().kafka_bootstrap == "broker:9092"


def test_an_address_that_nobody_knows_is_asked_for_by_name(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"RECRUIT_CASSANDRA_HOSTS is not set .* `recruit-assets engines start`"):
        load_settings(state_dir=tmp_path).require("cassandra_hosts")


def test_exported_settings_give_the_same_settings_again(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = load_settings(mysql_host="db", mysql_password="secret", first_hour=datetime(2020, 1, 1, tzinfo=UTC))
    for name, value in as_environment(settings).items():
        monkeypatch.setenv(name, value)

    assert load_settings() == settings


def test_a_cluster_that_is_named_wins_over_the_warm_spark() -> None:
    gateway = {"spark_gateway": "/somewhere"}

    assert load_settings(**gateway).has_warm_spark
    assert not load_settings(**gateway, spark_master="spark://there:7077").has_warm_spark
    assert not load_settings(**gateway, spark_remote="sc://there").has_warm_spark

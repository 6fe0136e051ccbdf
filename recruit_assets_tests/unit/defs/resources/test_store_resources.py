"""The stores as resources: what the UI shows of them, and the settings that a run gets from them."""

import json
from contextlib import ExitStack
from pathlib import Path

import dagster as dg
import pytest

from recruit_assets.defs.resources import CassandraResource, KafkaResource, MySqlResource, SparkResource
from recruit_assets.defs.resources.base import StoreResource, settings_of
from recruit_assets.runtime.settings import ENDPOINTS_FILE, Settings, load_settings

PASSWORD = "hunter2"
STORES: tuple[type[StoreResource], ...] = (CassandraResource, KafkaResource, MySqlResource, SparkResource)
WITH_LOGIN = ("cassandra", "kafka", "mysql")


@pytest.fixture
def secured() -> Settings:
    return load_settings(
        kafka_bootstrap="a:1,b:2", cassandra_hosts="c", mysql_host="d", mysql_tls_ca="system", spark_master="spark://e:1",
        **{f"{store}_user": "u" for store in WITH_LOGIN}, **{f"{store}_password": PASSWORD for store in WITH_LOGIN},
        kafka_tls_ca="off", kafka_mechanism="PLAIN", kafka_topic="t", cassandra_tls_ca="off", cassandra_port=9142,
    )  # fmt: skip


def in_a_run(*resources: StoreResource) -> Settings:
    """What a run works with, once Dagster has read the environment variables that the resources name."""
    with ExitStack() as stack:
        opened = [stack.enter_context(dg.build_resources({"store": each})) for each in resources]
        return settings_of(*(each.store.overrides for each in opened))


def test_no_password_is_in_a_resource(secured: Settings) -> None:
    for store in STORES:
        assert PASSWORD not in repr(store.from_settings(secured))


def test_a_run_connects_as_the_settings_say(secured: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    for store in WITH_LOGIN:
        monkeypatch.setenv(f"RECRUIT_{store.upper()}_PASSWORD", PASSWORD)

    assert in_a_run(*(store.from_settings(secured) for store in STORES)) == secured


@pytest.mark.parametrize("loaded_first", [True, False])
def test_local_engines_need_no_variable(loaded_first: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not even if the code location was loaded before `engines start`."""
    monkeypatch.setenv("RECRUIT_STATE_DIR", str(tmp_path))
    engines = {"mysql_host": "127.0.0.1", "mysql_port": 11685, "mysql_user": "recruit", "mysql_password": PASSWORD}
    mysql = MySqlResource.from_settings(load_settings())
    (tmp_path / ENDPOINTS_FILE).write_text(json.dumps(engines))
    if not loaded_first:
        mysql = MySqlResource.from_settings(load_settings())

    found = in_a_run(mysql)

    assert (found.mysql_host, found.mysql_port, found.mysql_user) == ("127.0.0.1", 11685, "recruit")
    assert found.mysql_password.get_secret_value() == PASSWORD


def test_a_project_may_name_a_variable_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REPORT_PASSWORD", PASSWORD)
    mysql = MySqlResource(host="db", tls_ca="off", user="u", password=dg.EnvVar("REPORT_PASSWORD"))

    assert PASSWORD not in repr(mysql)
    assert in_a_run(mysql).mysql_password.get_secret_value() == PASSWORD


def test_a_resources_fields_take_precedence_over_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RECRUIT_CASSANDRA_HOSTS", "elsewhere")
    monkeypatch.setenv("RECRUIT_CASSANDRA_KEYSPACE", "theirs")

    found = in_a_run(CassandraResource(hosts="here"))

    assert (found.cassandra_hosts, found.cassandra_keyspace) == ("here", "theirs")

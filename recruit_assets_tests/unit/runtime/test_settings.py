"""Settings: invalid ones are named, addresses default to the local engines, and secrets aren't shown."""

import json
from collections import Counter
from datetime import UTC, datetime
from itertools import chain
from pathlib import Path

import pytest
from pydantic import BaseModel
from pydantic_settings import BaseSettings

from recruit_assets.runtime.errors import UserError
from recruit_assets.runtime.places import host_port
from recruit_assets.runtime.settings import ENDPOINTS_FILE, Settings, as_environment, load_settings
from recruit_assets_tests.support.certificates import Authority


@pytest.mark.parametrize(
    ("variable", "value", "why"),
    [
        ("RECRUIT_MYSQL_PORT", "abc", "valid integer"),
        ("RECRUIT_MYSQL_PORT", "0", "greater than or equal to 1"),
        ("RECRUIT_FIRST_HOUR", "2024-01-01T00:30", "must be a whole hour, UTC"),
        ("RECRUIT_RETENTION_DAYS", "6", "must be 0 or at least 7"),
        ("RECRUIT_RETENTION_DAYS", "-1", "greater than or equal to 0"),
        ("RECRUIT_TIMEZONE", "Europe/Nowhere", "isn't an IANA time zone"),
        ("RECRUIT_CASSANDRA_KEYSPACE", "Robert'); DROP", "should match pattern"),
        ("RECRUIT_MAX_EVENT_BYTES", "1", "greater than or equal to 1024"),
        ("RECRUIT_KAFKA_TLS_CA", "/nowhere/ca.pem", "/nowhere/ca.pem isn't a readable PEM file"),
        ("RECRUIT_CASSANDRA_TLS_CA", __file__, "isn't a readable PEM file of CA certificates"),
        ("RECRUIT_KAFKA_MECHANISM", "GSSAPI", "'SCRAM-SHA-512' or 'PLAIN'"),
        ("RECRUIT_CASSANDRA_REPLICATION", "dc1:0", "should match pattern"),
        ("RECRUIT_GRAFANA_URL", "grafana:3000", "must begin with https:// or http://"),
        ("RECRUIT_PRIVACY", "hash", "'keep', 'pseudonymise' or 'drop'"),
        ("RECRUIT_PRIVACY_NAMES", "email,job_id", "job_id can't be pseudonyms"),
        ("RECRUIT_PRIVACY_NAMES", "custom_track", "custom_track can't be pseudonyms"),
        ("RECRUIT_ATTRIBUTION", "job_id,uid", "has the rule 'uid'; rules are job_id, dl and ed.<key>"),
        ("RECRUIT_ATTRIBUTION", "ed.jobId", "must have job_id among its rules"),
        ("RECRUIT_ATTRIBUTION_DL", "/(?<job_id>[0-9]+", "lacks a \\)"),
        ("RECRUIT_ATTRIBUTION_DL", "(?:a+)+(?<job_id>[0-9])", "must not repeat a group"),
        ("RECRUIT_ALERT_URLS", "json://good, ops@example.org", "must be URLs such as"),
        ("RECRUIT_KAFKA_BOOTSTRAP", "::1:9092", "'::1:9092' isn't host:port; an IPv6 address has brackets"),
        ("RECRUIT_KAFKA_BOOTSTRAP", "a:1,b:port", "'b:port' isn't host:port"),
        ("RECRUIT_STATE_DIR", "/a:b", "/a:b can't be used: ':' separates paths"),
        ("RECRUIT_STATE_DIR", "what?", "'\\?' makes it a pattern for Dagster"),
        ("RECRUIT_STATE_DIR", "[x]", "'\\[' makes it a pattern for Dagster"),
        ("RECRUIT_STATE_DIR", "two\nlines", "is a control character"),
        ("RECRUIT_STATE_DIR", "latin\udcfc", "isn't UTF-8"),
        ("RECRUIT_CACHE_DIR", "~nobody-by-this-name/x", "has no full path"),
        ("RECRUIT_SPARK_REMOTE", "sc://[::1]:15002", "Spark's clients know no IPv6 addresses"),
        ("RECRUIT_CASSANDRA_HOSTS", "::1", "Spark's clients know no IPv6 addresses"),
        ("RECRUIT_CASSANDRA_HOSTS", "a,db:9042", "without a port for Cassandra"),
    ],
)
def test_an_invalid_setting_is_named(variable: str, value: str, why: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(variable, value)

    with pytest.raises(UserError, match=f"Invalid setting: {variable}.*{why}"):
        load_settings()


@pytest.mark.parametrize(
    ("settings", "why"),
    [
        ({"attribution": "job_id,dl"}, "RECRUIT_ATTRIBUTION has dl but RECRUIT_ATTRIBUTION_DL isn't set"),
        (
            {"attribution_dl": "/(?<job_id>[0-9]+)"},
            "RECRUIT_ATTRIBUTION_DL is set but RECRUIT_ATTRIBUTION doesn't have dl",
        ),
    ],
)
def test_a_rule_and_its_pattern_need_each_other(settings: dict[str, str], why: str) -> None:
    with pytest.raises(UserError, match=why):
        load_settings(**settings)


def test_jobs_are_not_looked_for_where_nothing_is_stored() -> None:
    with pytest.raises(UserError, match="RECRUIT_PRIVACY is drop, so ed and dl aren't stored"):
        load_settings(privacy="drop", attribution="job_id,ed.jobId")


def test_clicks_are_kept_for_as_long_as_they_are_looked_for() -> None:
    with pytest.raises(
        UserError, match="RECRUIT_ATTRIBUTION_DAYS is 8 but events expire after RECRUIT_RETENTION_DAYS, 7"
    ):
        load_settings(attribution_days=8, retention_days=7)

    assert load_settings(attribution_days=7, retention_days=7).attribution_days == 7


def test_the_rules_of_jobs_are_those_of_the_settings() -> None:
    settings = load_settings(attribution=" job_id, ed.jobId,dl", attribution_dl=r"/(?<job_id>\d+)")

    assert str(settings.job_rules) == "job_id,ed.jobId,dl /([0-9]+)"
    assert load_settings().job_rules.is_default


@pytest.mark.parametrize(
    ("settings", "why"),
    [
        ({"click_quality": "on", "privacy": "drop"}, "RECRUIT_PRIVACY is drop, so uid, ua and dl aren't stored"),
        ({"click_window_s": "86401"}, "RECRUIT_CLICK_WINDOW_S: .* less than or equal to 86400"),
        ({"internal_hosts": "a.example, 10.0.0.1/8"}, "RECRUIT_INTERNAL_HOSTS: .*10.0.0.1/8', which isn't a network"),
        ({"internal_hosts": "https://a.example"}, "RECRUIT_INTERNAL_HOSTS: .*https://a.example'"),
    ],
)
def test_verdicts_need_what_they_are_found_by(settings: dict[str, str], why: str) -> None:
    with pytest.raises(UserError, match=why):
        load_settings(**settings)


def test_settings_that_mean_the_same_have_the_same_click_rules() -> None:
    rules = load_settings(internal_hosts="a.example,10.0.0.0/8").click_rules

    assert rules == load_settings(internal_hosts="A.example , 10.0.0.0/8").click_rules
    assert rules != load_settings(internal_hosts="a.example,10.0.0.0/8", report_timezone="Europe/Berlin").click_rules


@pytest.mark.parametrize("host", ["127.0.0.1", "127.1.2.3", "localhost", "::1", "[::1]"])
def test_mysql_on_this_machine_needs_no_certificate(host: str) -> None:
    assert load_settings(mysql_host=host).mysql_tls_ca == ""


@pytest.mark.parametrize("host", ["db", "10.0.0.5", "localhost.example.com", "fe80::1"])
def test_mysql_elsewhere_must_prove_itself_or_be_trusted_by_choice(host: str) -> None:
    """A server that poses as the database would get the password."""
    with pytest.raises(UserError, match="RECRUIT_MYSQL_HOST is set but RECRUIT_MYSQL_TLS_CA isn't"):
        load_settings(mysql_host=host)

    assert load_settings(mysql_host=host, mysql_tls_ca="off").mysql_tls_ca == "off"


@pytest.mark.parametrize("name", ["RECRUIT_ALERT_WEBHOOK", "RECRUIT_ALERT_SMTP_HOST"])
def test_a_retired_setting_of_alerts_is_refused_and_its_successor_named(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Otherwise an upgrade would end the alerts in silence."""
    monkeypatch.setenv(name, "https://hunter2.example")

    with pytest.raises(
        UserError, match=rf"{name} is not used any more. Set RECRUIT_ALERT_URLS .*, and remove"
    ) as raised:
        load_settings()
    assert "hunter2" not in str(raised.value)

    monkeypatch.setenv("RECRUIT_ALERT_URLS", "json://127.0.0.1")
    assert load_settings().alert_urls.get_secret_value() == "json://127.0.0.1"


def test_an_empty_retired_setting_is_ignored(monkeypatch: pytest.MonkeyPatch) -> None:
    """docker/compose.yaml passes it on, empty where it isn't set."""
    monkeypatch.setenv("RECRUIT_ALERT_WEBHOOK", "")

    assert load_settings().alert_urls.get_secret_value() == ""


def test_an_error_about_another_setting_doesnt_show_the_password(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RECRUIT_MYSQL_PASSWORD", "hunter2")
    monkeypatch.setenv("RECRUIT_MYSQL_PORT", "abc")

    with pytest.raises(UserError) as caught:
        load_settings()

    assert "hunter2" not in str(caught.value)


def test_the_settings_repr_doesnt_show_the_password(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RECRUIT_MYSQL_PASSWORD", "hunter2")

    assert "hunter2" not in repr(load_settings())


def test_addresses_default_to_the_local_engines(tmp_path: Path) -> None:
    (tmp_path / ENDPOINTS_FILE).write_text('{"kafka_bootstrap": "127.0.0.1:1234", "mysql_password": "secret"}')

    settings = load_settings(state_dir=tmp_path)

    assert settings.kafka_bootstrap == "127.0.0.1:1234"
    assert settings.mysql_password.get_secret_value() == "secret"


def test_a_variable_takes_precedence_over_the_local_engines(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / ENDPOINTS_FILE).write_text('{"kafka_bootstrap": "127.0.0.1:1234"}')
    monkeypatch.setenv("RECRUIT_KAFKA_BOOTSTRAP", "broker:9092")
    monkeypatch.setenv("RECRUIT_STATE_DIR", str(tmp_path))

    assert load_settings().kafka_bootstrap == "broker:9092"


@pytest.mark.parametrize(
    "own", [{"kafka_bootstrap": "broker:9092"}, {"cassandra_hosts": "node-1"}, {"mysql_port": 3307}]
)
def test_the_login_of_a_local_engine_isnt_used_for_a_server_at_another_address(
    own: dict[str, object], tmp_path: Path
) -> None:
    engines: dict[str, object] = {"kafka_bootstrap": "127.0.0.1:1", "cassandra_hosts": "127.0.0.1", "mysql_port": 3306}
    for store in ("kafka", "cassandra", "mysql"):
        engines |= {f"{store}_user": "recruit", f"{store}_password": "secret", f"{store}_tls_ca": "off"}
    (tmp_path / ENDPOINTS_FILE).write_text(json.dumps(engines))
    (address,) = own

    settings = load_settings(state_dir=tmp_path, **own)

    users = {store: getattr(settings, f"{store}_user") for store in ("kafka", "cassandra", "mysql")}
    assert users == dict.fromkeys(users, "recruit") | {address.partition("_")[0]: ""}


def test_a_local_engine_whose_address_is_given_too_gets_its_login(tmp_path: Path) -> None:
    (tmp_path / ENDPOINTS_FILE).write_text('{"mysql_host": "127.0.0.1", "mysql_port": 33060, "mysql_user": "recruit"}')

    assert load_settings(state_dir=tmp_path, mysql_host="127.0.0.1", mysql_port="33060").mysql_user == "recruit"


def test_engines_in_the_original_of_a_copied_state_directory_are_not_used(tmp_path: Path) -> None:
    (tmp_path / ENDPOINTS_FILE).write_text('{"state_dir": "/the/original", "mysql_host": "127.0.0.1"}')

    assert load_settings(state_dir=tmp_path).mysql_host == ""


def test_a_folder_has_one_name_whatever_links_lead_to_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By its name the engines of a state directory are recognized."""
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    monkeypatch.chdir(tmp_path)

    for name in ("real", "link", "link/", "./link/../real", str(tmp_path / "link")):
        assert load_settings(state_dir=name).state_dir == tmp_path / "real"


@pytest.mark.parametrize("name", ['it\'s "a" dir, #1 %s $HOME {x} y] ~\\', "-x", " ", "größe 🎉", "a=b&c;d"])
def test_a_folder_may_have_any_other_character(name: str, tmp_path: Path) -> None:
    assert load_settings(state_dir=tmp_path / name).state_dir == tmp_path / name


@pytest.mark.parametrize("host", ["::1", "[::1]", " ::1 "])
def test_an_ipv6_address_may_have_brackets(host: str) -> None:
    assert load_settings(mysql_host=host).mysql_host == "::1"
    assert (host_port("::1", 1), host_port("db", 1)) == ("[::1]:1", "db:1")


def test_a_missing_address_is_an_error_that_names_its_variable(tmp_path: Path) -> None:
    expected = r"RECRUIT_CASSANDRA_HOSTS is not set and no local engine is running .* `recruit-assets engines start`"
    with pytest.raises(UserError, match=expected):
        load_settings(state_dir=tmp_path).require("cassandra_hosts")


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"kafka_user": "u"}, "RECRUIT_KAFKA_USER is set but RECRUIT_KAFKA_PASSWORD isn't"),
        ({"cassandra_password": "p"}, "RECRUIT_CASSANDRA_PASSWORD is set but RECRUIT_CASSANDRA_USER isn't"),
        ({"kafka_user": "u", "kafka_password": "p"}, "RECRUIT_KAFKA_USER is set but RECRUIT_KAFKA_TLS_CA isn't.*`off`"),
        ({"cassandra_user": "u", "cassandra_password": "p"}, "RECRUIT_CASSANDRA_TLS_CA isn't: set it to a PEM file"),
        (
            {"kafka_replication": 2, "kafka_min_insync": 3},
            "RECRUIT_KAFKA_MIN_INSYNC is 3 but .*REPLICATION only 2",
        ),
        ({"cassandra_replication": "dc1:3"}, "RECRUIT_CASSANDRA_REPLICATION has no replica in datacenter1"),
    ],
)
def test_settings_that_contradict_each_other_are_named(given: dict[str, object], message: str) -> None:
    with pytest.raises(UserError, match=message):
        load_settings(**given)


@pytest.mark.parametrize(("replicas", "acknowledging"), [(1, 1), (2, 1), (3, 2), (5, 4)])
def test_by_default_all_replicas_but_one_must_acknowledge_a_record(replicas: int, acknowledging: int) -> None:
    assert load_settings(kafka_replication=replicas).kafka_acknowledging == acknowledging


def test_cassandra_replicas_are_of_the_local_datacenter_or_of_each_named_one() -> None:
    assert load_settings(cassandra_replication="3", cassandra_datacenter="eu-1").cassandra_replicas == {"eu-1": 3}
    two = load_settings(cassandra_replication="eu-1:3,us-1:2", cassandra_datacenter="us-1")
    assert two.cassandra_replicas == {"eu-1": 3, "us-1": 2}


def test_the_path_of_a_certificate_file_becomes_absolute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    authority = Authority(tmp_path)
    monkeypatch.chdir(tmp_path)

    assert load_settings(mysql_tls_ca=authority.pem.name).mysql_tls_ca == str(authority.pem)


def test_exported_settings_can_be_loaded_again(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = load_settings(
        mysql_host="db", mysql_tls_ca="off", mysql_password="secret", first_hour=datetime(2020, 1, 1, tzinfo=UTC)
    )
    for name, value in as_environment(settings).items():
        monkeypatch.setenv(name, value)

    assert load_settings() == settings


def test_a_configured_cluster_takes_precedence_over_the_warm_spark() -> None:
    gateway = {"spark_gateway": "/somewhere"}

    assert load_settings(**gateway).has_warm_spark
    assert not load_settings(**gateway, spark_master="spark://there:7077").has_warm_spark
    assert not load_settings(**gateway, spark_remote="sc://there").has_warm_spark


@pytest.mark.parametrize("key", ["", "fifteen letters"])
def test_pseudonyms_need_a_long_key(key: str) -> None:
    with pytest.raises(UserError, match="RECRUIT_PRIVACY_KEY needs 16 characters or more"):
        load_settings(privacy="pseudonymise", privacy_key=key)


def test_no_two_groups_of_settings_have_a_name_in_common() -> None:
    """Of two fields or checks with the same name, only one would be used."""

    class Bare(BaseModel):
        field: str = ""

    groups = [group for group in Settings.__bases__ if issubclass(group, BaseModel) and group is not BaseSettings]
    names = Counter(chain.from_iterable({*group.model_fields, *vars(group)} - {*vars(Bare)} for group in groups))

    assert [name for name, count in names.items() if count > 1] == []

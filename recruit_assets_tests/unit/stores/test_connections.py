"""TLS and login of each client, as the settings say."""

import ssl
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization.pkcs12 import load_pkcs12

from recruit_assets.runtime.settings import Settings, load_settings
from recruit_assets.stores.kafka.connection import connection_options
from recruit_assets.stores.spark.options import cassandra_options, mysql_options
from recruit_assets.stores.tls import TRUSTSTORE_PASSWORD, client_context, java_truststore
from recruit_assets_tests.support.certificates import Authority

PASSWORD = "hunter2"


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path / "ca")


@pytest.fixture
def secured(tmp_path: Path, authority: Authority) -> Settings:
    stores = ("kafka", "cassandra", "mysql")
    logins = {f"{store}_user": "u" for store in stores} | {f"{store}_password": PASSWORD for store in stores}
    addresses = {"kafka_bootstrap": "a:1,b:2", "cassandra_hosts": "c", "mysql_host": "d"}
    return load_settings(
        state_dir=tmp_path, **addresses, **logins, **{f"{store}_tls_ca": str(authority.pem) for store in stores}
    )


@pytest.mark.parametrize(
    ("given", "protocol"),
    [
        ({}, "PLAINTEXT"),
        ({"kafka_tls_ca": "system"}, "SSL"),
        ({"kafka_tls_ca": "off", "kafka_user": "u", "kafka_password": "p"}, "SASL_PLAINTEXT"),
        ({"kafka_tls_ca": "system", "kafka_user": "u", "kafka_password": "p"}, "SASL_SSL"),
    ],
)
def test_kafkas_protocol_follows_from_ca_and_login(given: dict[str, str], protocol: str) -> None:
    options = connection_options(load_settings(kafka_bootstrap="a:1", **given))

    assert options["security_protocol"] == protocol
    assert ("sasl_mechanism" in options) is ("kafka_user" in given)


def test_a_context_checks_certificate_and_host_name(authority: Authority) -> None:
    context = client_context(str(authority.pem))

    assert context is not None
    assert (context.check_hostname, context.verify_mode) == (True, ssl.CERT_REQUIRED)
    assert [each["subject"] for each in context.get_ca_certs()] == [((("commonName", "a CA of the tests"),),)]


def test_java_gets_the_same_ca_in_a_file_that_is_written_once(authority: Authority, tmp_path: Path) -> None:
    settings = load_settings(state_dir=tmp_path)
    file = java_truststore(str(authority.pem), settings)

    assert file is not None
    kept = load_pkcs12(file.read_bytes(), TRUSTSTORE_PASSWORD.encode()).additional_certs
    assert [each.certificate.subject.rfc4514_string() for each in kept] == ["CN=a CA of the tests"]
    assert java_truststore(str(authority.pem), settings) == file
    assert [each.name for each in file.parent.iterdir()] == [file.name]


def test_spark_connects_to_both_databases_with_tls(secured: Settings) -> None:
    store = str(java_truststore(secured.mysql_tls_ca, secured))
    cassandra, mysql = cassandra_options(secured), mysql_options(secured, "mysql_report")

    assert cassandra["spark.cassandra.connection.ssl.enabled"] == "true"
    assert "TLS_AES_256_GCM_SHA384" in cassandra["spark.cassandra.connection.ssl.enabledAlgorithms"]
    assert cassandra["spark.cassandra.connection.ssl.trustStore.path"] == store
    assert cassandra["spark.cassandra.auth.password"] == PASSWORD
    assert mysql["sslMode"] == "VERIFY_IDENTITY"
    assert mysql["trustCertificateKeyStoreUrl"] == f"file://{store}"


def test_ipv6_addresses_have_brackets_where_a_port_follows() -> None:
    settings = load_settings(kafka_bootstrap="[::1]:9092, b:2", mysql_host="::1", mysql_port=3306)

    assert connection_options(settings)["bootstrap_servers"] == ["[::1]:9092", "b:2"]
    assert mysql_options(settings, "job")["url"] == "jdbc:mysql://[::1]:3306/recruit"


def test_spark_has_no_tls_options_without_tls_settings() -> None:
    plain = load_settings(cassandra_hosts="c", mysql_host="localhost")

    assert [name for name in cassandra_options(plain) if "ssl" in name or "auth" in name] == []
    assert [name for name in mysql_options(plain, "mysql_report") if "ssl" in name.lower()] == []

"""Engines with TLS and logins: every client connects; each mistake is refused in one line that names the setting."""

import re
from collections.abc import Callable

import pytest

from recruit_assets.local.engines.engine import HOST
from recruit_assets.runtime.errors import RecruitError, UserError
from recruit_assets.runtime.settings import Settings, load_settings
from recruit_assets.stores.cassandra.session import open_session
from recruit_assets.stores.kafka import connection as kafka_connection
from recruit_assets.stores.kafka.clients import open_admin, open_consumer, open_producer
from recruit_assets.stores.mysql.connection import connect, translated_errors
from recruit_assets_tests.support.certificates import SERVER_NAME, Authority

Connect = Callable[[Settings], None]


def as_admin(settings: Settings) -> None:
    with open_admin(settings) as admin:
        admin.list_topics()


def as_producer(settings: Settings) -> None:
    open_producer(settings).close()


def as_consumer(settings: Settings) -> None:
    open_consumer(settings, group=None).close()


def to_cassandra(settings: Settings) -> None:
    with open_session(settings) as session:
        session.now_ms()


def to_mysql(settings: Settings) -> None:
    with translated_errors("the server"), connect(settings, database=None) as connection, connection.cursor() as cursor:
        cursor.execute("SHOW STATUS LIKE 'Ssl_cipher'")
        assert dict(cursor.fetchall())["Ssl_cipher"]


STORES: dict[str, Connect] = {"kafka": as_admin, "cassandra": to_cassandra, "mysql": to_mysql}
ADDRESSES = {"kafka": "kafka_bootstrap", "cassandra": "cassandra_hosts", "mysql": "mysql_host"}


@pytest.fixture(params=STORES)
def store(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def changed(settings: Settings, **values: object) -> Settings:
    return load_settings(**settings.model_dump() | values)


def refusal(store: str, settings: Settings, *, error: type[RecruitError] = UserError) -> str:
    """The one line that a user sees."""
    with pytest.MonkeyPatch.context() as impatient:
        impatient.setattr(kafka_connection, "CONNECT_TIMEOUT_MS", 3_000)  # a refused client tries again until then
        with pytest.raises(error) as refused:
            STORES[store](settings)
    message = str(refused.value)
    assert "\n" not in message
    return message


@pytest.mark.parametrize("mechanism", ["SCRAM-SHA-512", "PLAIN"])
@pytest.mark.parametrize("connect_as", [as_admin, as_producer, as_consumer])
def test_every_kafka_client_logs_in_with_either_mechanism(
    mechanism: str, connect_as: Connect, secured: Settings
) -> None:
    connect_as(changed(secured, kafka_mechanism=mechanism))


def test_cassandra_and_mysql_accept_their_clients(secured: Settings) -> None:
    to_cassandra(secured)
    to_mysql(secured)


def test_a_server_that_another_ca_signed_isnt_trusted(store: str, secured: Settings, stranger: Authority) -> None:
    message = refusal(store, changed(secured, **{f"{store}_tls_ca": str(stranger.pem)}))

    assert "isn't trusted" in message
    assert f"RECRUIT_{store.upper()}_TLS_CA" in message


def test_a_certificate_for_another_host_isnt_trusted(store: str, secured: Settings) -> None:
    """Otherwise the holder of any certificate of the CA could pose as the server."""
    address = ADDRESSES[store]
    elsewhere = getattr(secured, address).replace(SERVER_NAME, HOST)

    message = refusal(store, changed(secured, **{address: elsewhere}))

    assert "isn't trusted: IP address mismatch" in message


def test_a_wrong_password_is_refused_without_showing_it(store: str, secured: Settings) -> None:
    # Kafka's client may lose the reason over TLS: then the message says "down, or refuse the login"
    error = RecruitError if store == "kafka" else UserError
    message = refusal(store, changed(secured, **{f"{store}_password": "hunter2"}), error=error)

    assert re.search(r"refuses? the login", message)
    assert f"RECRUIT_{store.upper()}_PASSWORD" in message
    assert "hunter2" not in message


def test_a_client_without_tls_is_told_to_use_it(store: str, secured: Settings) -> None:
    message = refusal(store, changed(secured, **{f"{store}_tls_ca": "off"}))

    assert f"RECRUIT_{store.upper()}_TLS_CA" in message


def test_a_server_without_tls_is_named(store: str, engines: Settings, authority: Authority) -> None:
    message = refusal(store, changed(engines, **{f"{store}_tls_ca": str(authority.pem)}))

    assert "doesn't speak TLS" in message
    assert f"RECRUIT_{store.upper()}_TLS_CA" in message

"""Health probes: one real request to a store, with a short timeout; StoreUnavailable if it fails.

An open port alone proves nothing. The probes need no settings, schema or data. A login is a user and a password.
"""

import socket
from collections.abc import Iterator
from contextlib import contextmanager

import pymysql
from cassandra import AuthenticationFailed, DriverException
from cassandra.auth import PlainTextAuthProvider
from cassandra.cluster import EXEC_PROFILE_DEFAULT, Cluster, ExecutionProfile, NoHostAvailable, Session
from cassandra.policies import WhiteListRoundRobinPolicy
from kafka import KafkaAdminClient
from kafka.errors import KafkaError

from recruit_assets.runtime.errors import StoreUnavailable

TIMEOUT_S = 5
FIRST_LOGIN = ("cassandra", "cassandra")
"""The login of the superuser that every new Cassandra has."""

Login = tuple[str, str]


def probe_kafka(host: str, port: int, *, login: Login | None = None) -> None:
    """The broker answers and is registered with its controller."""
    require_listener("Kafka", host, port)
    try:
        with KafkaAdminClient(
            bootstrap_servers=f"{host}:{port}",
            bootstrap_timeout_ms=TIMEOUT_S * 1000,
            request_timeout_ms=TIMEOUT_S * 1000,
            **_plain(login),
        ) as admin:
            brokers = admin.describe_cluster()["brokers"]
    except (KafkaError, OSError) as error:
        raise StoreUnavailable(f"Kafka at {host}:{port} doesn't answer: {error}") from error
    if not brokers:
        raise StoreUnavailable(f"Kafka at {host}:{port} answers, but its controller knows no broker yet")


def _plain(login: Login | None) -> dict[str, str]:
    if login is None:
        return {}
    names = ("sasl_plain_username", "sasl_plain_password")
    return {"security_protocol": "SASL_PLAINTEXT", "sasl_mechanism": "PLAIN", **dict(zip(names, login, strict=True))}


def probe_cassandra(host: str, port: int, *, login: Login | None = None) -> None:
    """The node answers a query. A new one first gets the login's password."""
    require_listener("Cassandra", host, port)
    try:
        try:
            _query_cassandra(host, port, login)
        except NoHostAvailable as error:
            if login is None or not any(isinstance(each, AuthenticationFailed) for each in error.errors.values()):
                raise
            _set_first_password(host, port, login)
            _query_cassandra(host, port, login)
    except (DriverException, NoHostAvailable) as error:
        raise StoreUnavailable(f"Cassandra at {host}:{port} doesn't answer: {error}") from error


def _query_cassandra(host: str, port: int, login: Login | None) -> None:
    with _cassandra(host, port, login) as session:
        session.execute("SELECT release_version FROM system.local")


def _set_first_password(host: str, port: int, login: Login) -> None:
    user, password = login
    with _cassandra(host, port, FIRST_LOGIN) as session:
        session.execute(f"ALTER ROLE {user} WITH PASSWORD = '{password}'")


@contextmanager
def _cassandra(host: str, port: int, login: Login | None) -> Iterator[Session]:
    profile = ExecutionProfile(WhiteListRoundRobinPolicy([host]), request_timeout=TIMEOUT_S)
    cluster = Cluster(
        [host],
        port=port,
        auth_provider=PlainTextAuthProvider(*login) if login else None,
        execution_profiles={EXEC_PROFILE_DEFAULT: profile},
        connect_timeout=TIMEOUT_S,
        control_connection_timeout=TIMEOUT_S,
        protocol_version=5,
        schema_metadata_enabled=False,
        token_metadata_enabled=False,
    )
    try:
        yield cluster.connect()
    finally:
        cluster.shutdown()


def probe_mariadb(host: str, port: int, *, login: Login) -> None:
    """The server accepts the login and answers a query."""
    user, password = login
    try:
        with (
            pymysql.connect(
                host=host,
                port=port,
                user=user,
                password=password,
                connect_timeout=TIMEOUT_S,
                read_timeout=TIMEOUT_S,
                write_timeout=TIMEOUT_S,
            ) as connection,
            connection.cursor() as cursor,
        ):
            cursor.execute("SELECT 1")
    except (pymysql.err.Error, OSError) as error:
        raise StoreUnavailable(f"MariaDB at {host}:{port} doesn't answer: {error}") from error


def require_listener(store: str, host: str, port: int) -> None:
    """StoreUnavailable at once if nothing listens: the drivers would take seconds and log warnings."""
    try:
        socket.create_connection((host, port), timeout=TIMEOUT_S).close()
    except OSError as error:
        raise StoreUnavailable(f"{store} at {host}:{port} doesn't listen: {error}") from error

"""Health probes: one real request to a store, with a short timeout; StoreUnavailable if it fails.

An open port alone proves nothing. The probes need no settings, schema or data.
"""

import socket

import pymysql
from cassandra import DriverException
from cassandra.cluster import EXEC_PROFILE_DEFAULT, Cluster, ExecutionProfile, NoHostAvailable
from cassandra.policies import WhiteListRoundRobinPolicy
from kafka import KafkaAdminClient
from kafka.errors import KafkaError

from recruit_assets.runtime.errors import StoreUnavailable

TIMEOUT_S = 5


def probe_kafka(host: str, port: int) -> None:
    """The broker answers and is registered with its controller."""
    _require_listener("Kafka", host, port)
    try:
        with KafkaAdminClient(
            bootstrap_servers=f"{host}:{port}",
            bootstrap_timeout_ms=TIMEOUT_S * 1000,
            request_timeout_ms=TIMEOUT_S * 1000,
        ) as admin:
            brokers = admin.describe_cluster()["brokers"]
    except (KafkaError, OSError) as error:
        raise StoreUnavailable(f"Kafka at {host}:{port} doesn't answer: {error}") from error
    if not brokers:
        raise StoreUnavailable(f"Kafka at {host}:{port} answers, but its controller knows no broker yet")


def probe_cassandra(host: str, port: int) -> None:
    """The node answers a query."""
    _require_listener("Cassandra", host, port)
    profile = ExecutionProfile(WhiteListRoundRobinPolicy([host]), request_timeout=TIMEOUT_S)
    cluster = Cluster(
        [host],
        port=port,
        execution_profiles={EXEC_PROFILE_DEFAULT: profile},
        connect_timeout=TIMEOUT_S,
        control_connection_timeout=TIMEOUT_S,
        protocol_version=5,
        schema_metadata_enabled=False,
        token_metadata_enabled=False,
    )
    try:
        cluster.connect().execute("SELECT release_version FROM system.local")
    except (DriverException, NoHostAvailable) as error:
        raise StoreUnavailable(f"Cassandra at {host}:{port} doesn't answer: {error}") from error
    finally:
        cluster.shutdown()


def probe_mariadb(host: str, port: int, *, user: str, password: str) -> None:
    """The server accepts the login and answers a query."""
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


def _require_listener(store: str, host: str, port: int) -> None:
    """Fail at once if nothing listens: the drivers would take seconds and log warnings."""
    try:
        socket.create_connection((host, port), timeout=TIMEOUT_S).close()
    except OSError as error:
        raise StoreUnavailable(f"{store} at {host}:{port} doesn't listen: {error}") from error

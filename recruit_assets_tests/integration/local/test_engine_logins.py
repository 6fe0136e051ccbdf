"""The logins of Kafka and Cassandra, on engines that an earlier version ran without any: their data stays."""

import socket
import ssl
import stat
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from cassandra import AuthenticationFailed
from cassandra.auth import AuthProvider, PlainTextAuthProvider
from cassandra.cluster import EXEC_PROFILE_DEFAULT, Cluster, ExecutionProfile, NoHostAvailable
from cassandra.policies import RoundRobinPolicy
from kafka import KafkaAdminClient
from kafka.admin import NewTopic
from kafka.errors import KafkaError

from recruit_assets.local.engines.cassandra import Cassandra
from recruit_assets.local.engines.engine import HOST
from recruit_assets.local.engines.engine_process import EngineProcess
from recruit_assets.local.engines.kafka import Kafka
from recruit_assets.local.engines.ports import free_ports
from recruit_assets.runtime.errors import StoreUnavailable, UserError
from recruit_assets.runtime.settings import Settings, load_settings
from recruit_assets.stores.cassandra.session import open_session
from recruit_assets.stores.kafka.clients import open_admin
from recruit_assets.stores.kafka.connection import connection_options
from recruit_assets_tests.support.engine_set import new_folder, running
from recruit_assets_tests.support.waiting import wait_until

TIMEOUT_MS = 3_000


class Upgraded:
    """Two engines with data from before they had logins, and the settings of their clients."""

    def __init__(self, kafka: Kafka, cassandra: Cassandra) -> None:
        self.kafka, self.cassandra = kafka, cassandra
        addresses = dict(kafka.endpoints()) | dict(cassandra.endpoints())
        self.settings = load_settings(state_dir=kafka.folder, **addresses)


@pytest.fixture(scope="module")
def upgraded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Upgraded]:
    folder = tmp_path_factory.mktemp("logins")
    kafka, cassandra, *others = free_ports(4)
    settings = load_settings(state_dir=folder)
    kafka_ports = {"kafka": kafka, "kafka_controller": others[0]}
    cassandra_ports = {"cassandra": cassandra, "cassandra_internode": others[1]}
    folders = new_folder(folder, "kafka"), new_folder(folder, "cassandra")
    old = (
        Kafka(settings, folders[0], kafka_ports, short_lived=True),
        Cassandra(settings, folders[1], cassandra_ports, short_lived=True),
    )
    with running(old):
        _write(Upgraded(*old).settings)
    new = (
        Kafka(settings, folders[0], kafka_ports, asks_for_login=True, short_lived=True),
        Cassandra(settings, folders[1], cassandra_ports, asks_for_login=True, short_lived=True),
    )
    with running(new):
        yield Upgraded(*new)


def _write(settings: Settings) -> None:
    assert not settings.kafka_user
    assert not settings.cassandra_user
    with KafkaAdminClient(**connection_options(settings)) as admin:
        admin.create_topics([NewTopic("before", num_partitions=1, replication_factor=1)])
    with open_session(settings) as session:
        session.execute(
            "CREATE KEYSPACE before WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 1}"
        )
        session.execute("CREATE TABLE before.rows (id int PRIMARY KEY)")
        session.execute("INSERT INTO before.rows (id) VALUES (7)")


def test_data_from_before_the_logins_is_still_there(upgraded: Upgraded) -> None:
    with open_admin(upgraded.settings) as admin, open_session(upgraded.settings) as session:
        assert "before" in admin.list_topics()
        assert session.execute("SELECT id FROM before.rows") == [(7,)]


def test_a_running_engine_from_before_the_logins_is_reached_without_one(upgraded: Upgraded) -> None:
    """`engines start` leaves what runs alone: until its next start, it has no login."""
    password = upgraded.kafka.folder / "password"
    hidden = password.rename(password.with_name("hidden"))

    assert "kafka_user" not in upgraded.kafka.endpoints()

    hidden.rename(password)
    assert upgraded.kafka.endpoints()["kafka_user"] == "recruit"


@pytest.mark.parametrize("login", [None, ("recruit", "a guess"), ("admin", "admin")])
def test_kafka_and_its_controller_refuse_other_clients(upgraded: Upgraded, login: tuple[str, str] | None) -> None:
    options: dict[str, object] = {"bootstrap_timeout_ms": TIMEOUT_MS}
    if login:
        user, password = login
        options |= {"security_protocol": "SASL_PLAINTEXT", "sasl_mechanism": "PLAIN"}
        options |= {"sasl_plain_username": user, "sasl_plain_password": password}

    for port in upgraded.kafka.ports.values():
        with pytest.raises(KafkaError):
            KafkaAdminClient(bootstrap_servers=f"{HOST}:{port}", **options).describe_cluster()


@pytest.mark.parametrize("login", [None, ("cassandra", "cassandra"), ("cassandra", "a guess"), ("recruit", "recruit")])
def test_cassandra_refuses_other_clients(upgraded: Upgraded, login: tuple[str, str] | None) -> None:
    provider: AuthProvider | None = PlainTextAuthProvider(*login) if login else None

    with pytest.raises(NoHostAvailable) as caught:
        _log_in(upgraded.cassandra.ports["cassandra"], provider)

    assert [type(each) for each in caught.value.errors.values()] == [AuthenticationFailed]


def _log_in(port: int, provider: AuthProvider | None) -> None:
    """NoHostAvailable if it is refused."""
    profiles = {EXEC_PROFILE_DEFAULT: ExecutionProfile(RoundRobinPolicy())}
    cluster = Cluster([HOST], port=port, protocol_version=5, auth_provider=provider, execution_profiles=profiles)
    try:
        cluster.connect()
    finally:
        cluster.shutdown()


def test_a_new_password_counts_at_once(upgraded: Upgraded) -> None:
    """Otherwise the first start waits two seconds for the login that it has just made."""
    port = upgraded.cassandra.ports["cassandra"]
    first, second = (PlainTextAuthProvider("somebody", password) for password in ("the first", "the second"))
    with open_session(upgraded.settings) as session:

        def changed() -> bool:
            """False in the first five seconds, in which Cassandra refuses to change a role's password again."""
            _log_in(port, first)
            with suppress(StoreUnavailable):
                session.execute("ALTER ROLE somebody WITH PASSWORD = 'the second'")
                return True
            return False

        session.execute("CREATE ROLE somebody WITH PASSWORD = 'the first' AND LOGIN = true")
        wait_until(changed, timeout_s=60)

        _log_in(port, second)
        with pytest.raises(NoHostAvailable):
            _log_in(port, first)
        session.execute("DROP ROLE somebody")


def test_no_other_node_can_join_or_write(upgraded: Upgraded) -> None:
    """A node's connection isn't asked for a login."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    address = (HOST, upgraded.cassandra.ports["cassandra_internode"])

    with (
        socket.create_connection(address, timeout=10) as plain,
        context.wrap_socket(plain) as stranger,
        pytest.raises(ssl.SSLError, match=r"certificate required|bad certificate"),
    ):
        stranger.recv(1)  # only then is the certificate asked for, in TLS 1.3


def test_a_missing_login_is_an_error_of_one_line(upgraded: Upgraded) -> None:
    bare = load_settings(
        **upgraded.settings.model_dump()
        | {"kafka_user": "", "kafka_password": "", "cassandra_user": "", "cassandra_password": ""}
    )

    with (
        pytest.raises(UserError, match=r"refuses the login of user \(none\): check RECRUIT_CASSANDRA_USER"),
        open_session(bare),
    ):
        pass
    with pytest.raises(StoreUnavailable, match="Kafka request failed"), open_admin(bare):
        pass


def test_passwords_are_only_in_private_files(upgraded: Upgraded) -> None:
    for engine in (upgraded.kafka, upgraded.cassandra):
        password = (engine.folder / "password").read_bytes()
        holding = [path for path in engine.folder.rglob("*") if path.is_file() and password in path.read_bytes()]
        process = EngineProcess(engine).process()

        assert {stat.S_IMODE(path.stat().st_mode) for path in holding} == {0o600}
        assert process is not None
        assert password not in Path(f"/proc/{process.pid}/cmdline").read_bytes()
        assert password not in Path(f"/proc/{process.pid}/environ").read_bytes()

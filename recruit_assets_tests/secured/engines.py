"""Engines that require TLS and a login: the local ones with certificates, users and small heaps."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from recruit_assets.local.engines.cassandra import Cassandra
from recruit_assets.local.engines.engine import HOST
from recruit_assets.local.engines.kafka import Kafka
from recruit_assets.local.engines.mariadb import MariaDb
from recruit_assets.local.engines.ports import free_ports
from recruit_assets.runtime.errors import StoreUnavailable, UserError
from recruit_assets.runtime.settings import Settings, load_settings
from recruit_assets.stores.cassandra.session import open_session
from recruit_assets.stores.kafka.clients import open_admin
from recruit_assets.stores.mysql.connection import connect, translated_errors
from recruit_assets_tests.support.certificates import KEYSTORE_PASSWORD, SERVER_NAME, Authority
from recruit_assets_tests.support.engine_set import new_folder

USER, PASSWORD = "recruit", "a password of the tests"
SMALL_HEAP = ("-Xms384m", "-Xmx384m", "-XX:+UseSerialGC", "-XX:MaxDirectMemorySize=256m", "-Xss256k")
FIRST_USER_AT_ONCE = "-Dcassandra.superuser_setup_delay_ms=0"
JAAS = "org.apache.kafka.common.security"
CASSANDRA_YAML = """
authenticator: PasswordAuthenticator
authorizer: CassandraAuthorizer
client_encryption_options:
  enabled: true
  optional: false
  keystore: "{keystore}"
  keystore_password: "{password}"
  require_client_auth: false
"""


@dataclass(frozen=True, slots=True)
class SecuredKafka(Kafka):
    """Answers over SASL_SSL only."""

    client: Settings = field(kw_only=True)

    def probe(self) -> None:
        with _logins_take_a_moment(), open_admin(self.client) as admin:
            admin.describe_cluster()


@dataclass(frozen=True, slots=True)
class SecuredCassandra(Cassandra):
    """Answers over TLS only, to a user with a password."""

    client: Settings = field(kw_only=True)

    def probe(self) -> None:
        with _logins_take_a_moment(), open_session(self.client):
            pass


@dataclass(frozen=True, slots=True)
class SecuredMariaDb(MariaDb):
    """Answers over TLS only."""

    client: Settings = field(kw_only=True)

    def probe(self) -> None:
        with translated_errors(f"{HOST}:{self.ports['mariadb']}"), connect(self.client, database=None):
            pass


def secured_kafka(folder: Path, authority: Authority) -> SecuredKafka:
    """A broker with a SCRAM user and a PLAIN one of the same name and password."""
    port, controller = free_ports(2)
    client = load_settings(
        state_dir=folder,
        kafka_bootstrap=f"{SERVER_NAME}:{port}",
        kafka_tls_ca=str(authority.pem),
        kafka_user=USER,
        kafka_password=PASSWORD,
    )
    listener = "listener.name.sasl_ssl"
    extra = {
        "listeners": f"SASL_SSL://{HOST}:{port},CONTROLLER://{HOST}:{controller}",
        "advertised.listeners": f"SASL_SSL://{SERVER_NAME}:{port}",
        "listener.security.protocol.map": "SASL_SSL:SASL_SSL,CONTROLLER:PLAINTEXT",
        "inter.broker.listener.name": "SASL_SSL",
        "sasl.enabled.mechanisms": "SCRAM-SHA-512,PLAIN",
        "sasl.mechanism.inter.broker.protocol": "PLAIN",
        f"{listener}.scram-sha-512.sasl.jaas.config": f"{JAAS}.scram.ScramLoginModule required;",
        f"{listener}.plain.sasl.jaas.config": (
            f'{JAAS}.plain.PlainLoginModule required username="{USER}" password="{PASSWORD}" user_{USER}="{PASSWORD}";'
        ),
        "ssl.keystore.type": "PKCS12",
        "ssl.keystore.location": authority.server("kafka").keystore,
        "ssl.keystore.password": KEYSTORE_PASSWORD,
        "ssl.truststore.type": "PEM",
        "ssl.truststore.location": authority.pem,
    }
    return SecuredKafka(
        client,
        new_folder(folder, "kafka"),
        {"kafka": port, "kafka_controller": controller},
        client=client,
        extra=extra,
        format_options=("--add-scram", f"SCRAM-SHA-512=[name={USER},password={PASSWORD}]"),
    )


def secured_cassandra(folder: Path, authority: Authority) -> SecuredCassandra:
    """A node with Cassandra's initial superuser."""
    port, internode = free_ports(2)
    client = load_settings(
        state_dir=folder,
        cassandra_hosts=SERVER_NAME,
        cassandra_port=port,
        cassandra_tls_ca=str(authority.pem),
        cassandra_user="cassandra",
        cassandra_password="cassandra",
    )
    yaml = CASSANDRA_YAML.format(keystore=authority.server("cassandra").keystore, password=KEYSTORE_PASSWORD)
    ports = {"cassandra": port, "cassandra_internode": internode}
    return SecuredCassandra(
        client,
        new_folder(folder, "cassandra"),
        ports,
        client=client,
        heap=(*SMALL_HEAP, FIRST_USER_AT_ONCE),
        extra=yaml,
    )


def secured_mariadb(folder: Path, authority: Authority) -> SecuredMariaDb:
    """A server that refuses clients without TLS."""
    (port,) = free_ports(1)
    files = authority.server("mariadb")
    own = new_folder(folder, "mariadb")
    extra = {
        "ssl": 1,
        "ssl-ca": authority.pem,
        "ssl-cert": files.certificate,
        "ssl-key": files.key,
        "require-secure-transport": 1,
        "innodb-buffer-pool-size": "64M",
    }
    tls = {"mysql_host": SERVER_NAME, "mysql_tls_ca": str(authority.pem)}
    bare = MariaDb(load_settings(state_dir=folder), own, {"mariadb": port})
    client = load_settings(**dict(bare.endpoints()) | tls, state_dir=folder)
    return SecuredMariaDb(client, own, {"mariadb": port}, client=client, extra=extra)


@contextmanager
def _logins_take_a_moment() -> Iterator[None]:
    """A server that has just started may not know its users yet: count a refused login as not ready."""
    try:
        yield
    except UserError as error:
        raise StoreUnavailable(str(error)) from error

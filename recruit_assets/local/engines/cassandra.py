"""Cassandra 5 as a single node.

Configuration and Java options follow Cassandra's cassandra_latest.yaml and jvm17-server.options unless noted.
"""

import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Literal

from recruit_assets.local.engines.engine import HOST, Command, EngineName
from recruit_assets.local.engines.jvm import arguments_mark, java
from recruit_assets.local.engines.keystore import self_signed_keystore
from recruit_assets.local.engines.login import Login
from recruit_assets.runtime.artifacts import classpath
from recruit_assets.runtime.echo import Echo
from recruit_assets.runtime.files import atomic_write
from recruit_assets.runtime.settings import Settings
from recruit_assets.stores.probes import probe_cassandra

SUPERUSER = "cassandra"
"""Every new Cassandra has this user. Only its password is changed."""

CommitlogSync = Literal["group", "periodic"]

COMMITLOG_SYNC: Mapping[CommitlogSync, str] = {
    "group": "commitlog_sync: group\ncommitlog_sync_group_window: 10ms",
    "periodic": "commitlog_sync: periodic\ncommitlog_sync_period: 10000ms",
}
"""With group, acknowledged writes are on disk. With periodic, Cassandra's default, kill -9 loses up to 10 s of them."""

HEAP = (
    "-Xms1g",
    "-Xmx1536m",
    "-XX:+UseG1GC",
    "-XX:MaxGCPauseMillis=200",
    "-XX:MaxDirectMemorySize=512m",
    "-XX:+ExitOnOutOfMemoryError",
    "-Xss256k",
)
SINGLE_NODE = (
    # no other node to wait for
    "-Dcassandra.skip_wait_for_gossip_to_settle=0",
    "-Dcassandra.ring_delay_ms=0",
    "-Dcassandra.shutdown_announce_in_ms=0",
)
CLOCK = ("-Dcassandra.approximate_time_precision_ms=20",)
"""The steps of the clock for its time-outs, which take seconds. The default, 2 ms, costs an idle node 1 % of a core."""
LOGIN = (
    "-Dcassandra.superuser_setup_delay_ms=0",  # no other node to wait for
    # a slow hash protects passwords that people choose; ours is random, and each connection would wait for it
    "-Dcassandra.auth_bcrypt_gensalt_log2_rounds=4",
)
LOGIN_YAML = """
authenticator: PasswordAuthenticator
# a password counts from when it is changed: a new node's is, and its users would wait two seconds for the cache
credentials_validity: 0ms
# other nodes' connections write without a login, so only this node has the key that they need
server_encryption_options:
  internode_encryption: all
  require_client_auth: true
  store_type: PKCS12
  keystore: "{keystore}"
  keystore_password: {password}
  truststore: "{keystore}"
  truststore_password: {password}
"""
LIBRARIES = (
    "-Djava.net.preferIPv4Stack=true",
    "-Djdk.attach.allowAttachSelf=true",
    "-Dio.netty.tryReflectionSetAccessible=true",
    "-Dchronicle.disable.analytics=true",
    "-Djna.nosys=true",
)
JAVA_BASE_EXPORTS = ("jdk.internal.misc", "jdk.internal.ref", "sun.nio.ch")
JAVA_BASE_OPENS = (
    "java.io",
    "java.lang",
    "java.lang.module",
    "java.lang.reflect",
    "java.math",
    "java.net",
    "java.nio",
    "java.util",
    "java.util.concurrent",
    "java.util.concurrent.atomic",
    "jdk.internal.loader",
    "jdk.internal.math",
    "jdk.internal.module",
    "jdk.internal.ref",
    "jdk.internal.reflect",
    "jdk.internal.util.jar",
    "sun.nio.ch",
)
OTHER_MODULES = (
    "--add-exports=java.management.rmi/com.sun.jmx.remote.internal.rmi=ALL-UNNAMED",
    "--add-exports=java.rmi/sun.rmi.registry=ALL-UNNAMED",
    "--add-exports=java.rmi/sun.rmi.server=ALL-UNNAMED",
    "--add-exports=java.sql/java.sql=ALL-UNNAMED",
    "--add-exports=jdk.unsupported/sun.misc=ALL-UNNAMED",
    "--add-opens=jdk.management/com.sun.management.internal=ALL-UNNAMED",
    "--add-opens=jdk.management.agent/jdk.internal.agent=ALL-UNNAMED",
)


@dataclass(frozen=True, slots=True)
class Cassandra:
    """One node. `ports` has cassandra and cassandra_internode; `extra` is appended to cassandra.yaml."""

    settings: Settings
    folder: Path
    ports: Mapping[str, int]
    commitlog_sync: CommitlogSync = "group"
    asks_for_login: bool = False
    """Whether clients must log in. Other nodes are refused then."""
    lock: str = "cassandra"
    name: EngineName = EngineName.CASSANDRA
    host: str = HOST
    seed: str = HOST
    heap: tuple[str, ...] = HEAP
    extra: str = ""
    short_lived: bool = False

    @property
    def mark(self) -> str:
        return arguments_mark(self.folder)

    def prepare(self, echo: Echo) -> Command:
        config = self.folder / "cassandra.yaml"
        atomic_write(config, self._yaml() + self._login_yaml(), private=True)
        logback = self.folder / "logback.xml"
        logback.write_text(_template("logback.xml"), encoding="utf-8")
        jars = classpath("cassandra", self.settings)
        options = (
            *self.heap,
            *SINGLE_NODE,
            *CLOCK,
            *(LOGIN if self.asks_for_login else ()),
            *LIBRARIES,
            *(f"--add-exports=java.base/{package}=ALL-UNNAMED" for package in JAVA_BASE_EXPORTS),
            *(f"--add-opens=java.base/{package}=ALL-UNNAMED" for package in JAVA_BASE_OPENS),
            *OTHER_MODULES,
            f"-Dcassandra.config={config.as_uri()}",
            f"-Dcassandra.storagedir={self.folder / 'data'}",
            f"-Dlogback.configurationFile={logback.as_uri()}",
            "-Dcassandra-foreground=yes",
        )
        main = ["org.apache.cassandra.service.CassandraDaemon"]
        return java(self.folder, jars=jars, options=options, main=main, short_lived=self.short_lived)

    def probe(self) -> None:
        probe_cassandra(self.host, self.ports["cassandra"], login=self._login.pair)

    def endpoints(self) -> Mapping[str, str | int]:
        return {
            "cassandra_hosts": self.host,
            "cassandra_port": self.ports["cassandra"],
            **self._login.settings("cassandra"),
        }

    @property
    def _login(self) -> Login:
        return Login(SUPERUSER, self.folder / "password")

    def _yaml(self) -> str:
        return _template("cassandra.yaml").format(
            host=self.host,
            seed=self.seed,
            native_port=self.ports["cassandra"],
            internode_port=self.ports["cassandra_internode"],
            data=_escaped(self.folder / "data"),
            commitlog_sync=COMMITLOG_SYNC[self.commitlog_sync],
            extra=self.extra,
        )

    def _login_yaml(self) -> str:
        if not self.asks_for_login:
            return ""
        self._login.create()
        keystore, password = self.folder / "internode.p12", secrets.token_urlsafe(24)
        atomic_write(keystore, self_signed_keystore("internode", password), private=True)
        return LOGIN_YAML.format(keystore=_escaped(keystore), password=password)


def _escaped(path: Path) -> str:
    """The path for a YAML file, between double quotes, where YAML is as JSON."""
    return json.dumps(str(path), ensure_ascii=False)[1:-1]


def _template(name: str) -> str:
    return (files("recruit_assets.local.engines") / "templates" / name).read_text(encoding="utf-8")

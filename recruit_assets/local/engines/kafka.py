"""Kafka 4 as a single process, broker and controller in one (KRaft).

Its login is PLAIN and not SCRAM, whose users are in Kafka's storage: that of an earlier version has none.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from uuid import uuid4

from recruit_assets.local.engines.engine import HOST, Command, EngineName
from recruit_assets.local.engines.jvm import ARGUMENTS_FILE, arguments_mark, java
from recruit_assets.local.engines.login import Login
from recruit_assets.local.engines.processes import run_to_end
from recruit_assets.runtime.artifacts import classpath
from recruit_assets.runtime.echo import Echo
from recruit_assets.runtime.files import atomic_write
from recruit_assets.runtime.settings import Settings
from recruit_assets.stores.probes import probe_kafka

MAX_RECORD_BYTES = 8 * 1024 * 1024
"""More than the largest event (5 MiB) with its dead letter headers; our Kafka clients have the same limit."""
FORMAT_TIMEOUT_S = 180
USER = "recruit"
MECHANISM = "PLAIN"
PLAIN_LOGIN = "org.apache.kafka.common.security.plain.PlainLoginModule"

HEAP = ("-Xms256m", "-Xmx512m", "-XX:+UseG1GC", "-XX:MaxDirectMemorySize=128m", "-XX:+ExitOnOutOfMemoryError")
CHATTY = (
    "kafka.cluster",
    "kafka.log",
    "org.apache.kafka.common.config",
    "org.apache.kafka.controller",
    "org.apache.kafka.coordinator",
    "org.apache.kafka.storage",
    "state.change.logger",
)
"""Loggers that write lines for every topic, group and segment: a day of tests would fill the disk."""
LOGGING = (
    "-Dorg.slf4j.simpleLogger.showDateTime=true",
    "-Dorg.slf4j.simpleLogger.dateTimeFormat=yyyy-MM-dd'T'HH:mm:ss.SSS",
    "-Dorg.slf4j.simpleLogger.showShortLogName=true",
    *(f"-Dorg.slf4j.simpleLogger.log.{logger}=warn" for logger in CHATTY),
)


@dataclass(frozen=True, slots=True)
class Kafka:
    """One broker. `ports` has kafka and kafka_controller; `extra` properties override ours.

    With `asks_for_login`, clients, the broker itself and its controller's clients need one. A short-lived broker
    acknowledges records before they are on disk.
    """

    settings: Settings
    folder: Path
    ports: Mapping[str, int]
    asks_for_login: bool = False
    lock: str = "kafka"
    name: EngineName = EngineName.KAFKA
    extra: Mapping[str, object] = field(default_factory=dict)
    cluster_id: str = field(default_factory=lambda: uuid4().hex[:22])
    format_options: tuple[str, ...] = ()
    short_lived: bool = False

    @property
    def mark(self) -> str:
        return arguments_mark(self.folder)

    def prepare(self, echo: Echo) -> Command:
        properties = self.folder / "server.properties"
        atomic_write(properties, self._properties(), private=True)
        formatted = self.folder / "formatted"
        if not (formatted.exists() and (self.folder / "data" / "meta.properties").exists()):
            echo("kafka: formatting its storage")
            self._format(properties)
            formatted.touch()
        return self._java(["kafka.Kafka", str(properties)], ARGUMENTS_FILE, short_lived=self.short_lived)

    def probe(self) -> None:
        probe_kafka(HOST, self.ports["kafka"], login=self._login.pair)

    def endpoints(self) -> Mapping[str, str | int]:
        return {
            "kafka_bootstrap": f"{HOST}:{self.ports['kafka']}",
            "kafka_mechanism": MECHANISM,
            **self._login.settings("kafka"),
        }

    @property
    def _login(self) -> Login:
        return Login(USER, self.folder / "password")

    def _format(self, properties: Path) -> None:
        """Write the initial metadata of a new cluster."""
        main = [
            "kafka.tools.StorageTool",
            "format",
            "--ignore-formatted",
            "-t",
            self.cluster_id,
            "-c",
            str(properties),
            *self.format_options,
        ]
        run_to_end(self._java(main, "format.args", short_lived=True), timeout_s=FORMAT_TIMEOUT_S)

    def _java(self, main: list[str], file: str, *, short_lived: bool) -> Command:
        jars, options = classpath("kafka", self.settings), (*HEAP, *LOGGING)
        return java(self.folder, jars=jars, options=options, main=main, short_lived=short_lived, file=file)

    def _properties(self) -> str:
        client, controller = self.ports["kafka"], self.ports["kafka_controller"]
        values: dict[str, object] = {
            "process.roles": "broker,controller",
            "node.id": 1,
            "controller.quorum.voters": f"1@{HOST}:{controller}",
            "listeners": f"CLIENTS://{HOST}:{client},CONTROLLER://{HOST}:{controller}",
            "advertised.listeners": f"CLIENTS://{HOST}:{client}",
            "inter.broker.listener.name": "CLIENTS",
            "controller.listener.names": "CONTROLLER",
            "log.dirs": "data",  # in the process's folder: Kafka would split a path at its commas, and trim it
            # a typo must not create a topic
            "auto.create.topics.enable": "false",
            "message.max.bytes": MAX_RECORD_BYTES,
            "replica.fetch.max.bytes": MAX_RECORD_BYTES,
            # one broker holds every replica
            "offsets.topic.replication.factor": 1,
            "transaction.state.log.replication.factor": 1,
            "transaction.state.log.min.isr": 1,
            "share.coordinator.state.topic.replication.factor": 1,
            "share.coordinator.state.topic.min.isr": 1,
            # the defaults of 50 make the first start slow
            "offsets.topic.num.partitions": 4,
            "transaction.state.log.num.partitions": 4,
            "share.coordinator.state.topic.num.partitions": 1,
            # by default, the first member of a group waits 3 s for others
            "group.initial.rebalance.delay.ms": 0,
            # the default of 128 MiB is a quarter of this heap
            "log.cleaner.dedupe.buffer.size": 16 * 1024 * 1024,
        }
        if not self.short_lived:
            # acknowledge only what is on disk: by default, a power cut takes the records of about the last 30 s
            values["log.flush.interval.messages"] = 1
        values |= _with_login(self._login) if self.asks_for_login else _WITHOUT_LOGIN
        return "".join(
            f"{key}={str(value).replace(chr(92), chr(92) * 2)}\n" for key, value in (values | dict(self.extra)).items()
        )


_WITHOUT_LOGIN: Mapping[str, object] = {"listener.security.protocol.map": "CLIENTS:PLAINTEXT,CONTROLLER:PLAINTEXT"}


def _with_login(login: Login) -> dict[str, object]:
    """Properties that make both listeners ask for the login, and the broker use it."""
    user, password = login.user, login.create()
    plain = f'{PLAIN_LOGIN} required username="{user}" password="{password}" user_{user}="{password}";'
    return {
        "listener.security.protocol.map": "CLIENTS:SASL_PLAINTEXT,CONTROLLER:SASL_PLAINTEXT",
        "sasl.enabled.mechanisms": MECHANISM,
        "sasl.mechanism.inter.broker.protocol": MECHANISM,
        "sasl.mechanism.controller.protocol": MECHANISM,
        "listener.name.clients.plain.sasl.jaas.config": plain,
        "listener.name.controller.plain.sasl.jaas.config": plain,
    }

"""Kafka 4 as a single process, broker and controller in one (KRaft)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from uuid import uuid4

from recruit_assets.local.engines.engine import HOST, Command, EngineName
from recruit_assets.local.engines.jvm import ARGUMENTS_FILE, arguments_mark, java
from recruit_assets.local.engines.processes import run_to_end
from recruit_assets.runtime.artifacts import classpath
from recruit_assets.runtime.echo import Echo
from recruit_assets.runtime.settings import Settings
from recruit_assets.stores.probes import probe_kafka

MAX_RECORD_BYTES = 8 * 1024 * 1024
"""More than the largest event (5 MiB) with its dead letter headers; our Kafka clients have the same limit."""
FORMAT_TIMEOUT_S = 60

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

    A short-lived one acknowledges records before they are on disk.
    """

    settings: Settings
    folder: Path
    ports: Mapping[str, int]
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
        properties.write_text(self._properties(), encoding="utf-8")
        formatted = self.folder / "formatted"
        if not (formatted.exists() and (self.folder / "data" / "meta.properties").exists()):
            echo("kafka: formatting its storage")
            self._format(properties)
            formatted.touch()
        return self._java(["kafka.Kafka", str(properties)], ARGUMENTS_FILE, short_lived=self.short_lived)

    def probe(self) -> None:
        probe_kafka(HOST, self.ports["kafka"])

    def endpoints(self) -> Mapping[str, str | int]:
        return {"kafka_bootstrap": f"{HOST}:{self.ports['kafka']}"}

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
            "listeners": f"PLAINTEXT://{HOST}:{client},CONTROLLER://{HOST}:{controller}",
            "advertised.listeners": f"PLAINTEXT://{HOST}:{client}",
            "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
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
        return "".join(
            f"{key}={str(value).replace(chr(92), chr(92) * 2)}\n" for key, value in (values | dict(self.extra)).items()
        )

"""Kafka as a Dagster resource: where the raw events come from."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from recruit_assets.defs.resources.base import StoreResource, settings_of
from recruit_assets.ingest.processes import service_of
from recruit_assets.ingest.result import IngestResult
from recruit_assets.ingest.service import drain


@dataclass(frozen=True, slots=True)
class Backlog:
    """The records of the topic that the ingest group hasn't committed. None is read before `drain_to`."""

    overrides: Mapping[str, object]
    """Of Kafka's resource, by setting."""

    def drain_to(self, cassandra: Mapping[str, object]) -> IngestResult:
        """Store all records that the topic holds now in Cassandra, whose resource has these overrides.

        Offsets move after an event or its dead letter is durable. It takes RECRUIT_INGEST_PROCESSES processes.
        """
        settings = settings_of(self.overrides, cassandra)
        return drain(settings, run=service_of(settings))


class KafkaResource(StoreResource):
    """Brokers, login, topic and consumer group of the raw events."""

    prefix: ClassVar[str] = "kafka_"
    address: ClassVar[str] = "bootstrap"

    bootstrap: str = ""
    topic: str = ""
    group: str = ""
    tls_ca: str = ""
    user: str = ""
    password: str = ""
    mechanism: str = ""

    def backlog(self) -> Backlog:
        """The records that the group hasn't committed yet; none is read before they are stored."""
        return Backlog(self.overrides)

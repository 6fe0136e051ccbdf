"""Kafka as a Dagster resource: where the raw events come from."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from recruit_assets.defs.resources.base import StoreResource


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

    def backlog(self) -> "Backlog":
        """What the topic holds and the group hasn't committed; nothing is read yet."""
        return Backlog(self.overrides)


@dataclass(frozen=True, slots=True)
class Backlog:
    """The records between a group's committed offsets and the topic's end, for an IO manager to drain."""

    overrides: Mapping[str, object]

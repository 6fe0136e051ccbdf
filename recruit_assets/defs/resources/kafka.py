"""Kafka as a Dagster resource: where the raw events come from."""

from collections.abc import Mapping
from dataclasses import dataclass

import dagster as dg

from recruit_assets.defs.resources.base import named_password, resolved
from recruit_assets.runtime.settings import Settings


class KafkaResource(dg.ConfigurableResource):  # type: ignore[type-arg]  # it provides itself
    """Brokers, topic and consumer group of the raw events; the password is an environment variable's."""

    bootstrap: str
    topic: str
    group: str
    tls_ca: str
    user: str
    password: str
    mechanism: str

    @classmethod
    def of(cls, settings: Settings) -> "KafkaResource":
        return cls(
            bootstrap=settings.kafka_bootstrap,
            topic=settings.kafka_topic,
            group=settings.kafka_group,
            tls_ca=settings.kafka_tls_ca,
            user=settings.kafka_user,
            password=named_password(settings, "kafka"),
            mechanism=settings.kafka_mechanism,
        )

    @property
    def overrides(self) -> dict[str, object]:
        """As settings; empty where no broker was known when the code location loaded."""
        names = ("bootstrap", "topic", "group", "tls_ca", "user", "password", "mechanism")
        return resolved("kafka_", self.bootstrap, {name: getattr(self, name) for name in names})

    def backlog(self) -> "Backlog":
        """What the topic holds and the group hasn't committed; nothing is read yet."""
        return Backlog(self.overrides)


@dataclass(frozen=True, slots=True)
class Backlog:
    """The records between a group's committed offsets and the topic's end, for an IO manager to drain."""

    overrides: Mapping[str, object]

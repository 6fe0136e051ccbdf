"""Kafka as a Dagster resource: where the raw events come from."""

from typing import ClassVar

from recruit_assets.defs.resources.base import StoreResource
from recruit_assets.ingest.backlog import Backlog


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
        return Backlog(self.settings)

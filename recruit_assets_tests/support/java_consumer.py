"""Consumers of Kafka's own Java client, as other programs use them."""

from collections.abc import Iterator
from contextlib import contextmanager

from py4j.java_gateway import JavaGateway

from recruit_assets.runtime.settings import Settings
from recruit_assets_tests.support.java_gateway import java_gateway
from recruit_assets_tests.support.kafka_logins import java_options

CLIENT_ID = "stranger"
BYTES = "org.apache.kafka.common.serialization.ByteArrayDeserializer"


class JavaConsumer:
    """A member of the ingest group; `poll` keeps it there."""

    def __init__(self, gateway: JavaGateway, settings: Settings, options: dict[str, str]) -> None:
        self._jvm = gateway.jvm
        properties = self._jvm.java.util.Properties()
        for name, value in (_common(settings) | options).items():
            properties.put(name, value)
        self._consumer = self._jvm.org.apache.kafka.clients.consumer.KafkaConsumer(properties)
        self._consumer.subscribe(self._jvm.java.util.List.of(settings.kafka_topic))

    def poll(self) -> bool:
        """Poll once; returns whether the group has given it partitions."""
        self._consumer.poll(self._jvm.java.time.Duration.ofMillis(200))
        return not self._consumer.assignment().isEmpty()

    def close(self) -> None:
        self._consumer.close()


@contextmanager
def java_consumer(settings: Settings, **options: str) -> Iterator[JavaConsumer]:
    """A Java consumer in the ingest group; options are those of the client, with underscores for dots."""
    with java_gateway(settings) as gateway:
        consumer = JavaConsumer(gateway, settings, {name.replace("_", "."): value for name, value in options.items()})
        yield consumer
        consumer.close()


def _common(settings: Settings) -> dict[str, str]:
    return {
        **java_options(settings),
        "group.id": settings.kafka_group,
        "client.id": CLIENT_ID,
        "enable.auto.commit": "false",
        "key.deserializer": BYTES,
        "value.deserializer": BYTES,
    }

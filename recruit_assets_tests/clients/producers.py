"""Producers of three clients behind one Protocol. Options have Kafka's names, also where a client has its own."""

import asyncio
from collections.abc import Iterable
from typing import Any, Literal, NamedTuple, Protocol

from aiokafka import AIOKafkaProducer
from confluent_kafka import Producer as Librdkafka
from py4j.java_gateway import JavaGateway

from recruit_assets.runtime.settings import Settings
from recruit_assets.stores.kafka.connection import connection_options
from recruit_assets_tests.support.kafka_logins import java_options, librdkafka_options

Options = dict[str, str | int | bool]
Transaction = Literal["committed", "aborted"]

ALWAYS: Options = {"metadata.max.age.ms": 500}
"""A producer soon knows of added partitions."""
TRANSACTIONAL = "transactional.id"
TIMEOUT_S = 30
BYTES = "org.apache.kafka.common.serialization.ByteArraySerializer"


class Record(NamedTuple):
    """What is sent; the client chooses the partition by the key."""

    key: bytes
    value: bytes | None
    headers: tuple[tuple[str, bytes | None], ...] = ()


class Producer(Protocol):
    """An open producer for the test's topic."""

    def send(self, records: Iterable[Record], *, transaction: Transaction | None = None) -> None:
        """Return once every record is acknowledged, or only sent with acks=0, and the transaction has ended."""

    def partitions(self) -> int:
        """How many partitions the producer knows."""

    def close(self) -> None:
        """Disconnect."""


class ConfluentProducer:
    """confluent-kafka, which is librdkafka: so are most clients that aren't written in Java or Python."""

    def __init__(self, settings: Settings, options: Options) -> None:
        names = {"metadata.max.age.ms": "topic.metadata.refresh.interval.ms"}
        given = {names.get(name, name): value for name, value in (ALWAYS | options).items()}
        self._topic = settings.kafka_topic
        self._producer = Librdkafka(librdkafka_options(settings) | given)
        self._failures: list[object] = []
        if TRANSACTIONAL in options:
            self._producer.init_transactions(TIMEOUT_S)

    def send(self, records: Iterable[Record], *, transaction: Transaction | None = None) -> None:
        if transaction:
            self._producer.begin_transaction()
        for key, value, headers in records:
            self._producer.produce(self._topic, value, key, headers=list(headers), on_delivery=self._delivered)
        assert (self._producer.flush(TIMEOUT_S), self._failures) == (0, [])
        if transaction == "committed":
            self._producer.commit_transaction(TIMEOUT_S)
        elif transaction == "aborted":
            self._producer.abort_transaction(TIMEOUT_S)

    def partitions(self) -> int:
        return len(self._producer.list_topics(self._topic, TIMEOUT_S).topics[self._topic].partitions)

    def close(self) -> None:
        """Nothing to do: the client disconnects when it is deleted."""

    def _delivered(self, error: object, _message: object) -> None:
        if error is not None:
            self._failures.append(error)


class AioProducer:
    """aiokafka; its event loop runs during a call."""

    def __init__(self, settings: Settings, options: Options) -> None:
        names = {"batch.size": "max_batch_size"}
        given = {names.get(name, name.replace(".", "_")): value for name, value in (ALWAYS | options).items()}
        self._topic = settings.kafka_topic
        self._runner = asyncio.Runner()
        self._producer = self._runner.run(self._open(**_aiokafka_options(settings), **given))

    def send(self, records: Iterable[Record], *, transaction: Transaction | None = None) -> None:
        self._runner.run(self._send(records, transaction))

    def partitions(self) -> int:
        return len(self._runner.run(self._producer.partitions_for(self._topic)))

    def close(self) -> None:
        self._runner.run(self._producer.stop())
        self._runner.close()

    async def _open(self, **options: Any) -> AIOKafkaProducer:
        producer = AIOKafkaProducer(**options)
        await producer.start()
        return producer

    async def _send(self, records: Iterable[Record], transaction: Transaction | None) -> None:
        if transaction:
            await self._producer.begin_transaction()
        sent = [
            await self._producer.send(self._topic, value, key, headers=list(headers)) for key, value, headers in records
        ]
        await asyncio.wait_for(asyncio.gather(*sent), TIMEOUT_S)
        if transaction == "committed":
            await self._producer.commit_transaction()
        elif transaction == "aborted":
            await self._producer.abort_transaction()


def _aiokafka_options(settings: Settings) -> dict[str, Any]:
    """aiokafka took its options' names from kafka-python."""
    options = connection_options(settings)
    del options["bootstrap_timeout_ms"]
    return options


class JavaProducer:
    """Kafka's own client."""

    def __init__(self, settings: Settings, options: Options, *, gateway: JavaGateway) -> None:
        self._topic = settings.kafka_topic
        self._kafka = gateway.jvm.org.apache.kafka
        properties = gateway.jvm.java.util.Properties()
        for name, value in {
            **java_options(settings),
            "key.serializer": BYTES,
            "value.serializer": BYTES,
            **(ALWAYS | options),
        }.items():
            properties.put(name, str(value).lower() if isinstance(value, bool) else str(value))
        self._producer = self._kafka.clients.producer.KafkaProducer(properties)
        if TRANSACTIONAL in options:
            self._producer.initTransactions()

    def send(self, records: Iterable[Record], *, transaction: Transaction | None = None) -> None:
        if transaction:
            self._producer.beginTransaction()
        sent = [self._producer.send(self._java_record(record)) for record in records]
        self._producer.flush()
        for future in sent:
            future.get()
        if transaction == "committed":
            self._producer.commitTransaction()
        elif transaction == "aborted":
            self._producer.abortTransaction()

    def partitions(self) -> int:
        return int(self._producer.partitionsFor(self._topic).size())

    def close(self) -> None:
        self._producer.close()

    def _java_record(self, record: Record) -> Any:
        java = self._kafka.clients.producer.ProducerRecord(self._topic, record.key, record.value)
        for name, value in record.headers:
            java.headers().add(name, value)
        return java

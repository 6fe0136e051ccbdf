"""What tests do to the event topic: send to it, alter it, make it anew."""

from collections.abc import Iterator
from contextlib import contextmanager

from kafka import KafkaProducer
from kafka.admin import ConfigResource, ConfigResourceType
from kafka.errors import TopicAlreadyExistsError
from kafka.structs import OffsetAndMetadata, TopicPartition

from recruit_assets.runtime.settings import Settings
from recruit_assets.stores.kafka.clients import open_admin, open_producer
from recruit_assets.stores.kafka.connection import connection_options
from recruit_assets.stores.kafka.topics import ensure_topics, identify
from recruit_assets_tests.support.builders import an_event, as_bytes
from recruit_assets_tests.support.waiting import wait_until


def events(count: int, *, first: int = 0) -> list[bytes]:
    return [as_bytes(an_event(seed=seed)) for seed in range(first, first + count)]


def produce(settings: Settings, *values: bytes | None) -> None:
    """Send the records to all partitions in turn, and wait until each is acknowledged."""
    producer = open_producer(settings)
    try:
        sent = [
            producer.send(settings.kafka_topic, value=value, key=b"k", partition=n % 4)
            for n, value in enumerate(values)
        ]
        for future in sent:
            future.get(timeout=30)
    finally:
        producer.close()


def make_anew(settings: Settings) -> None:
    """Delete the event topic and create another one of the same name."""
    with open_admin(settings) as admin:
        old = identify(admin, settings.kafka_topic)
        admin.delete_topics([settings.kafka_topic])

        def is_new() -> bool:
            try:
                ensure_topics(settings)
            except TopicAlreadyExistsError:
                return False
            return identify(admin, settings.kafka_topic).topic_id != old.topic_id

        wait_until(is_new, 20, what="a new topic")


def alter_topic(settings: Settings, **options: str) -> None:
    names = {name.replace("_", "."): value for name, value in options.items()}
    with open_admin(settings) as admin:
        admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, settings.kafka_topic, configs=names)])


def set_commits(settings: Settings, offset: int, *, metadata: str = "") -> None:
    """Commit the offset for every partition, as an operator would or an older version did."""
    with open_admin(settings) as admin:
        offsets = {TopicPartition(settings.kafka_topic, p): OffsetAndMetadata(offset, metadata, -1) for p in range(4)}
        admin.alter_group_offsets(settings.kafka_group, offsets)


@contextmanager
def open_transaction(settings: Settings, *values: bytes, partition: int = 0) -> Iterator[KafkaProducer]:
    """A transaction with these records that is open in the block, and aborted at its end unless it has ended."""
    producer = KafkaProducer(**connection_options(settings), transactional_id=f"open-{settings.kafka_topic}")
    try:
        producer.init_transactions()
        producer.begin_transaction()
        for value in values:
            producer.send(settings.kafka_topic, value=value, partition=partition).get(timeout=30)
        yield producer
    finally:
        producer.close()

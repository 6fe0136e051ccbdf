"""Kafka as this platform uses it: producers, consumers and topics with the safe options, and errors translated to ours.

Belongs here: client options, the topics' required configuration, offsets of a group and of a topic. Not here: when
offsets move (`ingest.offsets`), what a record means (`transforms`).
"""

import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TypeVar

from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer
from kafka.admin import ConfigResource, ConfigResourceType
from kafka.errors import GroupIdNotFoundError, KafkaError, TopicAlreadyExistsError
from kafka.producer.future import FutureRecordMetadata
from kafka.structs import OffsetAndMetadata, TopicPartition
from tenacity import Retrying, retry_if_exception, retry_if_result, stop_after_delay, wait_fixed

from recruit_assets.errors import SchemaMismatch, StoreUnavailable
from recruit_assets.settings import Settings
from recruit_assets.stores.kafka_connection import connecting, connection_options

log = logging.getLogger(__name__)

REQUEST_TIMEOUT_MS = 30_000
RETRY_S = 0.25
UNKNOWN_TOPIC_S = 5
"""A topic that was just created isn't known to every broker, or to a client that asked a moment before."""
DELIVERY_TIMEOUT_MS = 60_000
METADATA_MAX_AGE_MS = 20_000
"""New partitions are found after this. A client that asked for a topic while another answer was on its way misses it
until then (kafka-python 3.0.12, cluster.set_topics)."""
SESSION_TIMEOUT_MS = 15_000
"""A killed consumer's partitions move after this; the default of 45 s would be most of a freshness budget."""
HEARTBEAT_MS = 1_000
"""How long a member may not know that another one came or went; the group waits for it, by default 3 s."""

FETCH_BYTES = 16 * 1024 * 1024
PARTITION_FETCH_BYTES = 4 * 1024 * 1024
MAX_POLL_RECORDS = 5_000
ACK_TIMEOUT_S = 90
"""Above the delivery time-out, so that the producer's own answer is the one that is seen."""
BATCH_BYTES = 128 * 1024
LINGER_MS = 10
MAX_REQUEST_BYTES = 8 * 1024 * 1024
"""Above the largest RECRUIT_MAX_EVENT_BYTES with its envelope, so that the topic's own limit is the one that is met."""

DLQ_RETENTION_MS = 90 * 86_400 * 1000
TIMESTAMP_TYPE = "message.timestamp.type"
LOG_APPEND_TIME = "LogAppendTime"

Answer = TypeVar("Answer")

Admin = KafkaAdminClient
Headers = list[tuple[str, bytes]]


def open_producer(settings: Settings, *, batch_bytes: int = BATCH_BYTES, linger_ms: int = LINGER_MS) -> KafkaProducer:
    """A producer that a record is acknowledged to only when every in-sync replica has it, once and in order.

    The caller closes it. Memory is bounded by the caller: this client has no buffer limit of its own.
    """
    with connecting(settings, "a producer"):
        return KafkaProducer(
            **connection_options(settings),
            acks="all",
            enable_idempotence=True,
            allow_auto_create_topics=False,
            batch_size=batch_bytes,
            linger_ms=linger_ms,
            max_request_size=MAX_REQUEST_BYTES,
            max_block_ms=REQUEST_TIMEOUT_MS,
            request_timeout_ms=REQUEST_TIMEOUT_MS,
            delivery_timeout_ms=DELIVERY_TIMEOUT_MS,
        )


class TopicSender:
    """Sends to one topic; nothing counts as sent before `acknowledged` returns. Raises StoreUnavailable."""

    def __init__(self, producer: KafkaProducer, topic: str) -> None:
        self._producer = producer
        self._topic = topic
        self._sent: list[FutureRecordMetadata] = []

    def send(self, key: bytes | None, value: bytes | None, *, headers: Headers) -> None:
        """Hand over one record; the client refuses one with neither key nor value, which gets an empty key."""
        if key is None and value is None:
            key = b""
        values = [(name, found or b"") for name, found in headers]
        with translated_errors(f"send to topic {self._topic}"):
            self._sent.append(self._producer.send(self._topic, value=value, key=key, headers=values))

    def acknowledged(self) -> None:
        """Return when everything handed over is in the topic, on every in-sync replica."""
        sent, self._sent = self._sent, []
        if not sent:
            return
        with translated_errors(f"send to topic {self._topic}"):
            self._producer.flush(timeout=ACK_TIMEOUT_S)
            for future in sent:
                future.get(timeout=ACK_TIMEOUT_S)


@contextmanager
def open_sender(settings: Settings, topic: str) -> Iterator[TopicSender]:
    """A sender whose producer is closed on leaving; what isn't acknowledged by then may or may not be sent."""
    producer = open_producer(settings)
    try:
        yield TopicSender(producer, topic)
    finally:
        producer.close(timeout=ACK_TIMEOUT_S)


def open_consumer(
    settings: Settings,
    *,
    group: str | None,
    max_poll_records: int = MAX_POLL_RECORDS,
    client_id: str = "recruit_assets",
) -> KafkaConsumer:
    """A consumer of raw bytes that commits nothing by itself and sees no record of an aborted transaction.

    Values are decoded by us: after an error in a deserializer the client's poll() never returns. The caller subscribes
    or assigns, and closes it.
    """
    with connecting(settings, "a consumer"):
        return KafkaConsumer(
            **connection_options(settings),
            client_id=client_id,
            group_id=group,
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            isolation_level="read_committed",
            allow_auto_create_topics=False,
            max_poll_records=max_poll_records,
            fetch_max_bytes=FETCH_BYTES,
            max_partition_fetch_bytes=PARTITION_FETCH_BYTES,
            session_timeout_ms=SESSION_TIMEOUT_MS,
            heartbeat_interval_ms=HEARTBEAT_MS,
            metadata_max_age_ms=METADATA_MAX_AGE_MS,
            request_timeout_ms=REQUEST_TIMEOUT_MS,
        )


@contextmanager
def open_admin(settings: Settings) -> Iterator[KafkaAdminClient]:
    """An admin client, closed on leaving."""
    with connecting(settings, "an admin client"):
        admin = KafkaAdminClient(
            **connection_options(settings),
            request_timeout_ms=REQUEST_TIMEOUT_MS,
        )
    try:
        yield admin
    finally:
        admin.close()


def ensure_topics(settings: Settings) -> None:
    """Create the event topic and the dead letter topic where missing; SchemaMismatch when one has CreateTime."""
    with open_admin(settings) as admin, translated_errors(f"topics of {settings.kafka_bootstrap}"):
        existing = set(admin.list_topics())
        for topic, options in _wanted_topics(settings).items():
            if topic not in existing:
                _create(admin, topic, settings=settings, options=options)
        check_topic_times(admin, settings)


def check_topic_times(admin: KafkaAdminClient, settings: Settings) -> None:
    """SchemaMismatch unless the event topic stamps records itself: an event's write time must not be a producer's."""
    found = topic_options(admin, settings.kafka_topic)[TIMESTAMP_TYPE]
    if found != LOG_APPEND_TIME:
        raise SchemaMismatch(
            f"Kafka topic {settings.kafka_topic}: wanted {TIMESTAMP_TYPE} {LOG_APPEND_TIME}, found {found}. Records "
            "already in it keep their producers' times: use another RECRUIT_KAFKA_TOPIC, or alter the topic while empty"
        )


def topic_options(admin: KafkaAdminClient, topic: str) -> dict[str, str]:
    """The topic's configuration, defaults included."""
    with translated_errors(f"configuration of topic {topic}"):
        # the client leaves out defaults unless told
        described = admin.describe_configs([ConfigResource(ConfigResourceType.TOPIC, topic)], config_filter="all")
    return {name: entry["value"] for name, entry in described["topic"][topic].items()}


def topic_partitions(consumer: KafkaConsumer, topic: str) -> list[TopicPartition]:
    """All partitions; StoreUnavailable when the topic isn't known, since no partitions would read as no records."""
    known = Retrying(
        retry=retry_if_result(lambda found: not found),
        stop=stop_after_delay(UNKNOWN_TOPIC_S),
        wait=wait_fixed(RETRY_S),
        retry_error_callback=lambda _: set(),
    )
    with translated_errors(f"partitions of topic {topic}"):
        found = known(consumer.partitions_for_topic, topic)
    if not found:
        raise StoreUnavailable(f"Kafka topic {topic} isn't there. Run `recruit-assets schema apply`")
    return [TopicPartition(topic, partition) for partition in sorted(found)]


def end_offsets(consumer: KafkaConsumer, topic: str) -> dict[int, int]:
    """Per partition, the offset after its last readable record."""
    with translated_errors(f"end offsets of topic {topic}"):
        ends = consumer.end_offsets(topic_partitions(consumer, topic))
    return {tp.partition: offset for tp, offset in ends.items()}


def beginning_offsets(consumer: KafkaConsumer, topic: str) -> dict[int, int]:
    """Per partition, the offset of the first record that the topic still holds."""
    with translated_errors(f"first offsets of topic {topic}"):
        firsts = consumer.beginning_offsets(topic_partitions(consumer, topic))
    return {tp.partition: offset for tp, offset in firsts.items()}


def committed_offsets(admin: KafkaAdminClient, settings: Settings) -> dict[int, int]:
    """What the ingest group has committed, per partition; one without a commit is absent."""
    with translated_errors(f"offsets of group {settings.kafka_group}"):
        groups = _patiently(lambda: admin.list_group_offsets({settings.kafka_group: None}))
    offsets: Mapping[TopicPartition, OffsetAndMetadata] = groups.get(settings.kafka_group, {})
    return {
        tp.partition: found.offset
        for tp, found in offsets.items()
        if tp.topic == settings.kafka_topic and found.offset >= 0
    }


def group_members(admin: KafkaAdminClient, settings: Settings) -> int:
    """How many consumers the ingest group has; 0 also for a group that nobody ever joined."""
    with translated_errors(f"members of group {settings.kafka_group}"):
        try:
            described = _patiently(lambda: admin.describe_groups([settings.kafka_group]))
        except GroupIdNotFoundError:
            return 0
    return len(described[settings.kafka_group]["members"])


@contextmanager
def translated_errors(doing: str) -> Iterator[None]:
    """Turn the client's errors into ours."""
    try:
        yield
    except KafkaError as error:
        raise StoreUnavailable(f"Kafka doesn't answer as it should ({doing}): {error}") from error


def _patiently(ask: Callable[[], Answer]) -> Answer:
    """The answer, asked for again while the broker says that it will have one: a group's coordinator takes a moment."""
    tries = Retrying(
        retry=retry_if_exception(lambda error: isinstance(error, KafkaError) and bool(error.retriable)),
        stop=stop_after_delay(REQUEST_TIMEOUT_MS / 1000),
        wait=wait_fixed(RETRY_S),
        reraise=True,
    )
    answer: Answer = tries(ask)
    return answer


def _wanted_topics(settings: Settings) -> dict[str, dict[str, str]]:
    """`delete` is named, since a compacting default of the broker would drop records that share a key."""
    shared = {
        TIMESTAMP_TYPE: LOG_APPEND_TIME,
        "cleanup.policy": "delete",
        "min.insync.replicas": str(settings.kafka_acknowledging),
    }
    return {settings.kafka_topic: shared, settings.dlq_topic: shared | {"retention.ms": str(DLQ_RETENTION_MS)}}


def _create(admin: KafkaAdminClient, topic: str, *, settings: Settings, options: dict[str, str]) -> None:
    wanted = {
        "num_partitions": settings.kafka_partitions,
        "replication_factor": settings.kafka_replication,
        "configs": options,
    }
    try:
        admin.create_topics({topic: wanted}, timeout_ms=REQUEST_TIMEOUT_MS, wait_for_metadata=True)
    except TopicAlreadyExistsError:
        return  # another process was faster
    # a topic whose name is misspelt comes into being too, and stays empty
    log.info("made Kafka topic %s, which wasn't there", topic)

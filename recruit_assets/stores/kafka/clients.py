"""Kafka clients with safe options; their errors become ours."""

from collections.abc import Iterator
from contextlib import contextmanager

from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer
from kafka.errors import KafkaError
from kafka.producer.future import FutureRecordMetadata, RecordMetadata

from recruit_assets.runtime.errors import StoreUnavailable
from recruit_assets.runtime.settings import Settings
from recruit_assets.stores.kafka.compat import NULL, allow_nulls, read_in_bounded_memory
from recruit_assets.stores.kafka.connection import connecting, connection_options

REQUEST_TIMEOUT_MS = 30_000
DELIVERY_TIMEOUT_MS = 60_000
METADATA_MAX_AGE_MS = 20_000
"""New partitions are seen after this. So is a topic that a client asked for while it waited for other metadata
(kafka-python 3.0.12, cluster.set_topics)."""
SESSION_TIMEOUT_MS = 15_000
"""When a killed consumer's partitions move to others. The default of 45 s would use up most of the freshness goal."""
HEARTBEAT_MS = 1_000
"""A member learns of a rebalance from its next heartbeat, and the group waits for it; by default 3 s."""

CLIENT_ID = "recruit_assets"
"""By this, members of the ingest group are told from other programs' consumers."""
FETCH_BYTES = 16 * 1024 * 1024
PARTITION_FETCH_BYTES = 4 * 1024 * 1024
MAX_POLL_RECORDS = 5_000
ACK_TIMEOUT_S = 90
"""Above the delivery timeout, so that the producer's own error comes first."""
BATCH_BYTES = 128 * 1024
LINGER_MS = 10
MAX_REQUEST_BYTES = 8 * 1024 * 1024
"""Above the largest RECRUIT_MAX_EVENT_BYTES with its envelope, so that only the topic's own limit applies."""

Admin = KafkaAdminClient
Headers = list[tuple[str, bytes | None]]


def open_producer(settings: Settings, *, batch_bytes: int = BATCH_BYTES, linger_ms: int = LINGER_MS) -> KafkaProducer:
    """An idempotent producer: a record is acknowledged once every in-sync replica has it, once and in order.

    The caller closes it, and bounds the records in memory: this client has no limit of its own.
    """
    allow_nulls()
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
    """Sends to one topic; no record is safe before `acknowledged` returns. Raises StoreUnavailable."""

    def __init__(self, producer: KafkaProducer, topic: str) -> None:
        self._producer = producer
        self._topic = topic
        self._sent: list[FutureRecordMetadata] = []

    def send(self, key: bytes | None, value: bytes | None, *, headers: Headers) -> None:
        """Hand over one record. Null stays null, be it key, value or a header's value."""
        if key is None and value is None:
            key = NULL
        values = [(name, NULL if found is None else found) for name, found in headers]
        with translated_errors(f"send to topic {self._topic}"):
            self._sent.append(self._producer.send(self._topic, value=value, key=key, headers=values))

    def acknowledged(self) -> list[RecordMetadata]:
        """Wait until all records handed over are on every in-sync replica; returns where each one is, in order."""
        sent, self._sent = self._sent, []
        if not sent:
            return []
        with translated_errors(f"send to topic {self._topic}"):
            self._producer.flush(timeout=ACK_TIMEOUT_S)
            return [future.get(timeout=ACK_TIMEOUT_S) for future in sent]


@contextmanager
def open_sender(settings: Settings, topic: str) -> Iterator[TopicSender]:
    """A sender, closed on exit. Records that aren't acknowledged by then may or may not be in the topic."""
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
    client_id: str = CLIENT_ID,
    metadata_max_age_ms: int = METADATA_MAX_AGE_MS,
    isolation_level: str = "read_committed",
) -> KafkaConsumer:
    """A consumer of raw bytes that never commits by itself and, unless told otherwise, skips aborted transactions.

    Its memory is bounded whatever the topic holds, see `compat.BoundedFetcher`. The caller subscribes or assigns, and
    closes it.
    """
    with connecting(settings, "a consumer"):
        consumer = KafkaConsumer(
            **connection_options(settings),
            client_id=client_id,
            group_id=group,
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            isolation_level=isolation_level,
            allow_auto_create_topics=False,
            max_poll_records=max_poll_records,
            fetch_max_bytes=FETCH_BYTES,
            max_partition_fetch_bytes=PARTITION_FETCH_BYTES,
            session_timeout_ms=SESSION_TIMEOUT_MS,
            heartbeat_interval_ms=HEARTBEAT_MS,
            metadata_max_age_ms=metadata_max_age_ms,
            request_timeout_ms=REQUEST_TIMEOUT_MS,
        )
    read_in_bounded_memory(consumer)
    return consumer


@contextmanager
def open_admin(settings: Settings) -> Iterator[KafkaAdminClient]:
    """An admin client, closed on exit."""
    with connecting(settings, "an admin client"):
        admin = KafkaAdminClient(
            **connection_options(settings),
            request_timeout_ms=REQUEST_TIMEOUT_MS,
        )
    try:
        yield admin
    finally:
        admin.close()


@contextmanager
def translated_errors(doing: str) -> Iterator[None]:
    """Raise the client's errors as StoreUnavailable."""
    try:
        yield
    except KafkaError as error:
        raise StoreUnavailable(f"Kafka request failed ({doing}): {error}") from error

"""Sends events to the event topic in bounded memory, and checks that the brokers acknowledge each."""

from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from kafka.producer.future import FutureRecordMetadata

from recruit_assets.runtime.settings import Settings
from recruit_assets.stores.kafka.clients import DELIVERY_TIMEOUT_MS, open_consumer, open_producer, translated_errors
from recruit_assets.stores.kafka.offsets import end_offsets

BATCH_BYTES = 512 * 1024
LINGER_MS = 20
"""One call's records become one batch of one partition: 33 microseconds of CPU per record, 42 with 128 KiB batches."""
MAX_UNACKNOWLEDGED = 20_000
"""About 30 MB of records; more isn't faster."""
ACKNOWLEDGE_TIMEOUT_S = DELIVERY_TIMEOUT_MS / 1000 + 30
"""Above the client's own timeout, so that its error comes first."""
CLOSE_TIMEOUT_S = 10
NULL_VALUE_KEY = b"tombstone"
"""The client sends no record with neither key nor value."""


class EventPublisher:
    """Sends each call to the next partition in turn. Not thread-safe."""

    def __init__(self, settings: Settings) -> None:
        self._topic = settings.kafka_topic
        self._partitions = event_partitions(settings)
        self._producer = open_producer(settings, batch_bytes=BATCH_BYTES, linger_ms=LINGER_MS)
        self._unacknowledged: deque[list[FutureRecordMetadata]] = deque()
        self._in_flight = 0
        self._calls = 0

    def send(self, values: Sequence[bytes | None]) -> None:
        """Send the values; blocks while too many are unacknowledged. StoreUnavailable if one was lost."""
        partition = self._partitions[self._calls % len(self._partitions)]
        self._calls += 1
        topic, send = self._topic, self._producer.send
        with translated_errors(f"send to topic {topic}"):
            # naming the partition saves the client a quarter of its time per record
            futures = [
                send(topic, value, partition=partition)
                if value is not None
                else send(topic, None, NULL_VALUE_KEY, partition=partition)
                for value in values
            ]
        self._unacknowledged.append(futures)
        self._in_flight += len(futures)
        while self._in_flight > MAX_UNACKNOWLEDGED:
            self._settle_oldest()

    def finish(self) -> None:
        """Wait until every record is acknowledged; StoreUnavailable if one was lost."""
        with translated_errors(f"flush to topic {self._topic}"):
            self._producer.flush(ACKNOWLEDGE_TIMEOUT_S)
        while self._unacknowledged:
            self._settle_oldest()

    def close(self) -> None:
        """Stop at once; unacknowledged records may be lost."""
        self._producer.close(CLOSE_TIMEOUT_S)

    def _settle_oldest(self) -> None:
        futures = self._unacknowledged.popleft()
        self._in_flight -= len(futures)
        with translated_errors(f"acknowledgement by topic {self._topic}"):
            for future in futures:
                if not future.succeeded():
                    future.get(ACKNOWLEDGE_TIMEOUT_S)


@contextmanager
def open_publisher(settings: Settings) -> Iterator[EventPublisher]:
    """A publisher, closed on exit. Call `finish` first: closing doesn't wait for acknowledgements."""
    publisher = EventPublisher(settings)
    try:
        yield publisher
    finally:
        publisher.close()


def event_partitions(settings: Settings) -> list[int]:
    """The topic's partitions. A producer would wait half a minute for a missing topic, so a consumer asks."""
    consumer = open_consumer(settings, group=None)
    try:
        return sorted(end_offsets(consumer, settings.kafka_topic))
    finally:
        consumer.close()

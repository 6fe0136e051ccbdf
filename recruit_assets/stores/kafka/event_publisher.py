"""The write path of the event topic: values in, acknowledged by the brokers or an error out.

Belongs here: sending values in bounded memory and proving that each is acknowledged. Not here: client options
(`kafka`), what is sent and when (`simulator`), dead letters (`dead_letter_topic`).
"""

from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from kafka.producer.future import FutureRecordMetadata

from recruit_assets.runtime.settings import Settings
from recruit_assets.stores.kafka.clients import DELIVERY_TIMEOUT_MS, open_consumer, open_producer, translated_errors
from recruit_assets.stores.kafka.offsets import end_offsets

BATCH_BYTES = 512 * 1024
LINGER_MS = 20
"""One call's records of one partition make one batch: 33 microseconds of CPU per record, 42 with batches of 128 KiB."""
MAX_UNACKNOWLEDGED = 20_000
"""Records in memory at most, about 30 MB: more don't make it faster."""
ACKNOWLEDGE_TIMEOUT_S = DELIVERY_TIMEOUT_MS / 1000 + 30
"""After the client's own limit, so that its error is the one that is seen."""
CLOSE_TIMEOUT_S = 10
NULL_VALUE_KEY = b"tombstone"
"""A record has a key or a value."""


class EventPublisher:
    """Sends to the partitions in turns, one for each call. Not to be shared between threads."""

    def __init__(self, settings: Settings) -> None:
        self._topic = settings.kafka_topic
        self._partitions = _partitions(settings)
        self._producer = open_producer(settings, batch_bytes=BATCH_BYTES, linger_ms=LINGER_MS)
        self._unacknowledged: deque[list[FutureRecordMetadata]] = deque()
        self._in_flight = 0
        self._calls = 0

    def send(self, values: Sequence[bytes | None]) -> None:
        """Hand the values to the client; waits while too many are unacknowledged. StoreUnavailable if one was lost."""
        partition = self._partitions[self._calls % len(self._partitions)]
        self._calls += 1
        topic, send = self._topic, self._producer.send
        with translated_errors(f"send to topic {topic}"):
            # a partition given spares the client's choice, a quarter of its time per record
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
        """Return when every record is acknowledged; StoreUnavailable if one was lost."""
        with translated_errors(f"flush to topic {self._topic}"):
            self._producer.flush(ACKNOWLEDGE_TIMEOUT_S)
        while self._unacknowledged:
            self._settle_oldest()

    def close(self) -> None:
        """Stop at once; what isn't acknowledged may be lost."""
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
    """A publisher, closed on leaving. Call `finish` first: closing proves nothing."""
    publisher = EventPublisher(settings)
    try:
        yield publisher
    finally:
        publisher.close()


def _partitions(settings: Settings) -> list[int]:
    """The topic's partitions, asked of a consumer: a producer waits half a minute for a topic that isn't there."""
    consumer = open_consumer(settings, group=None)
    try:
        return sorted(end_offsets(consumer, settings.kafka_topic))
    finally:
        consumer.close()

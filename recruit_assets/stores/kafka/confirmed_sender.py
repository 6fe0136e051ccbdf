"""Sends records of many callers at once, and tells each when Kafka has acknowledged its own."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from threading import Lock

from kafka import KafkaProducer

from recruit_assets.runtime.errors import StoreUnavailable
from recruit_assets.runtime.settings import Settings
from recruit_assets.stores.kafka.clients import open_producer, translated_errors
from recruit_assets.stores.kafka.event_publisher import event_partitions

LINGER_MS = 5
"""A caller waits this much longer, and records of other callers go in the same batch."""
CALLS_PER_PARTITION = 64
"""Consecutive calls fill the batch of one partition, before the next one's turn."""
CLOSE_TIMEOUT_S = 10
Done = Callable[[StoreUnavailable | None], None]


class ConfirmedSender:
    """Sends to the event topic. Holds what isn't acknowledged without a limit: the caller bounds it."""

    def __init__(self, producer: KafkaProducer, topic: str, partitions: Sequence[int]) -> None:
        self._producer = producer
        self._topic = topic
        self._partitions = partitions
        self._calls = 0

    def send(self, values: Sequence[bytes], done: Done) -> None:
        """Send the values; `done` is called once, by another thread: with None when all are acknowledged, or with why
        one may be lost. The others may be in the topic then.
        """
        partition = self._partitions[self._calls // CALLS_PER_PARTITION % len(self._partitions)]
        self._calls += 1
        outcome = _Outcome(len(values), self._topic, done)
        with translated_errors(f"send to topic {self._topic}"):
            for value in values:
                self._producer.send(self._topic, value, partition=partition).add_both(outcome.settle)


class _Outcome:
    """Counts the answers for the records of one call."""

    def __init__(self, records: int, topic: str, done: Done) -> None:
        self._left = records
        self._topic = topic
        self._done = done
        self._error: StoreUnavailable | None = None
        self._lock = Lock()

    def settle(self, answer: object) -> None:
        with self._lock:
            self._left -= 1
            if isinstance(answer, BaseException):
                self._error = StoreUnavailable(f"Kafka request failed (send to topic {self._topic}): {answer}")
            is_last = self._left == 0
        if is_last:
            self._done(self._error)


@contextmanager
def open_confirmed_sender(settings: Settings) -> Iterator[ConfirmedSender]:
    """A sender, closed on exit; StoreUnavailable without the topic. Wait for what was sent before leaving."""
    partitions = event_partitions(settings)
    producer = open_producer(settings, linger_ms=LINGER_MS)
    try:
        with translated_errors(f"partitions of topic {settings.kafka_topic}"):
            # a later send would wait for them, and every other caller with it
            producer.partitions_for(settings.kafka_topic)
        yield ConfirmedSender(producer, settings.kafka_topic, partitions)
    finally:
        producer.close(timeout=CLOSE_TIMEOUT_S)

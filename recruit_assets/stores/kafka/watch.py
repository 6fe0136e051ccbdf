"""Kafka's state for the metrics: how far ingest is behind, and the number of dead letters.

The clients stay connected between two readings, since connecting costs more than reading.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from time import monotonic

from kafka import KafkaConsumer
from kafka.structs import TopicPartition

from recruit_assets.contract.dead_letters import DeadLetterReason
from recruit_assets.runtime.settings import Settings
from recruit_assets.stores.kafka.clients import open_admin, open_consumer, translated_errors
from recruit_assets.stores.kafka.dead_letter_topic import ForeignRecord, dead_letter_of
from recruit_assets.stores.kafka.ingest_lag import IngestLag, lag_reader
from recruit_assets.stores.kafka.offsets import end_offsets
from recruit_assets.stores.kafka.record import Record
from recruit_assets.stores.kafka.topics import problems, topic_options

POLL_MS = 200
COUNT_FOR_S = 1.5
"""How long a reading counts new dead letters; the next one goes on with the rest."""
UNKNOWN = "unknown"
"""The reason given for a record that isn't a dead letter of this platform."""


@dataclass(frozen=True, slots=True)
class KafkaState:
    """The result of one reading."""

    lag: IngestLag
    dead_letters: Mapping[str, int]
    """By reason: those in the topic at the first reading, and all since."""
    uncounted: int
    """Dead letters that the reading had no time for."""
    topic_problems: Sequence[str] = ()
    """Settings of the event topic that can lose events."""


class KafkaWatch:
    """Reads with the same clients again and again; `close` closes them."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        with ExitStack() as opened:
            self._admin = opened.enter_context(open_admin(settings))
            self._lag = opened.enter_context(lag_reader(self._admin, settings))
            consumer = open_consumer(settings, group=None, client_id="recruit_watch")
            opened.callback(consumer.close, autocommit=False)
            self._counter = DeadLetterCounter(consumer, settings.dlq_topic)
            self._opened = opened.pop_all()

    def read(self) -> KafkaState:
        """StoreUnavailable if a request to Kafka fails."""
        lag = self._lag.read()
        uncounted = self._counter.advance()
        found = problems(topic_options(self._admin, self._settings.kafka_topic), self._settings)
        return KafkaState(
            lag, dict(self._counter.by_reason), uncounted, topic_problems=[problem.setting for problem in found]
        )

    def close(self) -> None:
        self._opened.close()


class DeadLetterCounter:
    """Counts the dead letter topic by reason. Each record is read once: a reading costs what is new."""

    def __init__(self, consumer: KafkaConsumer, topic: str) -> None:
        self._consumer = consumer
        self._topic = topic
        self.by_reason: Counter[str] = Counter(dict.fromkeys(DeadLetterReason, 0))

    def advance(self) -> int:
        """Count new records for up to COUNT_FOR_S; returns how many are left."""
        ends = end_offsets(self._consumer, self._topic)
        partitions = [TopicPartition(self._topic, partition) for partition in ends]
        if self._consumer.assignment() != set(partitions):
            self._consumer.assign(partitions)  # keeps the positions of known partitions
        until = monotonic() + COUNT_FOR_S
        with translated_errors(f"count topic {self._topic}"):
            self._restart(ends)
            while (left := self._left(ends)) and monotonic() < until:
                for records in self._consumer.poll(timeout_ms=POLL_MS).values():
                    self.by_reason.update(reason_of(record) for record in records)
        return left

    def _restart(self, ends: Mapping[int, int]) -> None:
        """Count a partition from its beginning if it ends before what was counted: the topic was made anew."""
        for partition, end in ends.items():
            if self._position(partition) > end:
                self._consumer.seek_to_beginning(TopicPartition(self._topic, partition))

    def _left(self, ends: Mapping[int, int]) -> int:
        return sum(max(0, end - self._position(partition)) for partition, end in ends.items())

    def _position(self, partition: int) -> int:
        """0 while it isn't known; without a limit the client would wait for ever if the topic was deleted."""
        return self._consumer.position(TopicPartition(self._topic, partition), timeout_ms=POLL_MS) or 0


def reason_of(record: Record) -> str:
    """The reason of a dead letter, or UNKNOWN."""
    letter = dead_letter_of(record)
    return UNKNOWN if isinstance(letter, ForeignRecord) else letter.reason

"""Kafka as an operator watches it: what the ingest group hasn't committed, and how many dead letters there are.

Belongs here: clients that are kept between two looks, since connecting costs more than looking. Not here: metrics made
of it (`platform_metrics`), what dead letters hold (`dead_letter_topic`).
"""

from collections import Counter
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from time import monotonic

from kafka import KafkaConsumer
from kafka.structs import TopicPartition

from recruit_assets.contract.dead_letters import DeadLetterHeader, DeadLetterReason
from recruit_assets.runtime.settings import Settings
from recruit_assets.stores.kafka.clients import open_admin, open_consumer, translated_errors
from recruit_assets.stores.kafka.group_member import Record
from recruit_assets.stores.kafka.offsets import beginning_offsets, committed_offsets, end_offsets, group_members

POLL_MS = 200
COUNT_FOR_S = 1.5
"""A look reads new dead letters for so long at most; what is left is said, and counted by the next."""
UNKNOWN = "unknown"
"""The reason of a record that isn't a dead letter of this platform."""


@dataclass(frozen=True, slots=True)
class KafkaState:
    """What one look found."""

    lag: Mapping[int, int]
    """By partition: offsets that the ingest group hasn't committed; transaction markers are among them."""
    members: int
    dead_letters: Mapping[str, int]
    """By reason: those that the topic held at the first look, and every one since."""
    uncounted: int


class KafkaWatch:
    """Looks again and again with the same clients; `close` drops them."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        with ExitStack() as opened:
            self._admin = opened.enter_context(open_admin(settings))
            self._consumer = open_consumer(settings, group=None, client_id="recruit_watch")
            opened.callback(self._consumer.close, autocommit=False)
            self._counter = DeadLetterCounter(self._consumer, settings.dlq_topic)
            self._opened = opened.pop_all()

    def look(self) -> KafkaState:
        """StoreUnavailable when Kafka can't say."""
        committed = committed_offsets(self._admin, self._settings)
        members = group_members(self._admin, self._settings)
        firsts = beginning_offsets(self._consumer, self._settings.kafka_topic)
        ends = end_offsets(self._consumer, self._settings.kafka_topic)
        lag = {p: max(0, end - max(committed.get(p, 0), firsts[p])) for p, end in sorted(ends.items())}
        uncounted = self._counter.advance()
        return KafkaState(lag, members, dict(self._counter.by_reason), uncounted)

    def close(self) -> None:
        self._opened.close()


class DeadLetterCounter:
    """Counts the dead letter topic by reason, each record once: a look costs what is new since the one before."""

    def __init__(self, consumer: KafkaConsumer, topic: str) -> None:
        self._consumer = consumer
        self._topic = topic
        self.by_reason: Counter[str] = Counter(dict.fromkeys(DeadLetterReason, 0))

    def advance(self) -> int:
        """Count new ones for COUNT_FOR_S at most; how many are left."""
        ends = end_offsets(self._consumer, self._topic)
        partitions = [TopicPartition(self._topic, partition) for partition in ends]
        if self._consumer.assignment() != set(partitions):
            self._consumer.assign(partitions)  # keeps the position of those that it has
        until = monotonic() + COUNT_FOR_S
        with translated_errors(f"count topic {self._topic}"):
            while (left := self._left(ends)) and monotonic() < until:
                for records in self._consumer.poll(timeout_ms=POLL_MS).values():
                    self.by_reason.update(reason_of(record) for record in records)
        return left

    def _left(self, ends: Mapping[int, int]) -> int:
        return sum(max(0, end - self._consumer.position(TopicPartition(self._topic, p))) for p, end in ends.items())


def reason_of(record: Record) -> str:
    """The reason in the record's headers, or UNKNOWN."""
    found = dict(record.headers).get(DeadLetterHeader.REASON, b"").decode(errors="replace")
    return found if found in set(DeadLetterReason) else UNKNOWN

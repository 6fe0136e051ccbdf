"""Reads topics from the first to the last record, without a consumer group."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from time import monotonic

from kafka import KafkaConsumer
from kafka.structs import TopicPartition

from recruit_assets.runtime.errors import StoreUnavailable
from recruit_assets.runtime.settings import Settings
from recruit_assets.stores.kafka.clients import open_admin, open_consumer, translated_errors
from recruit_assets.stores.kafka.offsets import (
    PartitionSpan,
    beginning_offsets,
    end_offsets,
    partition_spans,
    topic_partitions,
)
from recruit_assets.stores.kafka.record import Record
from recruit_assets.stores.kafka.topics import identify

POLL_MS = 1_000
STALL_S = 60
"""A topic that should have more records but returns none for this long counts as unavailable."""


class TopicReader:
    """Reads with one consumer, to which partitions are assigned by hand."""

    def __init__(self, consumer: KafkaConsumer, settings: Settings) -> None:
        self._consumer = consumer
        self._settings = settings

    def spans(self) -> tuple[PartitionSpan, ...]:
        """The event topic's offsets now, partition by partition."""
        with open_admin(self._settings) as admin:
            return partition_spans(admin, self._settings)

    def topic_id(self) -> str:
        """The event topic's id: one that is deleted and made anew gets another."""
        with open_admin(self._settings) as admin:
            return identify(admin, self._settings.kafka_topic).topic_id

    def first_times_ms(self, topic: str) -> list[int]:
        """The time of each partition's first record; nothing for empty partitions."""
        with translated_errors(f"first records of topic {topic}"):
            found = self._consumer.offsets_for_times(dict.fromkeys(topic_partitions(self._consumer, topic), 0))
        return [record.timestamp for record in found.values() if record is not None]

    def records_at(self, topic: str, time_ms: int) -> Iterator[Record]:
        """The records of this millisecond."""
        firsts, ends = (self._offsets_since(topic, at_ms) for at_ms in (time_ms, time_ms + 1))
        for _, records in self.records(topic, firsts=firsts, ends=ends):
            yield from records

    def _offsets_since(self, topic: str, time_ms: int) -> dict[int, int]:
        """By partition, the offset of its first record since then, or its end."""
        ends = end_offsets(self._consumer, topic)
        with translated_errors(f"offsets of topic {topic}"):
            found = self._consumer.offsets_for_times({TopicPartition(topic, partition): time_ms for partition in ends})
        since = {tp.partition: record.offset for tp, record in found.items() if record is not None}
        return {partition: min(since.get(partition, end), end) for partition, end in ends.items()}

    def offsets(self, topic: str) -> tuple[Mapping[int, int], Mapping[int, int]]:
        """First and end offsets of a topic, by partition."""
        return beginning_offsets(self._consumer, topic), end_offsets(self._consumer, topic)

    def records(
        self, topic: str, *, firsts: Mapping[int, int], ends: Mapping[int, int]
    ) -> Iterator[tuple[int, Sequence[Record]]]:
        """(partition, its next records) from the first offsets up to the end ones.

        Skips offsets without a record: transaction markers, compacted or aborted records. StoreUnavailable if the topic
        returns nothing for STALL_S before the end is reached.
        """
        consumer = self._consumer
        unread = {TopicPartition(topic, partition) for partition in ends if firsts[partition] < ends[partition]}
        consumer.assign(sorted(unread))
        consumer.resume(*unread)  # an earlier call has paused what it had read
        for tp in unread:
            consumer.seek(tp, firsts[tp.partition])
        positions, moved_at = {tp: firsts[tp.partition] for tp in unread}, monotonic()
        while unread:
            with translated_errors(f"read topic {topic}"):
                fetched = consumer.poll(timeout_ms=POLL_MS)
                # without a limit it waits for ever for the new position in a topic that was deleted or made anew
                found = {tp: consumer.position(tp, timeout_ms=POLL_MS) for tp in unread}
            reached = {tp: positions[tp] if at is None else at for tp, at in found.items()}
            for tp, records in fetched.items():
                if tp in unread:
                    yield tp.partition, [record for record in records if record.offset < ends[tp.partition]]
            if reached != positions:
                positions, moved_at = reached, monotonic()
            elif monotonic() - moved_at > STALL_S:
                raise _stalled(topic, positions, ends)
            read = {tp for tp in unread if reached[tp] >= ends[tp.partition]}
            consumer.pause(*read)
            unread -= read


@contextmanager
def open_topic_reader(settings: Settings) -> Iterator[TopicReader]:
    """A reader, closed on exit."""
    consumer = open_consumer(settings, group=None, client_id="recruit_audit")
    try:
        yield TopicReader(consumer, settings)
    finally:
        consumer.close(autocommit=False)


def _stalled(topic: str, positions: Mapping[TopicPartition, int], ends: Mapping[int, int]) -> StoreUnavailable:
    places = ", ".join(f"{tp.partition} at {at} of {ends[tp.partition]}" for tp, at in sorted(positions.items()))
    return StoreUnavailable(f"Kafka topic {topic} returned nothing for {STALL_S} s; partitions {places}")

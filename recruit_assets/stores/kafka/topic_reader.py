"""Reads topics from first to last record, as a member of no group."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from time import monotonic

from kafka import KafkaConsumer
from kafka.structs import TopicPartition

from recruit_assets.runtime.errors import StoreUnavailable
from recruit_assets.runtime.settings import Settings
from recruit_assets.stores.kafka.clients import open_admin, open_consumer, translated_errors
from recruit_assets.stores.kafka.group_member import Record
from recruit_assets.stores.kafka.offsets import beginning_offsets, committed_offsets, end_offsets

POLL_MS = 1_000
STALL_S = 60
"""A topic that gives nothing for so long while it holds more is taken for unavailable."""


@dataclass(frozen=True, slots=True)
class PartitionSpan:
    """What a partition of the event topic holds (first to end - 1), and what the ingest group has committed of it."""

    partition: int
    first: int
    end: int
    committed: int | None

    @property
    def uncommitted(self) -> int:
        """Offsets that the group has yet to commit; transaction markers are among them."""
        return max(0, self.end - max(self.first, self.committed or 0))

    @property
    def dropped(self) -> int:
        """Offsets that the topic dropped before the group had committed them; none for a group that never began."""
        return 0 if self.committed is None else max(0, self.first - self.committed)


class TopicReader:
    """Reads topics from their beginning, as a member of no group."""

    def __init__(self, consumer: KafkaConsumer, settings: Settings) -> None:
        self._consumer = consumer
        self._settings = settings

    def spans(self) -> tuple[PartitionSpan, ...]:
        """What the event topic holds now, partition by partition."""
        with open_admin(self._settings) as admin:
            committed = committed_offsets(admin, self._settings)
        # asked for last: a commit that is read after its end would hide a lag
        firsts, ends = self.offsets(self._settings.kafka_topic)
        return tuple(PartitionSpan(p, firsts[p], ends[p], committed.get(p)) for p in sorted(ends))

    def offsets(self, topic: str) -> tuple[Mapping[int, int], Mapping[int, int]]:
        """First and end offsets of a topic, by partition."""
        return beginning_offsets(self._consumer, topic), end_offsets(self._consumer, topic)

    def records(
        self, topic: str, *, firsts: Mapping[int, int], ends: Mapping[int, int]
    ) -> Iterator[tuple[int, Sequence[Record]]]:
        """(partition, its next records) from the first offsets up to the end ones.

        Offsets without a record (transaction markers, compacted or aborted records) are passed by. StoreUnavailable
        when the topic gives nothing for STALL_S while it holds more.
        """
        consumer = self._consumer
        unread = {TopicPartition(topic, partition) for partition in ends if firsts[partition] < ends[partition]}
        consumer.assign(sorted(unread))
        for tp in unread:
            consumer.seek(tp, firsts[tp.partition])
        positions, moved_at = {tp: firsts[tp.partition] for tp in unread}, monotonic()
        while unread:
            with translated_errors(f"read topic {topic}"):
                fetched = consumer.poll(timeout_ms=POLL_MS)
                reached = {tp: consumer.position(tp) for tp in unread}
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
    """A reader that is closed on leaving."""
    consumer = open_consumer(settings, group=None, client_id="recruit_audit")
    try:
        yield TopicReader(consumer, settings)
    finally:
        consumer.close(autocommit=False)


def _stalled(topic: str, positions: Mapping[TopicPartition, int], ends: Mapping[int, int]) -> StoreUnavailable:
    places = ", ".join(f"{tp.partition} at {at} of {ends[tp.partition]}" for tp, at in sorted(positions.items()))
    return StoreUnavailable(f"Kafka topic {topic} gave nothing for {STALL_S} s; partitions {places}")

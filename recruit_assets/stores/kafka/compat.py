"""Everything we need of kafka-python that its public API doesn't offer.

Checked with CHECKED_WITH. After an upgrade, `unit/stores/kafka/test_compat.py` shows what has changed.
"""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache, wraps
from itertools import islice

from kafka import KafkaConsumer
from kafka.consumer.fetcher import ConsumerRecord, Fetcher
from kafka.errors import CorruptRecordError, SaslAuthenticationFailedError, UnsupportedSaslMechanismError
from kafka.record.abc import ABCRecordBatch
from kafka.record.default_records import (
    DefaultRecord,
    DefaultRecordBatch,
    DefaultRecordBatchBuilder,
    DefaultRecordMetadata,
)
from kafka.record.memory_records import MemoryRecords
from kafka.structs import OffsetAndMetadata, TopicPartition

from recruit_assets.stores.kafka.decompression import UNREADABLE, unpacked
from recruit_assets.stores.kafka.record_batches import batch_records

CHECKED_WITH = {"kafka-python": "3.0.12"}

CONNECTION_LOGGER = "kafka.net.manager"
POLL_BYTES = 16 * 1024 * 1024
"""What one poll() returns, at most one record more."""
_REFUSALS = (SaslAuthenticationFailedError, UnsupportedSaslMechanismError)


@contextmanager
def refused_logins() -> Iterator[list[BaseException]]:
    """The list of logins that brokers refuse inside the block.

    The client only logs a refusal, and tries again until its timeout. Over TLS it often loses the reason, and logs a
    lost connection instead.
    """
    handler, logger = _Refusals(), logging.getLogger(CONNECTION_LOGGER)
    logger.addHandler(handler)
    try:
        yield handler.found
    finally:
        logger.removeHandler(handler)


def request_rejoin(consumer: KafkaConsumer) -> None:
    """Have the consumer join its group again in the next poll(), and in those after it until the group has answered."""
    consumer._coordinator.request_rejoin()


@cache
def allow_nulls() -> None:
    """Let every producer of this process send NULL as null, which brokers take and the client can only read."""
    append = DefaultRecordBatchBuilder.append

    @wraps(append)
    def append_with_nulls(
        builder: DefaultRecordBatchBuilder,
        offset: int,
        timestamp: int,
        key: bytes | None,
        value: bytes | None,
        headers: list[tuple[str, bytes | None]],
    ) -> DefaultRecordMetadata:
        headers = [(name, None if found is NULL else found) for name, found in headers]
        return append(builder, offset, timestamp, None if key is NULL else key, value, headers)

    DefaultRecordBatchBuilder.append = append_with_nulls


NULL = bytes(bytearray(b"null"))
"""Stands for null, as a key or a header's value, where the client takes bytes only: this very object."""


def read_in_bounded_memory(consumer: KafkaConsumer) -> None:
    """Have the consumer unpack batches piece by piece, and return at most POLL_BYTES per poll()."""
    consumer._fetcher.__class__ = BoundedFetcher


class BoundedRecords(Fetcher.PartitionRecords):  # type: ignore[misc]  # kafka-python has no types
    """The records of one partition in a fetch."""

    room = POLL_BYTES

    def take(self, n: int | None = None) -> list[ConsumerRecord]:
        """The next records: n, or fewer if they fill the room.

        After an error the next poll() fetches again. With the client's own method, it never returns.
        """
        records: list[ConsumerRecord] = []
        full = self.bytes_read + self.room
        try:
            self._maybe_raise_next_inline_exception()
            for record in islice(self.record_iterator, n):
                records.append(record)
                if self.bytes_read >= full:
                    break
        except (CorruptRecordError, *UNREADABLE) as error:
            if not records:
                self.drain()
                raise self._unreadable(error) from error
            self._next_inline_exception = error
        return records

    def _unreadable(self, error: Exception) -> CorruptRecordError:
        topic, partition = self.topic_partition
        return CorruptRecordError(
            f"{topic}/{partition} can't be read at offset {self.next_fetch_offset}: {error}. If this stays so, the "
            "broker's log is damaged: move the group's offset past this batch, whose records are lost"
        )

    def _unpack_records(
        self, tp: TopicPartition, records: MemoryRecords, *deserializers: object
    ) -> Iterator[ConsumerRecord]:
        found: Iterator[ConsumerRecord] = super()._unpack_records(tp, _Batches(records), *deserializers)
        return found


class BoundedFetcher(Fetcher):  # type: ignore[misc]
    """The client's fetcher, with our reader of batches and a limit in bytes.

    The client's own unpacks a batch at once, whatever its size, and counts only records.
    """

    PartitionRecords = BoundedRecords

    def fetched_records(
        self, max_records: int | None = None, update_offsets: bool = True
    ) -> tuple[dict[TopicPartition, list[ConsumerRecord]], bool]:
        self._room = POLL_BYTES
        found: tuple[dict[TopicPartition, list[ConsumerRecord]], bool]
        found = super().fetched_records(max_records, update_offsets)
        return found

    def _append(
        self,
        drained: dict[TopicPartition, list[ConsumerRecord]],
        part: BoundedRecords,
        max_records: int,
        update_offsets: bool,
    ) -> int:
        """The number of records appended; max_records, which ends the poll(), when the room is used up."""
        part.room, read = self._room, part.bytes_read
        taken: int = super()._append(drained, part, max_records, update_offsets)
        self._room -= part.bytes_read - read
        return taken if self._room > 0 else max_records


class _Batches:
    """A fetch's batches, those of format 2 with our reader. Brokers before 4.0 may still have older ones."""

    def __init__(self, records: MemoryRecords) -> None:
        self._records = records

    def next_batch(self) -> ABCRecordBatch | None:
        batch = self._records.next_batch()
        if isinstance(batch, DefaultRecordBatch):
            batch.__class__ = _Batch  # which only adds methods
        return batch


class _Batch(DefaultRecordBatch):  # type: ignore[misc]
    """A batch that yields its records without holding them all."""

    __slots__ = ()

    def __iter__(self) -> Iterator[DefaultRecord]:
        content = bytes(memoryview(self._buffer)[self._pos :])
        first_offset, first_time, time_type = self.base_offset, self.first_timestamp, self.timestamp_type
        appended_at = self.max_timestamp if time_type == self.LOG_APPEND_TIME else None
        for record in batch_records(unpacked(content, self.compression_type), self.records_count):
            yield DefaultRecord(
                record.cost_bytes,
                first_offset + record.offset,
                first_time + record.time if appended_at is None else appended_at,
                time_type,
                record.key,
                record.value,
                record.headers,
            )


def known_topic_id(consumer: KafkaConsumer, topic: str) -> str | None:
    """The topic's id as of the consumer's last metadata; None if the topic didn't exist then.

    A topic that is deleted and made anew gets another id (KIP-516). The client keeps the positions of the old one.
    """
    found = consumer._cluster.topic_id(topic)
    return None if found is None else str(found)


def seek_with_epoch(consumer: KafkaConsumer, tp: TopicPartition, commit: OffsetAndMetadata) -> None:
    """Seek to a committed offset, keeping the leader epoch of its last record; ValueError if it isn't assigned.

    position() then asks the broker whether that record is still there, and is set back if it isn't (KIP-320). The
    public seek() takes no epoch, and the client forgets that of a commit.
    """
    if tp not in consumer.assignment():
        raise ValueError(f"{tp} isn't assigned")
    consumer._subscription.seek(tp, OffsetAndMetadata(commit.offset, "", commit.leader_epoch))


class _Refusals(logging.Handler):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[BaseException] = []

    def emit(self, record: logging.LogRecord) -> None:
        arguments = record.args if isinstance(record.args, tuple) else ()
        self.found += [argument for argument in arguments if isinstance(argument, _REFUSALS)]

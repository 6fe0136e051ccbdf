"""Offsets of the topics and of the ingest group, and the lag between them."""

from collections.abc import Callable, Iterable, Mapping
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TypeVar

from kafka import KafkaAdminClient, KafkaConsumer
from kafka.errors import GroupIdNotFoundError, KafkaError
from kafka.structs import OffsetAndMetadata, TopicPartition
from tenacity import Retrying, retry_if_exception, retry_if_result, stop_after_delay, wait_fixed

from recruit_assets.runtime.errors import StoreUnavailable
from recruit_assets.runtime.settings import Settings
from recruit_assets.stores.kafka.clients import REQUEST_TIMEOUT_MS, open_admin, open_consumer, translated_errors

RETRY_S = 0.25
UNKNOWN_TOPIC_S = 5
"""A new topic takes a moment to be known to every broker, and to a client that asked before."""

Answer = TypeVar("Answer")


@dataclass(frozen=True, slots=True)
class PartitionSpan:
    """The offsets that a partition of the event topic holds (first to end - 1), and the ingest group's commit in it."""

    partition: int
    first: int
    end: int
    committed: int | None

    @property
    def uncommitted(self) -> int:
        """Offsets that the group hasn't committed yet, transaction markers included."""
        return max(0, self.end - max(self.first, self.committed or 0))

    @property
    def dropped(self) -> int:
        """Offsets that retention deleted before the group committed them; 0 for a group without a commit."""
        return 0 if self.committed is None else max(0, self.first - self.committed)


@dataclass(frozen=True, slots=True)
class PartitionBacklog:
    """A partition's offsets from before a moment: how many aren't committed, and how many retention deleted first."""

    partition: int
    uncommitted: int
    dropped: int


def partition_spans(admin: KafkaAdminClient, consumer: KafkaConsumer, settings: Settings) -> tuple[PartitionSpan, ...]:
    """The event topic's partitions now; StoreUnavailable if a request to Kafka fails."""
    committed = committed_offsets(admin, settings)
    # read after the commits: the other way round, a commit in between would hide a lag
    firsts, ends = beginning_offsets(consumer, settings.kafka_topic), end_offsets(consumer, settings.kafka_topic)
    return tuple(PartitionSpan(p, firsts[p], ends[p], committed.get(p)) for p in sorted(ends))


def uncommitted_records(settings: Settings) -> int:
    """The lag of the ingest group: an upper bound of its uncommitted records, since transaction markers count too."""
    with open_admin(settings) as admin, _open_lag_consumer(settings) as consumer:
        return sum(span.uncommitted for span in partition_spans(admin, consumer, settings))


def backlog_before(settings: Settings, moment: datetime) -> tuple[PartitionBacklog, ...]:
    """The part of the lag that was in the event topic before the moment."""
    with open_admin(settings) as admin, _open_lag_consumer(settings) as consumer:
        spans = partition_spans(admin, consumer, settings)
        ends = _ends_before(consumer, settings.kafka_topic, moment, spans)
    before = [replace(span, end=ends[span.partition]) for span in spans]
    return tuple(PartitionBacklog(span.partition, span.uncommitted, span.dropped) for span in before)


def _ends_before(
    consumer: KafkaConsumer, topic: str, moment: datetime, spans: Iterable[PartitionSpan]
) -> dict[int, int]:
    """By partition, the offset of its first record since the moment, or its end."""
    moment_ms = round(moment.timestamp() * 1000)
    with translated_errors(f"offsets of topic {topic} at {moment}"):
        found = consumer.offsets_for_times({TopicPartition(topic, span.partition): moment_ms for span in spans})
    since = {tp.partition: record.offset for tp, record in found.items() if record is not None}
    return {span.partition: since.get(span.partition, span.end) for span in spans}


def _open_lag_consumer(settings: Settings) -> "closing[KafkaConsumer]":
    return closing(open_consumer(settings, group=None, client_id="recruit_lag"))


def topic_partitions(consumer: KafkaConsumer, topic: str) -> list[TopicPartition]:
    """All partitions; StoreUnavailable if the topic is unknown: an empty answer would look like an empty topic."""
    known = Retrying(
        retry=retry_if_result(lambda found: not found),
        stop=stop_after_delay(UNKNOWN_TOPIC_S),
        wait=wait_fixed(RETRY_S),
        retry_error_callback=lambda _: set(),
    )
    with translated_errors(f"partitions of topic {topic}"):
        found = known(consumer.partitions_for_topic, topic)
    if not found:
        raise StoreUnavailable(f"Kafka topic {topic} doesn't exist. Run `recruit-assets schema apply`")
    return [TopicPartition(topic, partition) for partition in sorted(found)]


def end_offsets(consumer: KafkaConsumer, topic: str) -> dict[int, int]:
    """By partition: the offset after the last readable record."""
    with translated_errors(f"end offsets of topic {topic}"):
        ends = consumer.end_offsets(topic_partitions(consumer, topic))
    return {tp.partition: offset for tp, offset in ends.items()}


def beginning_offsets(consumer: KafkaConsumer, topic: str) -> dict[int, int]:
    """By partition: the offset of the first record still in the topic."""
    with translated_errors(f"first offsets of topic {topic}"):
        firsts = consumer.beginning_offsets(topic_partitions(consumer, topic))
    return {tp.partition: offset for tp, offset in firsts.items()}


def committed_offsets(admin: KafkaAdminClient, settings: Settings) -> dict[int, int]:
    """By partition: the offset that the ingest group has committed. Partitions without a commit are absent."""
    with translated_errors(f"offsets of group {settings.kafka_group}"):
        groups = _patiently(lambda: admin.list_group_offsets({settings.kafka_group: None}))
    offsets: Mapping[TopicPartition, OffsetAndMetadata] = groups.get(settings.kafka_group, {})
    return {
        tp.partition: found.offset
        for tp, found in offsets.items()
        if tp.topic == settings.kafka_topic and found.offset >= 0
    }


def group_members(admin: KafkaAdminClient, settings: Settings) -> int:
    """The number of consumers in the ingest group; 0 for a group that nobody ever joined."""
    with translated_errors(f"members of group {settings.kafka_group}"):
        try:
            described = _patiently(lambda: admin.describe_groups([settings.kafka_group]))
        except GroupIdNotFoundError:
            return 0
    return len(described[settings.kafka_group]["members"])


def _patiently(ask: Callable[[], Answer]) -> Answer:
    """The answer; retriable errors are retried, since a group's coordinator takes a moment to be ready."""
    tries = Retrying(
        retry=retry_if_exception(lambda error: isinstance(error, KafkaError) and bool(error.retriable)),
        stop=stop_after_delay(REQUEST_TIMEOUT_MS / 1000),
        wait=wait_fixed(RETRY_S),
        reraise=True,
    )
    answer: Answer = tries(ask)
    return answer

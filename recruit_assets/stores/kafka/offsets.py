"""Offsets of a topic and of the ingest group, and the lag between them."""

from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from kafka import KafkaAdminClient, KafkaConsumer
from kafka.errors import GroupIdNotFoundError, KafkaError
from kafka.structs import OffsetAndMetadata, TopicPartition
from tenacity import Retrying, retry_if_exception, retry_if_result, stop_after_delay, wait_fixed

from recruit_assets.runtime.errors import StoreUnavailable
from recruit_assets.runtime.settings import Settings
from recruit_assets.stores.kafka.clients import REQUEST_TIMEOUT_MS, open_admin, open_consumer, translated_errors


@dataclass(frozen=True, slots=True)
class Backlog:
    """Offsets of a partition that hold records from before a moment and aren't committed, or were dropped."""

    partition: int
    uncommitted: int
    dropped: int


def backlog_before(settings: Settings, moment: datetime) -> tuple[Backlog, ...]:
    """What the ingest group hasn't committed of the records that the event topic got before then."""
    topic = settings.kafka_topic
    consumer = open_consumer(settings, group=None)
    try:
        firsts, ends = beginning_offsets(consumer, topic), end_offsets(consumer, topic)
        with translated_errors(f"offsets of topic {topic} at {moment}"):
            since = consumer.offsets_for_times(
                {TopicPartition(topic, partition): round(moment.timestamp() * 1000) for partition in ends}
            )
    finally:
        consumer.close(autocommit=False)
    with open_admin(settings) as admin:
        committed = committed_offsets(admin, settings)
    before = {tp.partition: ends[tp.partition] if found is None else found.offset for tp, found in since.items()}
    return tuple(
        Backlog(
            partition=partition,
            uncommitted=max(0, end - max(firsts[partition], committed.get(partition, 0))),
            dropped=max(0, firsts[partition] - committed.get(partition, firsts[partition])),
        )
        for partition, end in sorted(before.items())
    )


RETRY_S = 0.25
UNKNOWN_TOPIC_S = 5
"""A topic that was just created isn't known to every broker, or to a client that asked a moment before."""

Answer = TypeVar("Answer")


def topic_partitions(consumer: KafkaConsumer, topic: str) -> list[TopicPartition]:
    """All partitions; StoreUnavailable when the topic isn't known, since no partitions would read as no records."""
    known = Retrying(
        retry=retry_if_result(lambda found: not found),
        stop=stop_after_delay(UNKNOWN_TOPIC_S),
        wait=wait_fixed(RETRY_S),
        retry_error_callback=lambda _: set(),
    )
    with translated_errors(f"partitions of topic {topic}"):
        found = known(consumer.partitions_for_topic, topic)
    if not found:
        raise StoreUnavailable(f"Kafka topic {topic} isn't there. Run `recruit-assets schema apply`")
    return [TopicPartition(topic, partition) for partition in sorted(found)]


def end_offsets(consumer: KafkaConsumer, topic: str) -> dict[int, int]:
    """Per partition, the offset after its last readable record."""
    with translated_errors(f"end offsets of topic {topic}"):
        ends = consumer.end_offsets(topic_partitions(consumer, topic))
    return {tp.partition: offset for tp, offset in ends.items()}


def beginning_offsets(consumer: KafkaConsumer, topic: str) -> dict[int, int]:
    """Per partition, the offset of the first record that the topic still holds."""
    with translated_errors(f"first offsets of topic {topic}"):
        firsts = consumer.beginning_offsets(topic_partitions(consumer, topic))
    return {tp.partition: offset for tp, offset in firsts.items()}


def committed_offsets(admin: KafkaAdminClient, settings: Settings) -> dict[int, int]:
    """What the ingest group has committed, per partition; one without a commit is absent."""
    with translated_errors(f"offsets of group {settings.kafka_group}"):
        groups = _patiently(lambda: admin.list_group_offsets({settings.kafka_group: None}))
    offsets: Mapping[TopicPartition, OffsetAndMetadata] = groups.get(settings.kafka_group, {})
    return {
        tp.partition: found.offset
        for tp, found in offsets.items()
        if tp.topic == settings.kafka_topic and found.offset >= 0
    }


def group_members(admin: KafkaAdminClient, settings: Settings) -> int:
    """How many consumers the ingest group has; 0 also for a group that nobody ever joined."""
    with translated_errors(f"members of group {settings.kafka_group}"):
        try:
            described = _patiently(lambda: admin.describe_groups([settings.kafka_group]))
        except GroupIdNotFoundError:
            return 0
    return len(described[settings.kafka_group]["members"])


def _patiently(ask: Callable[[], Answer]) -> Answer:
    """The answer, asked for again while the broker says that it will have one: a group's coordinator takes a moment."""
    tries = Retrying(
        retry=retry_if_exception(lambda error: isinstance(error, KafkaError) and bool(error.retriable)),
        stop=stop_after_delay(REQUEST_TIMEOUT_MS / 1000),
        wait=wait_fixed(RETRY_S),
        reraise=True,
    )
    answer: Answer = tries(ask)
    return answer


def uncommitted_records(settings: Settings) -> int:
    """Offsets between what the group committed and the topic's end; StoreUnavailable when Kafka can't say.

    An upper bound of the records: offsets of transaction markers are among them. Joins no group.
    """
    with open_admin(settings) as admin:
        committed = committed_offsets(admin, settings)
    with closing(open_consumer(settings, group=None, client_id="recruit_lag")) as consumer:
        firsts = beginning_offsets(consumer, settings.kafka_topic)
        ends = end_offsets(consumer, settings.kafka_topic)
    return sum(max(0, end - max(committed.get(p, 0), firsts[p])) for p, end in ends.items())

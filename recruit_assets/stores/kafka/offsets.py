"""Offsets of the topics and of the ingest group, and the lag between them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from kafka import IsolationLevel, KafkaAdminClient, KafkaConsumer, OffsetSpec
from kafka.errors import GroupIdNotFoundError, KafkaError
from kafka.structs import OffsetAndMetadata, TopicPartition
from tenacity import Retrying, retry_if_exception, retry_if_result, stop_after_delay, wait_fixed

from recruit_assets.runtime.errors import StoreUnavailable
from recruit_assets.runtime.settings import Settings
from recruit_assets.stores.kafka.clients import CLIENT_ID, REQUEST_TIMEOUT_MS, open_admin, translated_errors
from recruit_assets.stores.kafka.commit_label import CommitLabel, Owner, require_own_group
from recruit_assets.stores.kafka.topics import RETRY_S, UNKNOWN_TOPIC_S, identify

Answer = TypeVar("Answer")


@dataclass(frozen=True, slots=True)
class PartitionSpan:
    """The offsets that a partition of the event topic holds (first to end - 1), and the ingest group's commit in it.

    The last `hidden` of them can't be read yet: they lie behind the first record of an open transaction.
    """

    partition: int
    first: int
    end: int
    committed: int | None
    hidden: int = 0

    @property
    def readable_end(self) -> int:
        return self.end - self.hidden

    @property
    def position(self) -> int:
        """Where the group reads on. A commit beyond the end is of records that are gone: everything is read again."""
        if self.committed is None or self.is_beyond_end:
            return self.first
        return max(self.first, self.committed)

    @property
    def uncommitted(self) -> int:
        """Offsets that the group hasn't committed yet, hidden ones and transaction markers included."""
        return self.end - self.position

    @property
    def is_beyond_end(self) -> bool:
        """Whether the group has committed offsets that the partition has lost."""
        return self.committed is not None and self.committed > self.end

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


def partition_spans(admin: KafkaAdminClient, settings: Settings, *, keyspace_id: str = "") -> tuple[PartitionSpan, ...]:
    """The event topic's partitions now; StoreUnavailable if a request to Kafka fails."""
    topic = identify(admin, settings.kafka_topic)
    label = CommitLabel(topic.topic_id, Owner(settings.cassandra_keyspace, keyspace_id))
    committed = _covered_by(label, group_commits(admin, settings))
    # read after the commits: the other way round, a commit in between would hide a lag
    readable = _offsets(admin, settings.kafka_topic, topic.partitions, OffsetSpec.LATEST, committed_only=True)
    ends = _offsets(admin, settings.kafka_topic, topic.partitions, OffsetSpec.LATEST)
    firsts = _offsets(admin, settings.kafka_topic, topic.partitions, OffsetSpec.EARLIEST)
    if identify(admin, settings.kafka_topic).topic_id != topic.topic_id:
        # made anew meanwhile: these numbers are of two topics
        return partition_spans(admin, settings, keyspace_id=keyspace_id)
    return tuple(
        PartitionSpan(p, firsts[p], ends[p], committed.get(p), hidden=max(0, ends[p] - readable[p]))
        for p in topic.partitions
    )


def _offsets(
    admin: KafkaAdminClient, topic: str, partitions: tuple[int, ...], spec: OffsetSpec, *, committed_only: bool = False
) -> dict[int, int]:
    isolation = IsolationLevel.READ_COMMITTED if committed_only else IsolationLevel.READ_UNCOMMITTED
    wanted = {TopicPartition(topic, partition): spec for partition in partitions}
    with translated_errors(f"offsets of topic {topic}"):
        found = _patiently(lambda: admin.list_partition_offsets(wanted, isolation_level=isolation))
    return {tp.partition: each.offset for tp, each in found.items()}


def uncommitted_records(settings: Settings, *, keyspace_id: str = "") -> int:
    """The lag of the ingest group: an upper bound of its uncommitted records, since transaction markers count too.

    UserError if the group is that of another keyspace: its lag says nothing about ours.
    """
    with open_admin(settings) as admin:
        require_own_group(group_commits(admin, settings), Owner(settings.cassandra_keyspace, keyspace_id), settings)
        return sum(span.uncommitted for span in partition_spans(admin, settings, keyspace_id=keyspace_id))


def backlog_before(settings: Settings, moment: datetime) -> tuple[PartitionBacklog, ...]:
    """The part of the lag that was in the event topic before the moment."""
    with open_admin(settings) as admin:
        spans = partition_spans(admin, settings)
        ends = {span.partition: span.end for span in spans}
        since = _first_offsets_since(admin, settings.kafka_topic, moment, ends)
    return tuple(
        PartitionBacklog(span.partition, max(0, min(span.end, since[span.partition]) - span.position), span.dropped)
        for span in spans
    )


def records_since(admin: KafkaAdminClient, topic: str, moment: datetime) -> int:
    """The offsets that the topic has got since the moment, transaction markers included."""
    ends = _offsets(admin, topic, identify(admin, topic).partitions, OffsetSpec.LATEST)
    since = _first_offsets_since(admin, topic, moment, ends)
    return sum(max(0, end - since[partition]) for partition, end in ends.items())


def _first_offsets_since(
    admin: KafkaAdminClient, topic: str, moment: datetime, ends: Mapping[int, int]
) -> dict[int, int]:
    """By partition, the offset of its first record since the moment, or its end."""
    wanted = {TopicPartition(topic, partition): round(moment.timestamp() * 1000) for partition in ends}
    with translated_errors(f"offsets of topic {topic} at {moment}"):
        found = _patiently(lambda: admin.list_partition_offsets(wanted))
    since = {tp.partition: each.offset for tp, each in found.items() if each.offset >= 0}
    return {partition: since.get(partition, end) for partition, end in ends.items()}


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


def group_commits(admin: KafkaAdminClient, settings: Settings) -> dict[int, OffsetAndMetadata]:
    """By partition of the event topic: the ingest group's commit as Kafka has it. Those without one are absent."""
    with translated_errors(f"offsets of group {settings.kafka_group}"):
        groups = _patiently(lambda: admin.list_group_offsets({settings.kafka_group: None}))
    commits: Mapping[TopicPartition, OffsetAndMetadata] = groups.get(settings.kafka_group, {})
    return {
        tp.partition: found for tp, found in commits.items() if tp.topic == settings.kafka_topic and found.offset >= 0
    }


def committed_offsets(admin: KafkaAdminClient, settings: Settings) -> dict[int, int]:
    """By partition: the offset that ingest into our keyspace has committed of this topic, not of one deleted since."""
    label = CommitLabel(identify(admin, settings.kafka_topic).topic_id, Owner(settings.cassandra_keyspace))
    return _covered_by(label, group_commits(admin, settings))


def _covered_by(label: CommitLabel, commits: Mapping[int, OffsetAndMetadata]) -> dict[int, int]:
    return {partition: commit.offset for partition, commit in commits.items() if label.covers(commit)}


def group_members(admin: KafkaAdminClient, settings: Settings) -> int:
    """The number of consumers in the ingest group; 0 for a group that nobody ever joined.

    1 stands for any number in a group of the new protocol (KIP-848), whose members this client can't list.
    """
    members = _described_members(admin, settings)
    return len(members) if members is not None else 1


def foreign_members(admin: KafkaAdminClient, settings: Settings) -> tuple[str, ...]:
    """Consumers in the ingest group that aren't ingest, in words; they take a share of the partitions."""
    members = _described_members(admin, settings)
    if members is None:
        return ("consumers of the new protocol (group.protocol=consumer)",)
    return tuple(
        f"client {one['client_id']} on host {one['client_host'].lstrip('/')}"
        for one in members
        if one["client_id"] != CLIENT_ID
    )


def _described_members(admin: KafkaAdminClient, settings: Settings) -> list[dict[str, str]] | None:
    """The members of a classic group; None if the group has members of the new protocol."""
    group = settings.kafka_group
    with translated_errors(f"members of group {group}"):
        try:
            members: list[dict[str, str]] = _patiently(lambda: admin.describe_groups([group]))[group]["members"]
        except GroupIdNotFoundError:
            members = []
        if members:
            return members
        # a group of another type is answered as if it didn't exist
        listed = [one for one in _patiently(admin.list_groups) if one["group_id"] == group]
    others = [
        one
        for one in listed
        if one.get("group_type", "classic") != "classic" and one["group_state"] not in ("Empty", "Dead")
    ]
    return None if others else []


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

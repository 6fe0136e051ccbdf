"""Asks the broker what the assigned partitions hold, and whether the records before the commits are still there."""

from collections.abc import Mapping

from kafka import KafkaConsumer
from kafka.structs import OffsetAndMetadata, TopicPartition

from recruit_assets.stores.kafka.commit_label import CommitLabel
from recruit_assets.stores.kafka.compat import seek_with_epoch
from recruit_assets.stores.kafka.starting_point import PartitionLog

POSITION_TIMEOUT_MS = 10_000

Commits = Mapping[TopicPartition, OffsetAndMetadata | None]


def read_logs(
    consumer: KafkaConsumer, commits: Commits, label: CommitLabel, *, cuts: Mapping[TopicPartition, int]
) -> dict[TopicPartition, PartitionLog]:
    """The partitions of the commits; `cuts` are offsets where the client has found a log cut off since.

    Moves the consumer's positions to those in the result. ValueError if a partition isn't assigned any more.
    """
    firsts = consumer.beginning_offsets(list(commits)) if commits else {}
    ends = consumer.end_offsets(list(commits)) if commits else {}
    logs: dict[TopicPartition, PartitionLog] = {}
    for tp, commit in commits.items():
        position = _validated(consumer, tp, commit) if commit is not None and label.covers(commit) else None
        known = [at for at in (position, cuts.get(tp)) if at is not None]
        logs[tp] = PartitionLog(tp.topic, tp.partition, firsts[tp], ends[tp], position=min(known, default=None))
    return logs


def _validated(consumer: KafkaConsumer, tp: TopicPartition, commit: OffsetAndMetadata) -> int | None:
    """The position after a seek to the commit: before it if the log was cut off; None if that can't be known."""
    if commit.leader_epoch < 0:
        return None
    seek_with_epoch(consumer, tp, commit)
    position: int | None = consumer.position(tp, timeout_ms=POSITION_TIMEOUT_MS)
    if position is None:
        # the broker knows nothing of that epoch: the client goes to the first offset, for which this call waits
        position = consumer.position(tp, timeout_ms=POSITION_TIMEOUT_MS)
    return position

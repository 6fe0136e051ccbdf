"""One member of the ingest group: polls records, commits offsets, and notices rebalances.

A partition that stays with the member through a rebalance keeps its in-memory position, and a rebalance listener can't
commit (kafka-python 3.0.12). So a rebalance is only noted; the owner drops what it hasn't committed and calls `resume`.
"""

from dataclasses import dataclass
from typing import Protocol

from kafka import ConsumerRebalanceListener, KafkaConsumer
from kafka.errors import (
    CommitFailedError,
    IllegalGenerationError,
    KafkaError,
    KafkaTimeoutError,
    RebalanceInProgressError,
    UnknownMemberIdError,
)
from kafka.structs import OffsetAndMetadata, TopicPartition

from recruit_assets.runtime.errors import StoreUnavailable
from recruit_assets.runtime.settings import Settings
from recruit_assets.stores.kafka.clients import open_consumer, translated_errors
from recruit_assets.stores.kafka.compat import request_rejoin
from recruit_assets.stores.kafka.offsets import topic_partitions

COMMIT_TIMEOUT_MS = 10_000
POSITION_TIMEOUT_MS = 10_000
JOINING_POLL_S = 2.0
"""While the group assigns partitions. If the answer to a join comes between two polls, the client throws it away and
joins again, which is a rebalance for all members (join_group_async, kafka-python 3.0.12): so polls are long."""
NOT_NOW = (CommitFailedError, RebalanceInProgressError, IllegalGenerationError, UnknownMemberIdError, KafkaTimeoutError)
"""A commit that fails with these may be repeated after the next poll(). After a timeout it may have taken effect."""


class Record(Protocol):
    """The parts of a Kafka record that we use."""

    @property
    def topic(self) -> str: ...
    @property
    def partition(self) -> int: ...
    @property
    def offset(self) -> int: ...
    @property
    def timestamp(self) -> int:
        """Milliseconds since the epoch, by the broker."""

    @property
    def key(self) -> bytes | None: ...
    @property
    def value(self) -> bytes | None: ...
    @property
    def headers(self) -> list[tuple[str, bytes | None]]: ...


@dataclass(frozen=True, slots=True)
class RetentionGap:
    """Records that retention deleted before the group read them."""

    partition: int
    expected: int
    first_kept: int

    @property
    def records(self) -> int:
        """An upper bound: transaction markers have offsets too."""
        return self.first_kept - self.expected


class GroupMember:
    """A consumer of the event topic in the ingest group."""

    def __init__(self, settings: Settings, *, max_poll_records: int) -> None:
        self._topic = settings.kafka_topic
        self._consumer: KafkaConsumer = open_consumer(
            settings, group=settings.kafka_group, max_poll_records=max_poll_records
        )
        self._listener = _RebalanceNotes(self._consumer)
        self._next: dict[TopicPartition, int] = {}
        self._gaps: list[RetentionGap] = []
        self._consumer.subscribe([self._topic], listener=self._listener)
        # before the first poll() joins: a group leader that lacks the topic's metadata assigns no partitions, and has
        # everybody join again once the metadata comes
        with translated_errors(f"metadata of topic {self._topic}"):
            self._consumer.topics()
        topic_partitions(self._consumer, self._topic)

    @property
    def rebalanced(self) -> bool:
        """Whether partitions were revoked or assigned since the last `resume`."""
        return self._listener.happened

    def poll(self, timeout_s: float) -> list[Record]:
        """The next records, none after `timeout_s`; waits longer while the group assigns partitions.

        After an error the client is unusable.
        """
        with translated_errors(f"poll topic {self._topic}"):
            fetched = {} if self._listener.is_joining else self._consumer.poll(timeout_ms=int(timeout_s * 1000))
            if self._listener.is_joining:
                # also if the join began in the poll above: its records will be delivered again
                fetched = self._consumer.poll(timeout_ms=int(max(timeout_s, JOINING_POLL_S) * 1000))
        for tp, records in fetched.items():
            self._check_gap(tp, records[0].offset)
            self._next[tp] = records[-1].offset + 1
        return [record for records in fetched.values() for record in records]

    def take_retention_gaps(self) -> list[RetentionGap]:
        """The retention gaps found since the last call."""
        gaps, self._gaps = self._gaps, []
        return gaps

    def assignment(self) -> frozenset[int]:
        return frozenset(tp.partition for tp in self._consumer.assignment())

    def positions(self) -> dict[int, int]:
        """By assigned partition: the offset after the last polled record and the transaction markers behind it."""
        found: dict[int, int] = {}
        with translated_errors(f"positions in topic {self._topic}"):
            for tp in self._consumer.assignment():
                position = self._consumer.position(tp, timeout_ms=POSITION_TIMEOUT_MS)
                if position is not None:
                    found[tp.partition] = position
        return found

    def ends(self) -> dict[int, int]:
        """By assigned partition: the end offset as of the last fetch."""
        ends = {tp.partition: self._consumer.highwater(tp) for tp in self._consumer.assignment()}
        return {partition: end for partition, end in ends.items() if end is not None}

    def resume(self) -> dict[int, int]:
        """Seek every assigned partition to its committed offset; returns the offsets at which poll() continues."""
        self._listener.happened = False
        assigned = list(self._consumer.assignment())
        self._next = {}
        try:
            with translated_errors(f"committed offsets of topic {self._topic}"):
                committed = {tp: self._consumer.committed(tp, timeout_ms=POSITION_TIMEOUT_MS) for tp in assigned}
                firsts = self._consumer.beginning_offsets(assigned) if assigned else {}
            for tp, offset in committed.items():
                self._next[tp] = max(offset or 0, firsts[tp])
                self._consumer.seek(tp, self._next[tp])
        except ValueError:
            # no longer assigned: another rebalance came in between
            self._listener.happened = True
            return {}
        self._gaps += [
            RetentionGap(tp.partition, expected=offset, first_kept=firsts[tp])
            for tp, offset in committed.items()
            if offset is not None and offset < firsts[tp]
        ]
        return {tp.partition: offset for tp, offset in self._next.items()}

    def commit(self, offsets: dict[int, int]) -> bool:
        """Commit these offsets (last written + 1). False if the group can't accept them now; try again after a poll."""
        values = {TopicPartition(self._topic, p): OffsetAndMetadata(offset, "", -1) for p, offset in offsets.items()}
        try:
            self._consumer.commit(values, timeout_ms=COMMIT_TIMEOUT_MS)
        except NOT_NOW:
            return False
        except KafkaError as error:
            raise StoreUnavailable(
                f"Kafka rejected the commit of offsets {offsets} of topic {self._topic}: {error}"
            ) from error
        return True

    def close(self) -> None:
        """Leave the group, so that its partitions move without waiting for the session timeout."""
        self._consumer.close(autocommit=False, timeout_ms=COMMIT_TIMEOUT_MS)

    def _check_gap(self, tp: TopicPartition, offset: int) -> None:
        """A gap is a transaction marker, or records deleted by retention, which the client skips silently."""
        expected = self._next.get(tp, offset)
        if offset <= expected:
            return
        with translated_errors(f"first offset of {tp}"):
            first_kept = self._consumer.beginning_offsets([tp])[tp]
        if first_kept > expected:
            self._gaps.append(RetentionGap(tp.partition, expected=expected, first_kept=min(first_kept, offset)))


class _RebalanceNotes(ConsumerRebalanceListener):  # type: ignore[misc]  # kafka-python has no types
    """Notes rebalances, on the client's own thread, and has the client finish a join that it began."""

    def __init__(self, consumer: KafkaConsumer) -> None:
        self._consumer = consumer
        self.happened = False
        self.is_joining = True

    def on_partitions_revoked(self, revoked: set[TopicPartition]) -> None:
        self.happened = self.is_joining = True
        # A leader that rejoins because the topic's metadata changed forgets the join if a poll() ends before the group
        # has answered. It then stays in the group without heartbeats and never fetches again (need_rejoin and
        # join_group_async, 3.0.12). The client only finishes a join that was requested.
        request_rejoin(self._consumer)

    def on_partitions_assigned(self, assigned: set[TopicPartition]) -> None:
        self.happened, self.is_joining = True, False

    def on_partitions_lost(self, lost: set[TopicPartition]) -> None:
        self.happened = self.is_joining = True

"""One member of the ingest group: records with the offsets that they make committable, and what a rebalance changed.

Belongs here: subscribing, polling, positions, committing, what the client's rebalance listener tells. Not here: when to
commit (`ingest.offsets`), client options (`stores.kafka`).

The client keeps the in-memory position of a partition that it keeps through a rebalance, and a listener mustn't commit
(kafka-python 3.0.12). So a rebalance is only noted here; the owner drops what it hasn't committed and calls `resume`.
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
from recruit_assets.stores.kafka.offsets import topic_partitions

COMMIT_TIMEOUT_MS = 10_000
POSITION_TIMEOUT_MS = 10_000
JOINING_POLL_S = 2.0
"""While the group gives out partitions. A join that is answered between two polls is thrown away and begun again, with
a rebalance for all members, so there must be next to no time between them (join_group_async, kafka-python 3.0.12)."""
NOT_NOW = (CommitFailedError, RebalanceInProgressError, IllegalGenerationError, UnknownMemberIdError, KafkaTimeoutError)
"""A commit that ended so may be repeated after the next poll(); of the last it isn't known whether it took effect."""


class Record(Protocol):
    """What ingest uses of a Kafka record."""

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
    def headers(self) -> list[tuple[str, bytes]]: ...


@dataclass(frozen=True, slots=True)
class RetentionGap:
    """Records that the topic dropped before the group had them."""

    partition: int
    expected: int
    first_kept: int

    @property
    def records(self) -> int:
        """An upper bound: offsets of transaction markers are among them."""
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
        # before the first poll() joins: a leader without the subscription's metadata makes everybody join again when
        # that comes, and one that doesn't know the topic gives no partition to anybody
        with translated_errors(f"metadata of topic {self._topic}"):
            self._consumer.topics()
        topic_partitions(self._consumer, self._topic)

    @property
    def rebalanced(self) -> bool:
        """Partitions were taken or given since the last `resume`."""
        return self._listener.happened

    def poll(self, timeout_s: float) -> list[Record]:
        """The next records, none after `timeout_s`, or longer while the group gives out partitions.

        After an error this client's poll() can't be trusted again (K1).
        """
        with translated_errors(f"poll topic {self._topic}"):
            fetched = {} if self._listener.is_joining else self._consumer.poll(timeout_ms=int(timeout_s * 1000))
            if self._listener.is_joining:
                # also where the join began just now: what was fetched before it is delivered again
                fetched = self._consumer.poll(timeout_ms=int(max(timeout_s, JOINING_POLL_S) * 1000))
        for tp, records in fetched.items():
            self._check_gap(tp, records[0].offset)
            self._next[tp] = records[-1].offset + 1
        return [record for records in fetched.values() for record in records]

    def take_retention_gaps(self) -> list[RetentionGap]:
        """What the topic was found to have dropped, since this was last asked."""
        gaps, self._gaps = self._gaps, []
        return gaps

    def assignment(self) -> frozenset[int]:
        return frozenset(tp.partition for tp in self._consumer.assignment())

    def positions(self) -> dict[int, int]:
        """Per assigned partition, the offset after everything that poll() gave, transaction markers included."""
        found: dict[int, int] = {}
        with translated_errors(f"positions in topic {self._topic}"):
            for tp in self._consumer.assignment():
                position = self._consumer.position(tp, timeout_ms=POSITION_TIMEOUT_MS)
                if position is not None:
                    found[tp.partition] = position
        return found

    def ends(self) -> dict[int, int]:
        """Per assigned partition, the end offset that the last fetch told."""
        ends = {tp.partition: self._consumer.highwater(tp) for tp in self._consumer.assignment()}
        return {partition: end for partition, end in ends.items() if end is not None}

    def resume(self) -> dict[int, int]:
        """Go back to what is committed in every assigned partition; the offsets from which poll() goes on."""
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
            # not assigned any more: another rebalance came in between
            self._listener.happened = True
            return {}
        self._gaps += [
            RetentionGap(tp.partition, expected=offset, first_kept=firsts[tp])
            for tp, offset in committed.items()
            if offset is not None and offset < firsts[tp]
        ]
        return {tp.partition: offset for tp, offset in self._next.items()}

    def commit(self, offsets: dict[int, int]) -> bool:
        """Commit these offsets (last done + 1). False when the group can't take it now; nothing is lost by that."""
        values = {TopicPartition(self._topic, p): OffsetAndMetadata(offset, "", -1) for p, offset in offsets.items()}
        try:
            self._consumer.commit(values, timeout_ms=COMMIT_TIMEOUT_MS)
        except NOT_NOW:
            return False
        except KafkaError as error:
            raise StoreUnavailable(f"Kafka refuses offsets {offsets} of topic {self._topic}: {error}") from error
        return True

    def close(self) -> None:
        """Leave the group, so that the others needn't wait for the session to time out."""
        self._consumer.close(autocommit=False, timeout_ms=COMMIT_TIMEOUT_MS)

    def _check_gap(self, tp: TopicPartition, offset: int) -> None:
        """A gap is a transaction's marker, or what retention took while ingest was behind; the client says nothing."""
        expected = self._next.get(tp, offset)
        if offset <= expected:
            return
        with translated_errors(f"first offset of {tp}"):
            first_kept = self._consumer.beginning_offsets([tp])[tp]
        if first_kept > expected:
            self._gaps.append(RetentionGap(tp.partition, expected=expected, first_kept=min(first_kept, offset)))


class _RebalanceNotes(ConsumerRebalanceListener):  # type: ignore[misc]  # kafka-python has no types
    """Runs on the client's own thread; takes notes, and makes the client come through with what it began."""

    def __init__(self, consumer: KafkaConsumer) -> None:
        self._consumer = consumer
        self.happened = False
        self.is_joining = True

    def on_partitions_revoked(self, revoked: set[TopicPartition]) -> None:
        self.happened = self.is_joining = True
        # A leader that joins again since the topic's metadata changed forgets about it when a poll() ends before the
        # group has answered: it stays in the group, without heartbeats, and fetches nothing for ever (need_rejoin and
        # join_group_async, 3.0.12). Only a join that was asked for is followed to its end; there is no public way.
        self._consumer._coordinator.request_rejoin()

    def on_partitions_assigned(self, assigned: set[TopicPartition]) -> None:
        self.happened, self.is_joining = True, False

    def on_partitions_lost(self, lost: set[TopicPartition]) -> None:
        self.happened = self.is_joining = True

"""One member of the ingest group: polls records, commits offsets, and notices rebalances.

A partition that stays with the member through a rebalance keeps its in-memory position, and a rebalance listener can't
commit (kafka-python 3.0.12). So a rebalance is only noted; the owner drops what it hasn't committed and calls `resume`.
The same happens when the topic is deleted and made anew, or has lost its end: positions and commits are of another log.
"""

from collections.abc import Iterable, Mapping

from kafka import ConsumerRebalanceListener, KafkaConsumer
from kafka.errors import (
    CommitFailedError,
    IllegalGenerationError,
    IllegalStateError,
    KafkaError,
    KafkaTimeoutError,
    RebalanceInProgressError,
    UnknownMemberIdError,
)
from kafka.structs import OffsetAndMetadata, TopicPartition

from recruit_assets.runtime.errors import StoreUnavailable
from recruit_assets.runtime.settings import Settings
from recruit_assets.stores.kafka.clients import open_admin, open_consumer, translated_errors
from recruit_assets.stores.kafka.commit_label import CommitLabel, Owner, label_of, require_own_group
from recruit_assets.stores.kafka.compat import known_topic_id, request_rejoin
from recruit_assets.stores.kafka.group_checks import GroupChecks, named_strangers, require_broker_times
from recruit_assets.stores.kafka.offsets import group_commits, topic_partitions, uncommitted_records
from recruit_assets.stores.kafka.partition_logs import POSITION_TIMEOUT_MS, read_logs
from recruit_assets.stores.kafka.record import Record
from recruit_assets.stores.kafka.starting_point import (
    LeaderEpochs,
    PartitionLog,
    RetentionGap,
    Rewind,
    starting_point,
)

COMMIT_TIMEOUT_MS = 10_000
TOPIC_ID_MAX_AGE_MS = 5_000
"""When a topic made anew is noticed. Until then its records may be read from the middle, but the commits carry the old
topic's id, so that they are read again."""
JOINING_POLL_S = 2.0
"""While the group assigns partitions. If the answer to a join comes between two polls, the client throws it away and
joins again, which is a rebalance for all members (join_group_async, kafka-python 3.0.12): so polls are long."""
NOT_NOW = (CommitFailedError, RebalanceInProgressError, IllegalGenerationError, UnknownMemberIdError, KafkaTimeoutError)
"""A commit that fails with these may be repeated after the next poll(). After a timeout it may have taken effect."""


class GroupMember:
    """A consumer of the event topic in the ingest group."""

    def __init__(self, settings: Settings, *, max_poll_records: int, keyspace_id: str = "") -> None:
        self._settings = settings
        self._topic = settings.kafka_topic
        self._max_poll_records = max_poll_records
        self._owner = Owner(settings.cassandra_keyspace, keyspace_id)
        self._checks = GroupChecks(settings, self._owner)
        self._checks.check_now()
        self._gaps: list[RetentionGap] = []
        self._rewinds: list[Rewind] = []
        self._has_committed = False
        self._join()

    def _join(self) -> None:
        """Open the consumer. What belongs to one topic lives as long as it: positions, fetched records, the label."""
        self._consumer: KafkaConsumer = open_consumer(
            self._settings,
            group=self._settings.kafka_group,
            max_poll_records=self._max_poll_records,
            metadata_max_age_ms=TOPIC_ID_MAX_AGE_MS,
        )
        self._listener = _RebalanceNotes(self._consumer)
        self._next: dict[TopicPartition, int] = {}
        self._epochs: dict[TopicPartition, LeaderEpochs] = {}
        self._cut_at: dict[TopicPartition, int] = {}
        self._consumer.subscribe([self._topic], listener=self._listener)
        # before the first poll() joins: a group leader that lacks the topic's metadata assigns no partitions, and has
        # everybody join again once the metadata comes
        with translated_errors(f"metadata of topic {self._topic}"):
            self._consumer.topics()
        topic_partitions(self._consumer, self._topic)
        self._label = CommitLabel(known_topic_id(self._consumer, self._topic) or "", self._owner)

    @property
    def rebalanced(self) -> bool:
        """Whether `resume` must be called before records are kept: partitions moved, or the topic's log is another."""
        return self._listener.happened

    def poll(self, timeout_s: float) -> list[Record]:
        """The next records, none after `timeout_s`; waits longer while the group assigns partitions.

        After an error the client is unusable. SchemaMismatch if a record's time is its producer's, UserError if other
        programs keep the member out of its group.
        """
        self._checks.check()
        self._start_over_if_topic_is_new()
        with named_strangers(self._settings), translated_errors(f"poll topic {self._topic}"):
            fetched = {} if self._listener.is_joining else self._consumer.poll(timeout_ms=int(timeout_s * 1000))
            if self._listener.is_joining:
                # also if the join began in the poll above: its records will be delivered again
                fetched = self._consumer.poll(timeout_ms=int(max(timeout_s, JOINING_POLL_S) * 1000))
        for tp, records in fetched.items():
            require_broker_times(records, self._settings)
            self._check_gap(tp, records[0].offset)
            for record in (records[0], records[-1]):
                self._epochs.setdefault(tp, LeaderEpochs()).note(record.offset, record.leader_epoch)
            self._next[tp] = records[-1].offset + 1
        return [record for records in fetched.values() for record in records]

    def take_retention_gaps(self) -> list[RetentionGap]:
        """The retention gaps found since the last call."""
        gaps, self._gaps = self._gaps, []
        return gaps

    def take_rewinds(self) -> list[Rewind]:
        """The partitions that `resume` began anew since the last call."""
        rewinds, self._rewinds = self._rewinds, []
        return rewinds

    def assignment(self) -> frozenset[int]:
        return frozenset(tp.partition for tp in self._consumer.assignment())

    def positions(self) -> dict[int, int]:
        """By assigned partition: the offset after the last polled record and the transaction markers behind it."""
        with translated_errors(f"positions in topic {self._topic}"):
            found = {
                tp.partition: self._consumer.position(tp, timeout_ms=POSITION_TIMEOUT_MS)
                for tp in self._consumer.assignment()
            }
        return {partition: position for partition, position in found.items() if position is not None}

    def ends(self) -> dict[int, int]:
        """By assigned partition: the end offset as of the last fetch."""
        ends = {tp.partition: self._consumer.highwater(tp) for tp in self._consumer.assignment()}
        return {partition: end for partition, end in ends.items() if end is not None}

    def backlog(self) -> int:
        """How many records of all partitions the group hasn't committed."""
        return uncommitted_records(self._settings, keyspace_id=self._owner.keyspace_id)

    def resume(self) -> dict[int, int]:
        """Seek every assigned partition to its committed offset; returns the offsets at which poll() continues.

        A commit that isn't of the partition's present records isn't believed: that partition is read from its first
        offset, or from where its log was cut off. Reading a record again changes nothing.
        """
        self._listener.happened = False
        assigned = list(self._consumer.assignment())
        self._next, self._epochs = {}, {}
        try:
            with translated_errors(f"committed offsets of topic {self._topic}"):
                commits = {
                    tp: self._consumer.committed(tp, metadata=True, timeout_ms=POSITION_TIMEOUT_MS) for tp in assigned
                }
                logs = read_logs(self._consumer, commits, self._label, cuts=self._cut_at)
            self._require_own_group(commits.values())
            for tp, log in logs.items():
                self._next[tp] = self._start(tp, log, commits[tp])
                if self._next[tp] != log.position:
                    self._consumer.seek(tp, self._next[tp])
        except (ValueError, StoreUnavailable) as error:
            if isinstance(error, StoreUnavailable) and not isinstance(error.__cause__, IllegalStateError):
                raise
            # no longer assigned: another rebalance came in between
            self._listener.happened = True
            return {}
        self._cut_at = {}
        self._claim(commits)
        self._checks.check_soon()
        return {tp.partition: offset for tp, offset in self._next.items()}

    def commit(self, offsets: dict[int, int]) -> bool:
        """Commit these offsets (last written + 1). False if the group can't accept them now; try again after a poll."""
        if not offsets:
            return True
        label = self._label.encode()
        values: dict[TopicPartition, OffsetAndMetadata] = {}
        for partition, offset in offsets.items():
            tp = TopicPartition(self._topic, partition)
            epochs = self._epochs.get(tp)
            values[tp] = OffsetAndMetadata(offset, label, epochs.before(offset) if epochs else -1)
        try:
            self._consumer.commit(values, timeout_ms=COMMIT_TIMEOUT_MS)
        except NOT_NOW:
            return False
        except KafkaError as error:
            raise StoreUnavailable(
                f"Kafka rejected the commit of offsets {offsets} of topic {self._topic}: {error}"
            ) from error
        if not self._has_committed:
            # a keyspace that began at the same time has committed by now, too
            self._has_committed = True
            self._checks.check_soon()
        return True

    def close(self) -> None:
        """Leave the group, so that its partitions move without waiting for the session timeout."""
        self._consumer.close(autocommit=False, timeout_ms=COMMIT_TIMEOUT_MS)

    def _start_over_if_topic_is_new(self) -> None:
        """A new consumer: this one has positions of the old topic, and perhaps its records in a buffer."""
        topic_id = known_topic_id(self._consumer, self._topic)
        if topic_id is None or topic_id == self._label.topic_id:
            return  # while a deleted topic is missing, nothing can be read
        self.close()
        self._join()
        self._listener.happened = True

    def _start(self, tp: TopicPartition, log: PartitionLog, commit: OffsetAndMetadata | None) -> int:
        """Where to read on; notes what is wrong with the commit."""
        start = starting_point(log, commit, self._label)
        if isinstance(start.problem, Rewind):
            self._rewinds.append(start.problem)
        elif isinstance(start.problem, RetentionGap):
            self._gaps.append(start.problem)
        is_believed = commit is not None and start.offset == commit.offset
        self._epochs[tp] = LeaderEpochs(commit.leader_epoch if commit is not None and is_believed else -1)
        return start.offset

    def _claim(self, commits: Mapping[TopicPartition, OffsetAndMetadata | None]) -> None:
        """Replace commits that lack our label or lie behind what is read now; the lag is right from then on.

        If the group can't accept it now, the next commit or rebalance does the same.
        """
        label, starts = self._label.encode(), self._next
        self.commit(
            {
                tp.partition: starts[tp]
                for tp, commit in commits.items()
                if commit is not None and (commit.metadata != label or commit.offset > starts[tp])
            }
        )

    def _require_own_group(self, commits: Iterable[OffsetAndMetadata | None]) -> None:
        """UserError if one of the commits shows that the group belongs to another keyspace."""
        labels = [label for commit in commits if commit and (label := label_of(commit))]
        if any(not label.owner.is_same(self._owner) for label in labels):
            with open_admin(self._settings) as admin:
                require_own_group(group_commits(admin, self._settings), self._owner, self._settings)

    def _check_gap(self, tp: TopicPartition, offset: int) -> None:
        """A gap is a transaction marker, or records deleted by retention, which the client skips silently.

        An offset that was passed before: the client has found that the log was cut off there.
        """
        expected = self._next.get(tp, offset)
        if offset < expected:
            self._cut_at[tp] = offset
            self._listener.happened = True
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

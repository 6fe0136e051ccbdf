"""How far ingest is behind: what it hasn't committed, since when, who reads for it, and the share of dead letters."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from time import monotonic

from kafka import KafkaAdminClient, KafkaConsumer
from kafka.structs import TopicPartition

from recruit_assets.runtime.errors import StoreUnavailable
from recruit_assets.runtime.settings import Settings
from recruit_assets.runtime.times import from_ms
from recruit_assets.stores.kafka.clients import open_admin, open_consumer, translated_errors
from recruit_assets.stores.kafka.offsets import PartitionSpan, group_members, partition_spans, records_since

SHARE_WINDOW = timedelta(minutes=15)
POLL_MS = 200
READ_FOR_S = 5.0


@dataclass(frozen=True, slots=True)
class IngestLag:
    """One reading, at `read_at` by this machine's clock."""

    read_at: datetime
    spans: Sequence[PartitionSpan]
    members: int
    """Consumers in the ingest group."""
    oldest: datetime | None = None
    """When Kafka received the oldest record that isn't committed; None if there is none."""
    has_advanced: bool | None = None
    """Whether that is another record than at the last reading; None at the first."""
    recent_records: int = 0
    """Offsets that the event topic has got within SHARE_WINDOW, transaction markers included."""
    recent_dead_letters: int = 0

    @property
    def records(self) -> int:
        """Offsets that aren't committed: an upper bound of the records, since transaction markers count too."""
        return sum(span.uncommitted for span in self.spans)

    @property
    def committed(self) -> int:
        """Offsets that ingest has committed, of all partitions: it only grows, unless records are read again."""
        return sum(span.position for span in self.spans)

    @property
    def age_s(self) -> float:
        """How long the oldest record has waited; 0 if none waits."""
        return 0.0 if self.oldest is None else max(0.0, (self.read_at - self.oldest).total_seconds())

    @property
    def dead_letter_share(self) -> float:
        """Dead letters among the records of SHARE_WINDOW, 0 to 1.

        Both are counted by the time that Kafka received them: after an outage dead letters of older records count too.
        """
        return self.recent_dead_letters / max(self.recent_records, self.recent_dead_letters, 1)


class LagReader:
    """Reads the lag again and again with the same clients, since connecting costs more than reading."""

    def __init__(self, admin: KafkaAdminClient, consumer: KafkaConsumer, settings: Settings) -> None:
        self._admin = admin
        self._settings = settings
        self._oldest = OldestRecords(consumer, settings.kafka_topic)
        self._last: IngestLag | None = None

    def read(self) -> IngestLag:
        """StoreUnavailable if a request to Kafka fails or a topic is missing."""
        members = group_members(self._admin, self._settings)
        spans = partition_spans(self._admin, self._settings)
        now = datetime.now(UTC)
        since = now - SHARE_WINDOW
        oldest = self._oldest.received_at(spans)
        self._last = IngestLag(
            read_at=now,
            spans=spans,
            members=members,
            oldest=oldest,
            has_advanced=None if self._last is None else oldest != self._last.oldest,
            recent_records=records_since(self._admin, self._settings.kafka_topic, since),
            recent_dead_letters=records_since(self._admin, self._settings.dlq_topic, since),
        )
        return self._last


@contextmanager
def open_lag_reader(settings: Settings) -> Iterator[LagReader]:
    """A reader with clients of its own, closed on exit."""
    with open_admin(settings) as admin, lag_reader(admin, settings) as reader:
        yield reader


@contextmanager
def lag_reader(admin: KafkaAdminClient, settings: Settings) -> Iterator[LagReader]:
    """A reader with this admin client and a consumer of its own."""
    consumer = open_consumer(
        settings, group=None, client_id="recruit_lag", max_poll_records=1, isolation_level="read_uncommitted"
    )
    try:
        yield LagReader(admin, consumer, settings)
    finally:
        consumer.close(autocommit=False)


class OldestRecords:
    """Reads the first uncommitted record of each partition that has one, and no partition twice at the same offset.

    It sees records behind an open transaction too, which other readers don't. It can't tell aborted ones, which ingest
    only skips: while ingest stands still before them, they count.
    """

    def __init__(self, consumer: KafkaConsumer, topic: str) -> None:
        self._consumer = consumer
        self._topic = topic
        self._known: dict[tuple[int, int], datetime | None] = {}

    def received_at(self, spans: Sequence[PartitionSpan]) -> datetime | None:
        """When Kafka received the oldest of them; None if nothing but transaction markers waits."""
        waiting = {(span.partition, span.position): span for span in spans if span.uncommitted}
        # a partition of which only markers waited may have got records since
        self._known = {key: at for key, at in self._known.items() if key in waiting and at is not None}
        unread = {key: span for key, span in waiting.items() if key not in self._known}
        if unread:
            self._known |= self._read(unread)
        return min((at for at in self._known.values() if at is not None), default=None)

    def _read(self, unread: Mapping[tuple[int, int], PartitionSpan]) -> dict[tuple[int, int], datetime | None]:
        found: dict[tuple[int, int], datetime | None] = {}
        with translated_errors(f"first uncommitted records of topic {self._topic}"):
            for (partition, position), span in unread.items():
                found[partition, position] = self._first(TopicPartition(self._topic, partition), position, span.end)
        return found

    def _first(self, tp: TopicPartition, position: int, end: int) -> datetime | None:
        """The time of the first record from the position on; None if there is none before the end."""
        self._consumer.assign([tp])
        self._consumer.seek(tp, position)
        until = monotonic() + READ_FOR_S
        while monotonic() < until:
            for record in self._consumer.poll(timeout_ms=POLL_MS).get(tp, ()):
                return from_ms(record.timestamp)
            # the client's position moves over markers
            if (self._consumer.position(tp, timeout_ms=POLL_MS) or 0) >= end:
                return None
        raise StoreUnavailable(f"Kafka returned no record of {tp.topic}/{tp.partition} from offset {position} on")

"""What the audit reads of Kafka, Cassandra and MySQL: everything they hold, a page, a partition or an hour at a time.

Belongs here: the statements and the order of reading. Not here: what is counted and compared (`audit`). Nothing here
holds more than a few pages, whatever the topic and the tables hold.
"""

from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from time import monotonic
from typing import Any

from cassandra.cluster import ResponseFuture
from kafka import KafkaConsumer
from kafka.structs import TopicPartition

from recruit_assets.contract import (
    EVENT_CHANGES,
    EVENT_COLUMNS,
    JOB,
    MYSQL_REPORT,
    RAW_EVENTS,
    REPORT_HOURS,
)
from recruit_assets.errors import StoreUnavailable
from recruit_assets.settings import Settings
from recruit_assets.stores import cassandra, kafka
from recruit_assets.stores.cassandra import CassandraSession, Row
from recruit_assets.stores.change_reads import ChangeReader
from recruit_assets.stores.kafka_group import Record
from recruit_assets.stores.mysql import ReportDatabase

POLL_MS = 1_000
STALL_S = 60
"""A topic that gives nothing for so long while it holds more is taken for unavailable."""
PAGE_ROWS = 2_000
PARTITIONS_IN_FLIGHT = 24
"""Partitions whose first page is on its way while another is looked at."""
JOBS_PER_PAGE = 10_000

READ_COLUMNS = ("event_time_ms", "received_at_ms", *(column.name for column in EVENT_COLUMNS), "extra")
"""The columns of a raw row as read here: instants in ms since the epoch, create_time as a UUID."""
_READ = ", ".join(
    (
        "toUnixTimestamp(event_time)",
        "toUnixTimestamp(received_at)",
        *(column.name for column in EVENT_COLUMNS),
        "extra",
    )
)


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


@dataclass(frozen=True, slots=True)
class ReportMark:
    """A row of report_hours; the hour is naive UTC, as MySQL gives it."""

    covered_through: datetime
    row_count: int
    event_count: int


class TopicReader:
    """Reads topics from their beginning, as a member of no group."""

    def __init__(self, consumer: KafkaConsumer, settings: Settings) -> None:
        self._consumer = consumer
        self._settings = settings

    def spans(self) -> tuple[PartitionSpan, ...]:
        """What the event topic holds now, partition by partition."""
        with kafka.open_admin(self._settings) as admin:
            committed = kafka.committed_offsets(admin, self._settings)
        # asked for last: a commit that is read after its end would hide a lag
        firsts, ends = self.offsets(self._settings.kafka_topic)
        return tuple(PartitionSpan(p, firsts[p], ends[p], committed.get(p)) for p in sorted(ends))

    def offsets(self, topic: str) -> tuple[Mapping[int, int], Mapping[int, int]]:
        """First and end offsets of a topic, by partition."""
        return kafka.beginning_offsets(self._consumer, topic), kafka.end_offsets(self._consumer, topic)

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
            with kafka.translated_errors(f"read topic {topic}"):
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
    consumer = kafka.open_consumer(settings, group=None, client_id="recruit_audit")
    try:
        yield TopicReader(consumer, settings)
    finally:
        consumer.close(autocommit=False)


def stored_partitions(session: CassandraSession) -> Iterator[tuple[datetime, int]]:
    """The partitions of raw_events that hold rows, wherever they are; reads keys only."""
    key = ", ".join(RAW_EVENTS.partition_key)
    keys = session.stream(f"SELECT DISTINCT {key} FROM {session.table(RAW_EVENTS)}")
    return ((hour, bucket) for hour, bucket in keys)


def read_partitions(
    session: CassandraSession, keys: Iterable[tuple[datetime, int]]
) -> Iterator[tuple[tuple[datetime, int], Iterator[Row]]]:
    """Each partition with its rows (READ_COLUMNS), page by page; use them up before going on to the next."""
    where = " AND ".join(f"{name} = ?" for name in RAW_EVENTS.partition_key)
    select = session.prepare(f"SELECT {_READ} FROM {session.table(RAW_EVENTS)} WHERE {where}")
    select.fetch_size = PAGE_ROWS
    in_flight: deque[tuple[tuple[datetime, int], ResponseFuture]] = deque()
    for key in keys:
        in_flight.append((key, session.driver.execute_async(select, key)))
        if len(in_flight) >= PARTITIONS_IN_FLIGHT:
            first, future = in_flight.popleft()
            yield first, _rows(future)
    while in_flight:
        first, future = in_flight.popleft()
        yield first, _rows(future)


def newest_changes(session: CassandraSession) -> dict[datetime, datetime]:
    """When each hour of the change feed changed last."""
    reader = ChangeReader(session)
    now = reader.now()
    newest: dict[datetime, datetime] = {}
    for page in reader.pages(now - timedelta(seconds=EVENT_CHANGES.ttl_s), now):
        for hour, changed_at in page.newest.items():
            newest[hour] = max(changed_at, newest.get(hour, changed_at))
    return newest


def report_marks(database: ReportDatabase) -> dict[datetime, ReportMark]:
    """report_hours by hour."""
    rows = database.query(f"SELECT event_hour, covered_through, row_count, event_count FROM {REPORT_HOURS.name}")
    return {hour: ReportMark(*mark) for hour, *mark in rows}


def report_rows(database: ReportDatabase) -> Iterator[list[tuple[Any, ...]]]:
    """The rows of mysql_report in the contract's columns, one hour at a time, whether report_hours knows it or not."""
    columns = ", ".join(MYSQL_REPORT.column_names)
    for hour in database.query(f"SELECT DISTINCT dates, hours FROM {MYSQL_REPORT.name} ORDER BY dates, hours"):
        yield database.query(f"SELECT {columns} FROM {MYSQL_REPORT.name} WHERE dates = %s AND hours = %s", hour)


def companies_of_jobs(database: ReportDatabase) -> Iterator[list[tuple[Any, ...]]]:
    """(id, company_id) of the job dimension, page by page."""
    page: list[tuple[Any, ...]] = [(None, None)]
    last = -(2**31) - 1
    while page:
        page = database.query(
            f"SELECT id, company_id FROM {JOB.name} WHERE id > %s ORDER BY id LIMIT {JOBS_PER_PAGE}", (last,)
        )
        if page:
            last = page[-1][0]
            yield page


def _rows(future: ResponseFuture) -> Iterator[Row]:
    with cassandra.translated_errors(f"read {RAW_EVENTS.name}"):
        yield from future.result()


def _stalled(topic: str, positions: Mapping[TopicPartition, int], ends: Mapping[int, int]) -> StoreUnavailable:
    places = ", ".join(f"{tp.partition} at {at} of {ends[tp.partition]}" for tp, at in sorted(positions.items()))
    return StoreUnavailable(f"Kafka topic {topic} gave nothing for {STALL_S} s; partitions {places}")

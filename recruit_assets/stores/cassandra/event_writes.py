"""The one write path of raw_events, in unlogged single-partition batches at the record's time, and of what tells of it.

Belongs here: the statements, sending, what an answer means. Not here: a row's bytes (`row_bytes`), which events go into
a batch, retries, the order of steps (`ingest.writer`).
"""

import struct
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from uuid import uuid4

from cassandra import DriverException, InvalidRequest
from cassandra.cluster import NoHostAvailable
from cassandra.protocol import ErrorMessage
from cassandra.query import BatchStatement, BatchType, PreparedStatement

from recruit_assets.contract.tables import BUCKET_LAYOUT, BUCKET_VERSIONS, CHANGE_SHARDS, EVENT_CHANGES, RAW_EVENTS
from recruit_assets.runtime.errors import Inconsistent, StoreUnavailable
from recruit_assets.stores.cassandra.batch_encoder import EncodedRows, Partition, RawRow, RowsProtocol, insert_head
from recruit_assets.stores.cassandra.session import CassandraSession
from recruit_assets.transforms.buckets import HOUR_MS, Layout, Layouts

MAX_BATCH_BYTES = 48 * 1024
"""Cassandra refuses batches above 50 KiB by default (batch_size_fail_threshold)."""
_routing_key = struct.Struct(">HqBHiB").pack

Done = Callable[[Exception | None], None]
"""Called once, on a driver's thread, with None, RowsRejected or StoreUnavailable."""


class RowsRejected(Inconsistent):
    """Cassandra rejects at least one row of a batch as invalid; nothing of the batch is written."""


class EventWrites:
    """Prepared statements for one session; safe to share between threads."""

    def __init__(self, session: CassandraSession) -> None:
        self._session = session
        columns = RAW_EVENTS.column_names
        marks = ", ".join("?" * len(columns))
        self._insert_cql = (
            f"INSERT INTO {session.table(RAW_EVENTS)} ({', '.join(columns)}) VALUES ({marks}) USING TIMESTAMP ?"
        )
        # kept, since the driver forgets it otherwise and can't prepare it again where a node doesn't know it
        self._insert = session.prepare(self._insert_cql)
        self._insert_head = insert_head(self._insert.query_id, values=len(columns) + 1)
        session.driver.client_protocol_handler = RowsProtocol
        self._writer = uuid4()
        # the driver's timestamps only grow, so a writer's last micro-batch wins
        self._version = session.prepare(
            f"UPDATE {session.table(BUCKET_VERSIONS)} SET last_flights = last_flights + ? "
            "WHERE event_hour = ? AND writer = ?"
        )
        # day and changed_at by the same coordinator, at the same moment
        self._change = session.prepare(
            f"INSERT INTO {session.table(EVENT_CHANGES)} (day, shard, changed_at, event_hour, buckets, row_count) "
            "VALUES (toDate(now()), ?, now(), ?, ?, ?)"
        )

    def send(self, partition: Partition, rows: Iterable[RawRow], *, done: Done) -> None:
        """Write rows of one partition as one mutation; returns at once."""
        batch = BatchStatement(batch_type=BatchType.UNLOGGED)
        batch.is_idempotent = True
        batch.keyspace = self._session.keyspace
        batch.routing_key = _routing_key(8, partition[0], 0, 4, partition[1], 0)
        # in place of what batch.add() collects: bound statements would be bound and written cell by cell
        batch._statements_and_parameters = EncodedRows(self._insert_head, list(rows))
        future = self._session.driver.execute_async(batch)
        future.add_callbacks(callback=lambda _: done(None), errback=lambda error: done(_meaning(error, partition)))

    def send_version(self, hour_ms: int, buckets: set[int], *, micro_batch: int, done: Done) -> None:
        """Raise the version of these buckets of durable rows; returns at once. Repeating it is harmless."""
        values = (dict.fromkeys(buckets, micro_batch), _hour(hour_ms), self._writer)
        self._tell(self._version, values, hour_ms, done)

    def send_change(self, hour_ms: int, buckets: set[int], *, row_count: int, done: Done) -> None:
        """Tell the change feed about durable rows of an hour; returns at once. Repeating it is harmless."""
        values = (hour_ms // HOUR_MS % CHANGE_SHARDS, _hour(hour_ms), buckets, row_count)
        self._tell(self._change, values, hour_ms, done)

    def _tell(self, statement: PreparedStatement, values: tuple[object, ...], hour_ms: int, done: Done) -> None:
        future = self._session.driver.execute_async(statement, values)
        where = (hour_ms, -1)
        future.add_callbacks(callback=lambda _: done(None), errback=lambda error: done(_meaning(error, where)))

    def require_table(self) -> None:
        """Inconsistent when Cassandra rejects the INSERT itself: then no single row is to blame."""
        self._session.prepare(self._insert_cql)

    def layouts(self) -> Layouts:
        """The bucket layouts; Inconsistent when there is none."""
        table = self._session.table(BUCKET_LAYOUT)
        rows = self._session.execute(f"SELECT valid_from_hour, slices, shards FROM {table}")
        if not rows:
            raise Inconsistent(f"Cassandra table {table} has no layout. Run `recruit-assets schema apply`")
        return Layouts(
            (round(hour.replace(tzinfo=UTC).timestamp() * 1000), Layout(slices, shards))
            for hour, slices, shards in rows
        )


def _hour(hour_ms: int) -> datetime:
    return datetime.fromtimestamp(hour_ms / 1000, UTC)


def _meaning(error: Exception, partition: Partition) -> Exception:
    """Refused as invalid, or unknown: then the same rows are written again (C1-C3)."""
    where = f"{RAW_EVENTS.name}, hour {_hour(partition[0]):%Y-%m-%dT%H}, {partition[1]=}"
    if isinstance(error, InvalidRequest):
        meaning: Exception = RowsRejected(f"Cassandra rejects rows as invalid ({where}): {error}")
    elif isinstance(error, DriverException | NoHostAvailable | ErrorMessage | OSError):
        meaning = StoreUnavailable(f"Cassandra doesn't confirm a write ({where}): {error}")
    else:
        meaning = error
    meaning.__cause__ = error
    return meaning

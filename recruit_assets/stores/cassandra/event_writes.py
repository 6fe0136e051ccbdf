"""The only write path of raw_events, and of the versions and changes that announce its rows.

Rows go in unlogged batches of one partition. `ingest.writer` decides on batches, retries and the order of writes.
"""

from collections.abc import Callable, Iterable
from uuid import uuid4

from cassandra import DriverException, InvalidRequest
from cassandra.cluster import NoHostAvailable
from cassandra.protocol import ErrorMessage
from cassandra.query import PreparedStatement

from recruit_assets.contract.retention import Retention
from recruit_assets.contract.tables import BUCKET_VERSIONS, CHANGE_SHARDS, EVENT_CHANGES, RAW_EVENTS
from recruit_assets.contract.types import CassandraTable
from recruit_assets.runtime.errors import Inconsistent, StoreUnavailable
from recruit_assets.runtime.times import from_ms
from recruit_assets.stores.cassandra.batch_encoder import (
    EncodedRows,
    Partition,
    RawRow,
    RowsProtocol,
    encoded_batch,
    insert_head,
)
from recruit_assets.stores.cassandra.bucket_layouts import store_first_layout, stored_layouts
from recruit_assets.stores.cassandra.retention import read_retention
from recruit_assets.stores.cassandra.session import CassandraSession
from recruit_assets.transforms.buckets import HOUR_MS, Layouts

MAX_BATCH_BYTES = 48 * 1024
"""Cassandra rejects batches above 50 KiB by default (batch_size_fail_threshold)."""

Done = Callable[[Exception | None], None]
"""Called once, on a driver's thread, with None, RowsRejected or StoreUnavailable."""


class RowsRejected(Inconsistent):
    """Cassandra rejects at least one row of a batch as invalid; nothing of the batch is written."""


class EventWrites:
    """The prepared statements of one session; thread-safe."""

    def __init__(self, session: CassandraSession) -> None:
        self._session = session
        columns = RAW_EVENTS.column_names
        placeholders = ", ".join("?" * len(columns))
        self._insert_cql = (
            f"INSERT INTO {session.table(RAW_EVENTS)} ({', '.join(columns)}) VALUES ({placeholders}) USING TIMESTAMP ?"
        )
        # keep a reference: without one the driver can't prepare it again on a node that doesn't know it
        self._insert = session.prepare(self._insert_cql)
        self._insert_head = insert_head(self._insert.query_id, values=len(columns) + 1)
        session.driver.client_protocol_handler = RowsProtocol
        self._writer = uuid4()
        # the driver's timestamps only grow, so a writer's last micro-batch wins
        self._version = session.prepare(
            f"UPDATE {session.table(BUCKET_VERSIONS)} SET last_flights = last_flights + ? "
            "WHERE event_hour = ? AND writer = ?"
        )
        # one coordinator computes both day and changed_at
        self._change = session.prepare(
            f"INSERT INTO {session.table(EVENT_CHANGES)} (day, shard, changed_at, event_hour, buckets, row_count) "
            "VALUES (toDate(now()), ?, now(), ?, ?, ?)"
        )

    def send(self, partition: Partition, rows: Iterable[RawRow], *, done: Done) -> None:
        """Write rows of one partition as one mutation; returns at once."""
        encoded = EncodedRows(self._insert_head, list(rows))
        future = self._session.driver.execute_async(encoded_batch(encoded, partition, keyspace=self._session.keyspace))
        future.add_callbacks(
            callback=lambda _: done(None), errback=lambda error: done(_meaning(error, RAW_EVENTS, *partition))
        )

    def send_version(self, hour_ms: int, buckets: set[int], *, micro_batch: int, done: Done) -> None:
        """Raise the version of these buckets of durable rows; returns at once. Repeating it is harmless."""
        values = (dict.fromkeys(buckets, micro_batch), from_ms(hour_ms), self._writer)
        self._send(BUCKET_VERSIONS, self._version, values, hour_ms, done)

    def send_change(self, hour_ms: int, buckets: set[int], *, row_count: int, done: Done) -> None:
        """Announce new durable rows of an hour in the change feed; returns at once. Repeating it is harmless."""
        values = (hour_ms // HOUR_MS % CHANGE_SHARDS, from_ms(hour_ms), buckets, row_count)
        self._send(EVENT_CHANGES, self._change, values, hour_ms, done)

    def _send(
        self, table: CassandraTable, statement: PreparedStatement, values: tuple[object, ...], hour_ms: int, done: Done
    ) -> None:
        future = self._session.driver.execute_async(statement, values)
        future.add_callbacks(callback=lambda _: done(None), errback=lambda error: done(_meaning(error, table, hour_ms)))

    def require_table(self) -> None:
        """Inconsistent if Cassandra rejects the INSERT itself: then no single row is to blame."""
        self._session.prepare(self._insert_cql)

    def keyspace_id(self) -> str:
        """Which keyspace the events go to; other clusters' keyspaces have other ids."""
        return self._session.keyspace_id()

    def retention(self) -> Retention:
        """How long hours take events."""
        return read_retention(self._session)

    def layouts(self) -> Layouts | None:
        """The bucket layouts; None while no process has stored the first."""
        return stored_layouts(self._session)

    def store_first_layout(self, *, one_bucket_before_ms: int | None) -> None:
        """Store the first layout; does nothing if another process was faster."""
        store_first_layout(self._session, one_bucket_before_ms=one_bucket_before_ms)


def _meaning(error: Exception, table: CassandraTable, hour_ms: int, bucket: int | None = None) -> Exception:
    """RowsRejected for invalid rows; StoreUnavailable if the outcome is unknown, so the write must be repeated."""
    place = f"{table.name}, hour {from_ms(hour_ms):%Y-%m-%dT%H}"
    where = place if bucket is None else f"{place}, bucket {bucket}"
    if isinstance(error, InvalidRequest):
        meaning: Exception = RowsRejected(f"Cassandra rejects rows as invalid ({where}): {error}")
    elif isinstance(error, DriverException | NoHostAvailable | ErrorMessage | OSError):
        meaning = StoreUnavailable(f"Cassandra didn't confirm a write ({where}): {error}")
    else:
        meaning = error
    meaning.__cause__ = error
    return meaning

"""The only write path of raw_events, and of the versions and changes that announce its rows.

All go in unlogged batches. `ingest.batches` decides what is in each, `ingest.writer` on retries and order.
"""

from collections.abc import Callable, Iterable, Sequence
from threading import Lock
from typing import NamedTuple
from uuid import uuid4

from cassandra import DriverException, InvalidRequest
from cassandra.cluster import NoHostAvailable
from cassandra.protocol import ErrorMessage
from cassandra.query import PreparedStatement, Statement

from recruit_assets.contract.privacy import Erasure, PrivacyInForce
from recruit_assets.contract.retention import Retention
from recruit_assets.contract.tables import BUCKET_VERSIONS, EVENT_CHANGES, RAW_EVENTS
from recruit_assets.runtime.errors import Inconsistent, StoreUnavailable
from recruit_assets.runtime.times import from_ms
from recruit_assets.stores.cassandra.batch_encoder import (
    EncodedRows,
    RawRow,
    RowsProtocol,
    encoded_batch,
    insert_head,
)
from recruit_assets.stores.cassandra.bucket_layouts import store_first_layout, stored_layouts
from recruit_assets.stores.cassandra.erasures import read_erasures
from recruit_assets.stores.cassandra.privacy import read_privacy
from recruit_assets.stores.cassandra.retention import read_retention
from recruit_assets.stores.cassandra.session import CassandraSession, unlogged_batch
from recruit_assets.transforms.buckets import Layouts, change_shard

MAX_BATCH_BYTES = 48 * 1024
"""Cassandra rejects batches above 50 KiB by default (batch_size_fail_threshold)."""

Done = Callable[[Exception | None], None]
"""Called once, on a driver's thread, with None, RowsRejected or StoreUnavailable."""


class Change(NamedTuple):
    """Durable rows of an hour (ms since the epoch)."""

    hour_ms: int
    buckets: set[int]
    row_count: int

    @property
    def shard(self) -> int:
        """The part of the change feed that it belongs to."""
        return change_shard(self.hour_ms)


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

    def send(self, rows: Sequence[RawRow], *, done: Done) -> None:
        """Write the rows, those of a partition as one mutation; returns at once."""
        batch = encoded_batch(EncodedRows(self._insert_head, rows), keyspace=self._session.keyspace)
        hour_ms, bucket = rows[0].partition
        self._execute(batch, f"{RAW_EVENTS.name}, hour {_text(hour_ms)}, bucket {bucket}", len(rows), done)

    def send_versions(self, changes: Sequence[Change], *, micro_batch: int, done: Done) -> None:
        """Raise the versions of the buckets of durable rows; returns at once. Repeating it is harmless."""
        batch = self._batch(
            self._version,
            ((dict.fromkeys(change.buckets, micro_batch), from_ms(change.hour_ms), self._writer) for change in changes),
        )
        self._execute(batch, f"{BUCKET_VERSIONS.name}, hour {_text(changes[0].hour_ms)}", len(changes), done)

    def send_changes(self, changes: Sequence[Change], *, done: Done) -> None:
        """Announce durable rows in the change feed; returns at once. Repeating it is harmless."""
        batch = self._batch(
            self._change,
            ((change.shard, from_ms(change.hour_ms), change.buckets, change.row_count) for change in changes),
        )
        self._execute(batch, f"{EVENT_CHANGES.name}, hour {_text(changes[0].hour_ms)}", len(changes), done)

    def _batch(self, statement: PreparedStatement, values: Iterable[tuple[object, ...]]) -> Statement:
        """One bound statement, or several in a batch."""
        bound = [statement.bind(each) for each in values]
        if len(bound) == 1:
            return bound[0]  # Cassandra's limit of a batch's bytes isn't one of a statement's
        return unlogged_batch(bound)

    def _execute(self, statement: Statement, place: str, rows: int, done: Done) -> None:
        where = place if rows == 1 else f"{place} and {rows - 1} more"
        first = Lock()

        def answer(error: Exception | None) -> None:
            # the driver (3.30.1) may answer twice: with its timeout, then with what a retry's late answer says
            if first.acquire(blocking=False):
                done(error)

        future = self._session.driver.execute_async(statement)
        future.add_callbacks(callback=lambda _: answer(None), errback=lambda error: answer(_meaning(error, where)))

    def require_table(self) -> None:
        """Inconsistent if Cassandra rejects the INSERT itself: then no single row is to blame."""
        self._session.prepare(self._insert_cql)

    def keyspace_id(self) -> str:
        """Which keyspace the events go to; other clusters' keyspaces have other ids."""
        return self._session.keyspace_id()

    def retention(self) -> Retention:
        """How long hours take events."""
        return read_retention(self._session)

    def privacy(self) -> PrivacyInForce:
        """What the installation stores of the fields that identify people."""
        return read_privacy(self._session)[-1]

    def erasures(self, *, after_ms: int = 0) -> list[Erasure]:
        """Who was erased, in events after this time."""
        return read_erasures(self._session, after_ms=after_ms)

    def layouts(self) -> Layouts | None:
        """The bucket layouts; None while no process has stored the first."""
        return stored_layouts(self._session)

    def store_first_layout(self, *, one_bucket_before_ms: int | None) -> None:
        """Store the first layout; does nothing if another process was faster."""
        store_first_layout(self._session, one_bucket_before_ms=one_bucket_before_ms)


def _text(hour_ms: int) -> str:
    return f"{from_ms(hour_ms):%Y-%m-%dT%H}"


def _meaning(error: Exception, where: str) -> Exception:
    """RowsRejected for invalid rows; StoreUnavailable if the outcome is unknown, so the write must be repeated."""
    if isinstance(error, InvalidRequest):
        meaning: Exception = RowsRejected(f"Cassandra rejects rows as invalid ({where}): {error}")
    elif isinstance(error, DriverException | NoHostAvailable | ErrorMessage | OSError):
        meaning = StoreUnavailable(f"Cassandra didn't confirm a write ({where}): {error}")
    else:
        meaning = error
    meaning.__cause__ = error
    return meaning

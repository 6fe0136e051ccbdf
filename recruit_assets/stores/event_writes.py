"""The one write path of raw_events and event_changes: unlogged single-partition batches, written at the record's time.

Belongs here: the statements, values as Cassandra's native protocol spells them, sending, what an answer means. Not
here: which events go into a batch, retries, the order of steps (`ingest.writer`).
"""

import struct
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

from cassandra import DriverException, InvalidRequest
from cassandra.cluster import NoHostAvailable
from cassandra.protocol import ErrorMessage
from cassandra.query import UNSET_VALUE, BatchStatement, BatchType

from recruit_assets.contract import BUCKET_LAYOUT, CHANGE_SHARDS, EVENT_CHANGES, RAW_EVENTS
from recruit_assets.errors import Inconsistent, StoreUnavailable
from recruit_assets.stores.cassandra import CassandraSession
from recruit_assets.transforms.bucket import HOUR_MS, Layout, Layouts
from recruit_assets.transforms.validate import Event

MAX_BATCH_BYTES = 48 * 1024
"""Cassandra refuses batches above 50 KiB by default (batch_size_fail_threshold)."""
ROW_BYTES = 512
"""What Cassandra counts for a row beside its event's JSON: 20 bytes a cell for timestamp, expiry and deletion time, of
which a field's name and punctuation in the JSON make up for 6 or more."""

_int = struct.Struct(">i").pack
_bigint = struct.Struct(">q").pack
_routing_key = struct.Struct(">HqBHiB").pack

Partition = tuple[int, int]
"""event_hour (ms since the epoch) and bucket."""
Done = Callable[[Exception | None], None]
"""Called once, on a driver's thread, with None, RowsRefused or StoreUnavailable."""


class RowsRefused(Inconsistent):
    """Cassandra refuses at least one row of a batch as invalid; nothing of the batch is written."""


@dataclass(slots=True)
class RawRow:
    """A row of raw_events, as bound to the INSERT."""

    values: list[bytes | object]
    size_bytes: int


class EventWrites:
    """Prepared statements for one session; safe to share between threads."""

    def __init__(self, session: CassandraSession) -> None:
        self._session = session
        columns = RAW_EVENTS.column_names
        marks = ", ".join("?" * len(columns))
        self._insert_cql = (
            f"INSERT INTO {session.table(RAW_EVENTS)} ({', '.join(columns)}) VALUES ({marks}) USING TIMESTAMP ?"
        )
        self._insert_id = session.prepare(self._insert_cql).query_id
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
        # what batch.add() does with a bound statement, without binding: the values are bytes already
        batch._statements_and_parameters = [(True, self._insert_id, row.values) for row in rows]
        future = self._session.driver.execute_async(batch)
        future.add_callbacks(callback=lambda _: done(None), errback=lambda error: done(_meaning(error, partition)))

    def send_change(self, hour_ms: int, buckets: set[int], *, row_count: int, done: Done) -> None:
        """Tell the change feed about durable rows of an hour; returns at once. Repeating it is harmless."""
        hour = datetime.fromtimestamp(hour_ms / 1000, UTC)
        shard = hour_ms // HOUR_MS % CHANGE_SHARDS
        future = self._session.driver.execute_async(self._change, (shard, hour, buckets, row_count))
        where = (hour_ms, -1)
        future.add_callbacks(callback=lambda _: done(None), errback=lambda error: done(_meaning(error, where)))

    def require_table(self) -> None:
        """Inconsistent when Cassandra refuses the INSERT itself: then no single row is to blame."""
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


def raw_row(event: Event, partition: Partition, *, received_at_ms: int) -> RawRow:
    """The event as a row that is written at its Kafka record's time: a redelivery changes nothing. Nulls stay unset."""
    unset = UNSET_VALUE
    values: list[bytes | object] = [_bigint(partition[0]), _int(partition[1]), event.key]
    values += [
        unset if value is None else value.encode() if type(value) is str else _int(value) for value in event.values[1:]
    ]
    extra = unset if event.extra is None else event.extra.encode()
    received_at = _bigint(received_at_ms)
    values += [_bigint(event.event_time_ms), received_at, extra, _bigint(received_at_ms * 1000)]
    return RawRow(values, event.size_bytes + ROW_BYTES)


def _meaning(error: Exception, partition: Partition) -> Exception:
    """Refused as invalid, or unknown: then the same rows are written again (C1-C3)."""
    where = f"{RAW_EVENTS.name}, hour {datetime.fromtimestamp(partition[0] / 1000, UTC):%Y-%m-%dT%H}, {partition[1]=}"
    if isinstance(error, InvalidRequest):
        meaning: Exception = RowsRefused(f"Cassandra refuses rows as invalid ({where}): {error}")
    elif isinstance(error, DriverException | NoHostAvailable | ErrorMessage | OSError):
        meaning = StoreUnavailable(f"Cassandra doesn't confirm a write ({where}): {error}")
    else:
        meaning = error
    meaning.__cause__ = error
    return meaning

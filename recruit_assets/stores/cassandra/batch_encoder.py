"""Encodes rows of raw_events as BATCH messages of Cassandra's native protocol (v5, section 4.1.7).

The driver's own encoder took a quarter of ingest's time per row. Replacing it takes more than the driver's public API
offers. Checked with CHECKED_WITH: after an upgrade, `unit/stores/cassandra/test_compat.py` and `test_batch_encoder.py`
show what has changed.
"""

import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from io import BytesIO

from cassandra import ProtocolVersion
from cassandra.protocol import BatchMessage, ProtocolHandler
from cassandra.query import BatchStatement, BatchType

from recruit_assets.transforms.validate import COLUMNS, Event, Value

CHECKED_WITH = {"cassandra-driver": "3.30.1"}

CACHED_CELLS = 50_000
CACHED_CELL_BYTES = 256
"""Most values occur in many events: browsers, sizes, campaigns, ids. The cache takes up to 15 MB."""
ROW_BYTES = 512
"""What Cassandra counts for a row in addition to its event's JSON: 20 bytes per cell for timestamp, expiry and deletion
time, less the field's name and punctuation in the JSON."""
PROTOCOL_VERSION = ProtocolVersion.V5
WITH_KEYSPACE = 0x80

_length = struct.Struct(">i").pack
_short = struct.Struct(">H").pack
_int_cell = struct.Struct(">ii").pack
_key_cells = struct.Struct(">iqiii").pack
_time_cells = struct.Struct(">iqiq").pack
_timestamp_cell = struct.Struct(">iq").pack
_routing_key = struct.Struct(">HqBHiB").pack
_batch_head = struct.Struct(">BH").pack
_batch_tail = struct.Struct(">HIH").pack
_DELETED = _length(-1)
_UNSET = _length(-2)

Partition = tuple[int, int]
"""event_hour (ms since the epoch) and bucket."""


@dataclass(slots=True)
class RawRow:
    """A row of raw_events: the values of its INSERT, each after its length."""

    partition: Partition
    cells: bytes
    size_bytes: int


def raw_row(event: Event, partition: Partition, *, received_at_ms: int) -> RawRow:
    """The event as a row whose write time is its Kafka record's, so a redelivery changes nothing.

    Nulls stay unset. Erased columns are deleted: of writes with the same time, the deletion wins.
    """
    cells = (
        _key_cells(8, partition[0], 4, partition[1], 16),
        event.key,
        *(map(_cell, event.values[1:]) if not event.erased else _cells_without(event)),
        _time_cells(8, event.event_time_ms, 8, received_at_ms),
        _DELETED if "extra" in event.erased else _cell(event.extra),
        _timestamp_cell(8, received_at_ms * 1000),
    )
    return RawRow(partition, b"".join(cells), event.size_bytes + ROW_BYTES)


class _Cells(dict[Value, bytes]):
    """The cell of each value. Caches short cells, and clears the cache when it is full."""

    def __missing__(self, value: Value) -> bytes:
        if value is None:
            cell = _UNSET
        elif type(value) is int:
            cell = _int_cell(4, value)
        else:
            text = str(value).encode()
            cell = _length(len(text)) + text
        if len(cell) <= CACHED_CELL_BYTES:
            if len(self) >= CACHED_CELLS:
                self.clear()
            self[value] = cell
        return cell


_cell = _Cells().__getitem__


def _cells_without(event: Event) -> Iterator[bytes]:
    """The cells of an event with erased columns, without create_time."""
    for name, value in zip(COLUMNS[1:], event.values[1:], strict=True):
        yield _DELETED if name in event.erased else _cell(value)


def insert_head(query_id: bytes, values: int) -> bytes:
    """The bytes before the cells of each row: a prepared statement, and its number of values."""
    return b"\x01" + _short(len(query_id)) + query_id + _short(values)


@dataclass(frozen=True, slots=True)
class EncodedRows:
    """Replaces the list of statements in the driver's batch."""

    head: bytes
    rows: Sequence[RawRow]

    def __len__(self) -> int:
        return len(self.rows)


def encoded_batch(rows: EncodedRows, *, keyspace: str) -> BatchStatement:
    """An unlogged batch of at least one row, for sessions whose client_protocol_handler is RowsProtocol.

    It is sent to the replicas of its first row, which pass on what belongs to others.
    """
    hour_ms, bucket = rows.rows[0].partition
    batch = BatchStatement(batch_type=BatchType.UNLOGGED)
    batch.is_idempotent = True
    batch.keyspace = keyspace
    batch.routing_key = _routing_key(8, hour_ms, 0, 4, bucket, 0)
    # where batch.add() collects bound statements
    batch._statements_and_parameters = rows
    return batch


class RowsProtocol(ProtocolHandler):  # type: ignore[misc]  # the driver has no types
    """The driver's protocol, except that batches of encoded rows are sent as they are."""

    @classmethod
    def encode_message(cls, msg: object, *frame: object, **options: object) -> bytes:
        if isinstance(msg, BatchMessage) and isinstance(msg.queries, EncodedRows):
            msg = _RowsMessage(msg)
        encoded: bytes = super().encode_message(msg, *frame, **options)
        return encoded


class _RowsMessage(BatchMessage):  # type: ignore[misc]
    """A BATCH of encoded rows."""

    def __init__(self, batch: BatchMessage) -> None:
        super().__init__(batch.batch_type, batch.queries, batch.consistency_level, keyspace=batch.keyspace)

    def send_body(self, f: BytesIO, protocol_version: int) -> None:
        if protocol_version != PROTOCOL_VERSION:
            raise ValueError(f"rows are encoded for protocol version {PROTOCOL_VERSION}, not {protocol_version}")
        queries, keyspace = self.queries, self.keyspace.encode()
        f.write(_batch_head(self.batch_type.value, len(queries)))
        f.write(queries.head)
        f.write(queries.head.join([row.cells for row in queries.rows]))
        f.write(_batch_tail(self.consistency_level, WITH_KEYSPACE, len(keyspace)))
        f.write(keyspace)

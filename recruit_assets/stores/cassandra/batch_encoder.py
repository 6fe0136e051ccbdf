"""Rows of raw_events as the bytes of Cassandra's native protocol: made once, and sent as they are.

Belongs here: how a row's cells are spelled in a BATCH message (native protocol v5, section 4.1.7), and the handler by
which the driver sends such rows. Not here: statements, sending, what an answer means (`event_writes`).

The driver would look at all 32 cells of a row again to write them: that was a quarter of what a row cost ingest.
"""

import struct
from dataclasses import dataclass
from io import BytesIO

from cassandra import ProtocolVersion
from cassandra.protocol import BatchMessage, ProtocolHandler

from recruit_assets.transforms.validate import Event, Value

CACHED_CELLS = 50_000
CACHED_CELL_BYTES = 256
"""Most cells were in other events before: browsers, sizes, campaigns, ids. The cache holds 15 MB at most."""
ROW_BYTES = 512
"""What Cassandra counts for a row beside its event's JSON: 20 bytes a cell for timestamp, expiry and deletion time, of
which a field's name and punctuation in the JSON make up for 6 or more."""
PROTOCOL_VERSION = ProtocolVersion.V5
WITH_KEYSPACE = 0x80

_length = struct.Struct(">i").pack
_short = struct.Struct(">H").pack
_int_cell = struct.Struct(">ii").pack
_key_cells = struct.Struct(">iqiii").pack
_time_cells = struct.Struct(">iqiq").pack
_timestamp_cell = struct.Struct(">iq").pack
_batch_head = struct.Struct(">BH").pack
_batch_tail = struct.Struct(">HIH").pack
_UNSET = _length(-2)

Partition = tuple[int, int]
"""event_hour (ms since the epoch) and bucket."""


@dataclass(slots=True)
class RawRow:
    """A row of raw_events: the values of its INSERT, each with its length before it."""

    cells: bytes
    size_bytes: int


def raw_row(event: Event, partition: Partition, *, received_at_ms: int) -> RawRow:
    """The event as a row that is written at its Kafka record's time: a redelivery changes nothing. Nulls stay unset."""
    cells = (
        _key_cells(8, partition[0], 4, partition[1], 16),
        event.key,
        *map(_cell, event.values[1:]),
        _time_cells(8, event.event_time_ms, 8, received_at_ms),
        _cell(event.extra),
        _timestamp_cell(8, received_at_ms * 1000),
    )
    return RawRow(b"".join(cells), event.size_bytes + ROW_BYTES)


class _Cells(dict[Value, bytes]):
    """The cell of a value. Remembers short ones; when they are too many it begins anew."""

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


def insert_head(query_id: bytes, values: int) -> bytes:
    """What comes before the cells of each row: a prepared statement, and how many values it gets."""
    return b"\x01" + _short(len(query_id)) + query_id + _short(values)


@dataclass(frozen=True, slots=True)
class EncodedRows:
    """Stands in a driver's batch for its list of statements."""

    head: bytes
    rows: list[RawRow]

    def __len__(self) -> int:
        return len(self.rows)


class RowsProtocol(ProtocolHandler):  # type: ignore[misc]  # the driver has no types
    """The driver's own protocol, except that a batch of encoded rows is written as it is."""

    @classmethod
    def encode_message(cls, msg: object, *frame: object, **options: object) -> bytes:
        if isinstance(msg, BatchMessage) and isinstance(msg.queries, EncodedRows):
            msg = _RowsMessage(msg)
        encoded: bytes = super().encode_message(msg, *frame, **options)
        return encoded


class _RowsMessage(BatchMessage):  # type: ignore[misc]
    """A BATCH whose rows are encoded already."""

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

"""A batch has the same bytes as if the driver had encoded it."""

import json
from uuid import UUID

import pytest
from cassandra import ConsistencyLevel
from cassandra.cqltypes import Int32Type, LongType, UTF8Type
from cassandra.protocol import BatchMessage, ProtocolHandler
from cassandra.query import UNSET_VALUE, BatchType
from hypothesis import given
from hypothesis import strategies as st

from recruit_assets.contract.events import EVENT_COLUMNS
from recruit_assets.contract.privacy import PERSONAL_FIELDS
from recruit_assets.contract.tables import RAW_EVENTS
from recruit_assets.contract.types import Type
from recruit_assets.stores.cassandra import batch_encoder as row_bytes
from recruit_assets.stores.cassandra.batch_encoder import EncodedRows, RawRow, RowsProtocol, insert_head, raw_row
from recruit_assets.transforms.validate import Event, Limits, Value, read_event
from recruit_assets_tests.support.builders import an_event, as_bytes

RECEIVED_AT_MS = 1_767_600_000_123
SEVEN_MS = 1_767_596_400_000
PARTITION = (SEVEN_MS, 26)
QUERY_ID = bytes(range(16))
VALUES = len(RAW_EVENTS.columns) + 1

texts = st.none() | st.text(max_size=300).filter(lambda text: "\ud800" not in text)
numbers = st.none() | st.integers(-(2**31), 2**31 - 1)
event_values = st.tuples(*(numbers if column.type is Type.INT else texts for column in EVENT_COLUMNS))
events = st.builds(
    lambda key, time_ms, values, extra, erased: Event(key.bytes, time_ms, list(values), extra, 700, erased),
    st.uuids(),
    st.integers(0, 2**42),
    event_values,
    texts,
    st.sampled_from((frozenset(), frozenset((*PERSONAL_FIELDS, "extra")))),
)


@given(st.lists(events, min_size=1, max_size=3))
def test_a_batch_is_sent_as_the_driver_sends_it(batch: list[Event]) -> None:
    rows = [raw_row(event, PARTITION, received_at_ms=RECEIVED_AT_MS) for event in batch]

    assert sent(rows) == sent_by_driver(batch)


def test_a_value_that_was_in_many_events_keeps_its_own_cell(monkeypatch: pytest.MonkeyPatch) -> None:
    """The cache must tell 1 from "1", and must not mix up values when it is full."""
    monkeypatch.setattr(row_bytes, "CACHED_CELLS", 2)
    values: list[Value] = [None] * len(EVENT_COLUMNS)
    batch = []
    for bid, bn in [(1, "1"), (0, ""), (1, "0"), (7, "1")]:
        values[1:3] = bid, bn
        batch.append(Event(UUID(int=bid).bytes, SEVEN_MS, list(values), None, 700))

    assert sent([raw_row(each, PARTITION, received_at_ms=RECEIVED_AT_MS) for each in batch]) == sent_by_driver(batch)


def test_unknown_fields_are_stored_in_one_cell() -> None:
    event = read_event(as_bytes(an_event(plan="gold")), RECEIVED_AT_MS, limits=Limits(1_000_000, 0))

    row = raw_row(event, PARTITION, received_at_ms=RECEIVED_AT_MS)

    assert json.dumps({"plan": "gold"}, separators=(",", ":")).encode() in row.cells
    assert sent([row]) == sent_by_driver([event])


def test_rows_are_for_one_version_of_the_protocol() -> None:
    with pytest.raises(ValueError, match="protocol version 5, not 4"):
        sent([], protocol_version=4)


def sent(rows: list[RawRow], *, protocol_version: int = 5) -> bytes:
    message = a_batch(EncodedRows(insert_head(QUERY_ID, VALUES), rows))
    return RowsProtocol.encode_message(message, 7, protocol_version, None, False)


def sent_by_driver(batch: list[Event]) -> bytes:
    message = a_batch([(True, QUERY_ID, bound(event)) for event in batch])
    encoded: bytes = ProtocolHandler.encode_message(message, 7, 5, None, False)
    return encoded


def a_batch(queries: object) -> BatchMessage:
    return BatchMessage(BatchType.UNLOGGED, queries, ConsistencyLevel.LOCAL_QUORUM, keyspace="recruit")


def bound(event: Event) -> list[object]:
    """Each value as the driver's types serialize it."""
    types = {column.name: Int32Type if column.type is Type.INT else UTF8Type for column in EVENT_COLUMNS}
    cells: list[object] = [LongType.serialize(SEVEN_MS, 5), Int32Type.serialize(26, 5), event.key]
    for column, value in zip(EVENT_COLUMNS[1:], event.values[1:], strict=True):
        absent = None if column.name in event.erased else UNSET_VALUE
        cells.append(absent if value is None or absent is None else types[column.name].serialize(value, 5))
    cells += [LongType.serialize(moment, 5) for moment in (event.event_time_ms, RECEIVED_AT_MS)]
    if "extra" in event.erased:
        cells.append(None)
    else:
        cells.append(UNSET_VALUE if event.extra is None else UTF8Type.serialize(event.extra, 5))
    return [*cells, LongType.serialize(RECEIVED_AT_MS * 1000, 5)]

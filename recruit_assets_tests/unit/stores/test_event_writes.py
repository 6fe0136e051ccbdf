"""A row's bytes are what the driver itself would bind."""

import json

from cassandra.cqltypes import Int32Type, LongType, UTF8Type
from cassandra.query import UNSET_VALUE

from recruit_assets.contract import RAW_EVENTS, Type
from recruit_assets.stores.event_writes import raw_row
from recruit_assets.transforms.validate import Limits, read_event
from recruit_assets_tests.support.builders import an_event, as_bytes

RECEIVED_AT_MS = 1_767_600_000_123
SEVEN_MS = 1_767_596_400_000


def test_a_row_binds_each_column_as_the_driver_would_and_leaves_nulls_unset() -> None:
    sent = an_event(bid=-1, dt="é", plan="gold")
    event = read_event(as_bytes(sent), RECEIVED_AT_MS, limits=Limits(1_000_000, 0))

    row = raw_row(event, (SEVEN_MS, 26), received_at_ms=RECEIVED_AT_MS)

    bound = dict(zip((*RAW_EVENTS.column_names, "timestamp"), row.values, strict=True))
    assert bound.pop("event_hour") == LongType.serialize(SEVEN_MS, 5)
    assert bound.pop("bucket") == Int32Type.serialize(26, 5)
    assert bound.pop("create_time") == event.create_time.bytes
    assert bound.pop("event_time") == LongType.serialize(event.event_time_ms, 5)
    assert bound.pop("received_at") == LongType.serialize(RECEIVED_AT_MS, 5)
    assert bound.pop("timestamp") == LongType.serialize(RECEIVED_AT_MS * 1000, 5)
    assert bound.pop("extra") == UTF8Type.serialize(json.dumps({"plan": "gold"}, separators=(",", ":")), 5)
    types = {column.name: Int32Type if column.type is Type.INT else UTF8Type for column in RAW_EVENTS.columns}
    assert bound == {
        name: types[name].serialize(sent[name], 5) if sent.get(name) is not None else UNSET_VALUE for name in bound
    }

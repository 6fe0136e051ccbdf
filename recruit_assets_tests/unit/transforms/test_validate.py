"""Parsing a record: the value of each accepted spelling, and the reason of each malformed kind."""

import json
from contextlib import suppress
from datetime import timedelta
from fractions import Fraction
from uuid import UUID, uuid1

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from recruit_assets.contract.cut_values import CutValue
from recruit_assets.contract.dead_letters import DeadLetterReason
from recruit_assets.contract.events import EVENT_COLUMNS
from recruit_assets.contract.retention import Retention, RetentionChange
from recruit_assets.contract.types import Column, Type
from recruit_assets.runtime.errors import RejectedEvent
from recruit_assets.runtime.times import from_ms
from recruit_assets.transforms.validate import Event, Limits, read_event, time_ms, uuid_time_ms

FIRST_HOUR_MS = 1_704_067_200_000  # 2024-01-01 00:00
LIMITS = Limits(max_bytes=64 * 1024, first_hour_ms=FIRST_HOUR_MS)
CREATE_TIME = "5e50a9c2-aad9-11ee-9f2a-0242ac120002"  # 2024-01-04 08:15:06.203
RECEIVED_AT_MS = 1_704_400_000_000  # 2024-01-04 20:26:40


def read(value: bytes | None, received_at_ms: int = RECEIVED_AT_MS) -> Event:
    return read_event(value, received_at_ms, limits=LIMITS)


def an_event(**fields: object) -> bytes:
    return json.dumps({"create_time": CREATE_TIME, "ts": "2024-01-04 08:00:00"} | fields).encode()


def with_field(name: str, text: str) -> bytes:
    """An event with this JSON text as the value of a field."""
    return an_event()[:-1] + f', "{name}": {text}}}'.encode()


def nested(levels: int) -> bytes:
    return b'{"create_time": "%s", "deep": %s1%s}' % (CREATE_TIME.encode(), b'{"a":' * levels, b"}" * levels)


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ("1", 1),
        ("1.0", 1),
        ('"1"', 1),
        ('"1.0"', 1),
        ("-7", -7),
        ("0", 0),
        ('"-0"', 0),
        ('"007"', 7),
        ("1e3", 1000),
        ("1E+03", 1000),
        ("120e-1", 12),
        ("-0.0", 0),
        ("0e999999999999999999", 0),
        ("1e0000000000000000000001", 10),
        ("0.0000000000000000000012e22", 12),
        ("7.00000000000000000000000", 7),
        ("2147483647.0000000000", 2**31 - 1),
        pytest.param("1" + "0" * 5000 + "e-5000", 1, id="5000 zeros"),
        pytest.param('"' + "0" * 5000 + '1"', 1, id="5000 zeros before"),
        ("2147483647", 2**31 - 1),
        ("-2147483648", -(2**31)),
        ('"-2147483648"', -(2**31)),
        ("2147483647.0", 2**31 - 1),
        ("null", None),
    ],
)
def test_a_whole_number_may_be_spelled_in_several_ways(sent: str, kept: int | None) -> None:
    event = read(b'{"create_time": "%s", "job_id": %s}' % (CREATE_TIME.encode(), sent.encode()))

    found = event.value("job_id")
    assert (found, type(found)) == (kept, type(kept))


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ('"Chrome"', "Chrome"),
        ("true", "true"),
        ("false", "false"),
        ("12", "12"),
        ("1.10", "1.10"),
        ('""', ""),
        ("184467440737095516161", "184467440737095516161"),
        ("null", None),
        (r'"a\u0000b"', "a\0b"),
        ('"é😀"', "é😀"),
    ],
)
def test_text_is_kept_and_other_scalars_become_their_json_text(sent: str, kept: str | None) -> None:
    event = read(b'{"create_time": "%s", "bn": %s}' % (CREATE_TIME.encode(), sent.encode()))

    assert event.value("bn") == kept


@pytest.mark.parametrize(
    ("ts", "expected_ms"),
    [
        ("2024-01-04 08:00:00", 1_704_355_200_000),
        ("2024-01-04T08:00:00", 1_704_355_200_000),
        ("2024-01-04T08:00:00Z", 1_704_355_200_000),
        ("2024-01-04 10:00:00+02:00", 1_704_355_200_000),
        ("2024-01-04 10:00:00+0200", 1_704_355_200_000),
        ("2024-01-04 10:00:00+02", 1_704_355_200_000),
        ("2024-01-04 03:30:00-04:30", 1_704_355_200_000),
        ("2024-01-04 08:00:00-00:00", 1_704_355_200_000),
        ("2024-01-05 07:59:00+23:59", 1_704_355_200_000),
        ("2024-01-04 08:00:00.5", 1_704_355_200_500),
        ("2024-01-04 08:00:00.1239999", 1_704_355_200_123),
        ("2024-01-04 08:59:59.9999999999999", 1_704_358_799_999),
        ("1969-12-31 23:59:59.9996", -1),
    ],
)
def test_event_time_is_utc_and_cut_to_the_millisecond(ts: str, expected_ms: int) -> None:
    """Rounding would move an event of the last half millisecond into the next hour."""
    assert time_ms(ts) == expected_ms


@pytest.mark.parametrize("fields", [{}, {"ts": None}])
def test_without_ts_the_event_time_is_the_one_inside_create_time(fields: dict[str, None]) -> None:
    event = read(json.dumps({"create_time": CREATE_TIME} | fields).encode())

    assert (event.event_time_ms, event.value("ts")) == (1_704_356_106_203, None)


def test_the_time_inside_a_uuid_agrees_with_pythons() -> None:
    made = uuid1()

    assert uuid_time_ms(made.bytes) == (made.time - 0x01B21DD213814000) // 10_000


def test_identity_ignores_the_case_of_the_uuid() -> None:
    assert read(an_event(create_time=CREATE_TIME.upper())).create_time == UUID(CREATE_TIME)


@pytest.mark.parametrize("spelling", ["click", "clicks"])
def test_both_spellings_of_a_click_are_the_same_action(spelling: str) -> None:
    assert read(an_event(custom_track=spelling)).action == "click"


@pytest.mark.parametrize(
    ("fields", "unattributed"),
    [
        ({"custom_track": "click"}, True),
        ({"custom_track": "click", "job_id": 0}, False),
        ({"custom_track": "view"}, False),
        ({}, False),
    ],
)
def test_a_countable_event_without_job_is_unattributed(fields: dict[str, object], unattributed: bool) -> None:
    assert read(an_event(**fields)).is_unattributed is unattributed


def test_unknown_fields_are_kept_as_they_were_sent() -> None:
    event = read(
        b'{"create_time": "%s", "geo": {"lat": 1.10, "big": 18446744073709551617}, "beta": true, "none": null}'
        % CREATE_TIME.encode()
    )

    assert event.extra == '{"geo":{"lat":1.10,"big":18446744073709551617},"beta":true,"none":null}'


@pytest.mark.parametrize("names", [[], [column.name for column in EVENT_COLUMNS]], ids=["few", "all"])
def test_an_event_with_known_fields_only_has_nothing_extra(names: list[str]) -> None:
    assert read(an_event(**dict.fromkeys(names) | {"create_time": CREATE_TIME})).extra is None


def test_a_number_larger_than_any_double_costs_only_a_column_that_counts() -> None:
    event = read(an_event(job_id=7, bn=1.5)[:-1] + b', "weight": 1e400, "geo": [1e-400, 1.50]}')

    assert (event.value("job_id"), event.value("bn")) == (7, "1.5")
    assert event.extra == '{"weight":1e400,"geo":[1e-400,1.50]}'


def test_the_last_value_of_a_repeated_key_counts() -> None:
    event = read(b'{"create_time": "%s", "job_id": 1, "bn": 1.50, "job_id": 2, "bn": 2.50}' % CREATE_TIME.encode())

    assert (event.value("job_id"), event.value("bn")) == (2, "2.50")


MALFORMED = [
    ("empty", b"", "no bytes"),
    ("tombstone", None, "null"),
    ("not_utf8", b"\xe9", "0xe9 at 0"),
    ("not_utf8", b"\xef\xbb\xbf" + an_event(), "byte order mark"),
    ("not_utf8", an_event().decode().encode("utf-16"), "byte order mark"),
    ("not_utf8", an_event().decode().encode("utf-16-le"), "UTF-16"),
    ("not_utf8", an_event().decode().encode("utf-16-be"), "UTF-16"),
    ("not_utf8", an_event().decode().encode("utf-32-le"), "UTF-16"),
    ("not_utf8", an_event().decode().encode("utf-32-be"), "UTF-16"),
    ("not_utf8", b'{"bn": "\xed\xa0\xbd"}', "isn't UTF-8"),
    ("not_json", an_event()[:-1], "isn't one JSON document"),
    ("not_json", an_event() + an_event(), "isn't one JSON document"),
    ("not_json", b"   ", "isn't one JSON document"),
    ("not_json", an_event(bn="x").replace(b'"x"', b"NaN"), "isn't one JSON document"),
    ("not_json", an_event(bn="x").replace(b'"x"', rb'"\ud83d"'), "surrogate"),
    ("not_json", an_event(bn="x").replace(b'"x"', b'"\x00"'), "control character"),
    ("not_object", b"null", "found null"),
    ("not_object", b"[1, 2]", "found an array: 2 items"),
    ("not_object", b'"event"', "found a string: 'event'"),
    ("not_object", b"7", "found a number: 7"),
    ("too_deep", b"[" * 2000, "nests too deeply"),
    ("too_deep", nested(2000), "nests too deeply"),
    ("too_deep", nested(1010), "nests too deeply"),
    ("too_deep", nested(400), "nests too deeply"),
    ("too_large", an_event(dl="x" * 65_536), "allows 65536"),
    ("too_large", CutValue.of([an_event(), b" " * 65_536]), "its value has 65620 bytes"),
    ("missing", b"{}", "create_time: absent"),
    ("missing", an_event(create_time=None), "create_time: absent"),
    ("invalid_uuid", an_event(create_time="guest"), "found a string 'guest'"),
    ("invalid_uuid", an_event(create_time=""), "create_time"),
    ("invalid_uuid", an_event(create_time=12), "found a number 12"),
    ("invalid_uuid", an_event(create_time="0d9c4b3e-8a53-4b8e-9d55-7a55f0a2a3aa"), "version-1"),
    ("invalid_uuid", an_event(create_time="{" + CREATE_TIME + "}"), "version-1"),
    ("invalid_uuid", an_event(create_time=CREATE_TIME + "\n"), "version-1"),
    ("wrong_type", an_event(job_id=1.5), "job_id: wanted a whole number, found a number 1.5"),
    ("wrong_type", an_event(job_id="12.5"), "job_id: wanted a whole number, found a string '12.5'"),
    ("wrong_type", an_event(job_id=True), "job_id: wanted a whole number, found a boolean True"),
    ("wrong_type", an_event(job_id=""), "job_id"),
    ("wrong_type", an_event(job_id="٣"), "job_id"),
    ("wrong_type", an_event(job_id=[1]), "job_id: wanted a whole number, found an array 1 items"),
    ("wrong_type", an_event(bn={}), "bn: wanted text, found an object 0 items"),
    ("wrong_type", an_event(ed={"k": 1}), "ed: wanted text, found an object 1 items"),
    ("wrong_type", an_event(ts=[]), "ts: wanted text"),
    ("out_of_range", an_event(bid=2**31), "bid: wanted a 32-bit integer, found 2147483648"),
    ("out_of_range", an_event(bid=-(2**31) - 1), "bid"),
    ("out_of_range", an_event(bid=2**63), "bid"),
    ("out_of_range", an_event(bid=2**64), "bid"),
    ("out_of_range", an_event(bid="9" * 5000), r"bid: wanted a 32-bit integer, found '9{59}\.\.\. \(5002 characters\)"),
    ("out_of_range", with_field("bid", "1e400"), "bid: wanted a 32-bit integer, found 1e400"),
    ("out_of_range", with_field("bid", "-1e99999999999999999999"), "bid: wanted a 32-bit integer"),
    ("out_of_range", with_field("bid", "1e" + "9" * 5000), "bid: wanted a 32-bit integer"),
    ("wrong_type", with_field("bid", "1e-" + "9" * 5000), "bid: wanted a whole number"),
    ("out_of_range", with_field("bid", "2147483648.0"), "bid"),
    ("wrong_type", with_field("bid", "2147483647.0000001"), "bid: wanted a whole number"),
    ("wrong_type", with_field("bid", "1.00000000000000000001"), "bid: wanted a whole number"),
    ("wrong_type", with_field("bid", "1e-400"), "bid: wanted a whole number"),
    ("wrong_type", with_field("bid", '"1e3"'), "bid: wanted a whole number"),
    ("not_json", with_field("bn", "1e400") + b"]", "isn't one JSON document"),
    ("not_json", with_field("bn", "[1e400, NaN]"), "NaN isn't JSON"),
    ("not_json", with_field("bn", r'[1e400, "\ud83d"]'), "isn't one JSON document"),
    ("not_utf8", with_field("bn", "1e400").replace(b"08:00", b"\xe9"), "0xe9"),
    ("not_object", b"[1e400]", "found an array: 1 items"),
    ("not_object", b"1e400", "found a number: 1e400"),
    ("invalid_uuid", with_field("create_time", "1e400"), "found a number 1e400"),
    ("wrong_type", with_field("bn", "[1e400]"), "bn: wanted text, found an array"),
    ("too_deep", with_field("deep", "[" * 500 + "1e400" + "]" * 500), "nests too deeply"),
    ("bad_timestamp", with_field("ts", "1e400"), "found '1e400'"),
    ("bad_timestamp", an_event(ts="2024-02-30 00:00:00"), "2024-02-30"),
    ("bad_timestamp", an_event(ts="2024-01-04 24:00:00"), "24:00"),
    ("bad_timestamp", an_event(ts="2024-01-04 23:59:60"), "23:59:60"),
    ("bad_timestamp", an_event(ts="2024-01-04 08:00:00+25:00"), r"\+25:00"),
    *(
        ("bad_timestamp", an_event(ts=f"2024-01-04 08:00:00{zone}"), "found '2024-01-04 08:00:00")
        for zone in [
            *("+00:60", "-00:99", "+14:60", "+0060", "+24:00", "-24", "+5:30", "+05:3", "+05:30:00", "+05:", "+", "z"),
            *(" +05:30", "+\u0660\u0665:30", "\u221205:00", "UTC", "Z+01:00", "+1", "+005", "++05"),
        ]
    ),
    ("bad_timestamp", an_event(ts="2024-01-04 08:60:00"), "08:60"),
    ("bad_timestamp", an_event(ts="2024-01-04 08:00:61Z"), "08:00:61"),
    ("bad_timestamp", an_event(ts="0000-01-04 08:00:00"), "0000-01-04"),
    ("bad_timestamp", an_event(ts="-024-01-04 08:00:00"), "-024-01-04"),
    ("bad_timestamp", an_event(ts="12024-01-04 08:00:00"), "12024-01-04"),
    ("bad_timestamp", an_event(ts="2024-01-04 +8:00:00"), r"\+8:00"),
    ("bad_timestamp", an_event(ts="2024-01-04 08:00:00."), "08:00:00."),
    ("bad_timestamp", an_event(ts="2024-01-04 08:00:00,5"), "08:00:00,5"),
    ("bad_timestamp", an_event(ts="2024-01-04 08:00:00.١٢٣"), "08:00:00"),
    ("bad_timestamp", an_event(ts="2024-01-04 08:00:00\n"), "08:00:00"),
    ("bad_timestamp", an_event(ts="2024-01-04t08:00:00"), "t08"),
    ("bad_timestamp", an_event(ts="2024-W01-1"), "2024-W01-1"),
    ("bad_timestamp", an_event(ts="2024-01-04"), "2024-01-04"),
    ("bad_timestamp", an_event(ts="20240104T080000"), "20240104T080000"),
    ("bad_timestamp", an_event(ts="2024-01-04 08:00:00 "), "ts"),
    ("bad_timestamp", an_event(ts="٢٠٢٤-01-04 08:00:00"), "ts"),
    ("bad_timestamp", an_event(ts=1704355200), "'1704355200'"),
    ("bad_timestamp", an_event(ts=""), "found ''"),
    ("before_first_hour", an_event(ts="2023-12-31 23:59:59.999"), "2023-12-31 23:59:59.999"),
    ("before_first_hour", an_event(ts="0001-01-01 00:00:00+14:00"), "before RECRUIT_FIRST_HOUR"),
    ("future", an_event(ts="2024-01-04 20:31:40.001"), "more than 300 s after"),
    ("future", an_event(ts="9999-12-31 23:59:59-14:00"), "more than 300 s after"),
]


@pytest.mark.parametrize("column", EVENT_COLUMNS, ids=lambda column: column.name)
@pytest.mark.parametrize("sent", [[], [1], {}, {"a": 1}, True, 1.5, "x", ""], ids=json.dumps)
def test_every_field_rejects_values_of_other_types(column: Column, sent: object) -> None:
    """Whole numbers have several spellings, text fields accept all scalars, create_time and ts have their own rules."""
    is_scalar = not isinstance(sent, list | dict)
    if column.name == "create_time":
        expected = DeadLetterReason.INVALID_UUID
    elif is_scalar and column.name == "ts":
        expected = DeadLetterReason.BAD_TIMESTAMP
    elif is_scalar and column.type is Type.TEXT:
        assert read(an_event(**{column.name: sent})).value(column.name) is not None
        return
    else:
        expected = DeadLetterReason.WRONG_TYPE

    with pytest.raises(RejectedEvent, match=f"^{column.name}: ") as refused:
        read(an_event(**{column.name: sent}))

    assert refused.value.reason is expected


@pytest.mark.parametrize(("reason", "value", "message"), MALFORMED)
def test_a_malformed_record_has_its_typed_reason(reason: str, value: bytes | None, message: str) -> None:
    with pytest.raises(RejectedEvent, match=message) as refused:
        read(value)

    assert refused.value.reason is DeadLetterReason(reason)


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (None, "the value is null"),
        (b"", "the value has no bytes"),
        (b" " * 65_537, "the value has 65537 bytes, RECRUIT_MAX_EVENT_BYTES allows 65536"),
        (
            CutValue.of([b" " * 65_537]),
            "the record has more than 8388608 bytes or 10000 headers; its value has 65537 bytes",
        ),
        (b"\xef\xbb\xbf" + b"{" * 9, r"the value starts with a byte order mark: b'\xef\xbb\xbf{{{{{'"),
        (b"{}\xff", "the value isn't UTF-8: byte 0xff at 2, invalid start byte"),
        (b"{\x00" * 9, r"the value looks like UTF-16: b'{\x00{\x00{\x00{\x00'"),
        (b"[" * 2000, "the JSON document nests too deeply to be parsed"),
        (b"{", "the value isn't one JSON document: unexpected end of data: line 1 column 2 (char 1)"),
        (
            rb'[1e400, "\ud83d"]',
            "the value isn't one JSON document: str is not valid UTF-8: surrogates not allowed",
        ),
        (b"[1e400, NaN]", "the value isn't one JSON document: NaN isn't JSON"),
        (b"null", "wanted a JSON object, found null: None"),
        (b"true", "wanted a JSON object, found a boolean: True"),
        (b"[[]]", "wanted a JSON object, found an array: 1 items"),
        (b'"%s"' % (b"x" * 58), f"wanted a JSON object, found a string: '{'x' * 58}'"),
        (b'"%s"' % (b"x" * 59), f"wanted a JSON object, found a string: '{'x' * 59}... (61 characters)"),
        (b"{}", "create_time: absent or null"),
        (an_event(create_time=1.5), "create_time: wanted a version-1 UUID, found a number 1.5"),
        (an_event(job_id=True), "job_id: wanted a whole number, found a boolean True"),
        (
            with_field("bid", "1.00000000000000000001"),
            "bid: wanted a whole number, found a number 1.00000000000000000001",
        ),
        (with_field("bid", "3e9"), "bid: wanted a 32-bit integer, found 3e9"),
        (an_event(bn={"a": 1}), "bn: wanted text, found an object 1 items"),
        (an_event(ts="today"), "ts: wanted YYYY-MM-DD HH:MM:SS, found 'today'"),
        (an_event(ts="2024-02-30 00:00:00"), "ts: day is out of range for month, found '2024-02-30 00:00:00'"),
        (
            an_event(ts="2023-12-31 23:59:59"),
            "ts: event time 2023-12-31 23:59:59.000+00:00 is before RECRUIT_FIRST_HOUR 2024-01-01 00:00:00.000+00:00",
        ),
        (
            an_event(ts="2025-01-01 00:00:00"),
            "ts: event time 2025-01-01 00:00:00.000+00:00 is more than 300 s after the record's time "
            "2024-01-04 20:26:40.000+00:00",
        ),
        (
            an_event(ts="0001-01-01 00:00:00+14:00"),
            "ts: event time -62135647200000 ms after 1970 is before RECRUIT_FIRST_HOUR 2024-01-01 00:00:00.000+00:00",
        ),
    ],
)
def test_a_rejection_says_what_was_wanted_and_found(value: bytes | None, message: str) -> None:
    """It is all that operators see of a record without looking at its bytes."""
    with pytest.raises(RejectedEvent) as refused:
        read(value)

    assert str(refused.value) == message


def test_every_reason_that_a_record_by_itself_can_have_is_tried() -> None:
    by_others = {DeadLetterReason.REJECTED_BY_STORE, DeadLetterReason.TOO_LATE, DeadLetterReason.INTERNAL_ERROR}
    assert {DeadLetterReason(reason) for reason, _, _ in MALFORMED} == set(DeadLetterReason) - by_others


@pytest.mark.parametrize(
    ("ts", "is_too_late"), [("2023-12-05 19:59:59.999", True), ("2023-12-05 20:00:00", False), (None, False)]
)
def test_an_event_is_too_late_when_its_hours_retention_was_over_as_kafka_received_it(
    ts: str | None, is_too_late: bool
) -> None:
    stored_at = from_ms(RECEIVED_AT_MS) - timedelta(days=60)
    limits = Limits(64 * 1024, 0, retention=Retention((RetentionChange(stored_at, 30),)))

    def read_it() -> Event:
        return read_event(an_event(ts=ts), RECEIVED_AT_MS, limits=limits)

    if is_too_late:
        with pytest.raises(RejectedEvent, match=r"19:59:59\.999.* is before 2023-12-05 20:00:00") as refused:
            read_it()
        assert refused.value.reason is DeadLetterReason.TOO_LATE
    else:
        assert read_it()


def test_an_event_of_exactly_the_largest_size_is_accepted() -> None:
    room = LIMITS.max_bytes - len(an_event(bn=""))

    assert read(an_event(bn="x" * room)).size_bytes == LIMITS.max_bytes


def test_the_first_hour_begins_with_its_first_millisecond() -> None:
    assert read(an_event(ts="2024-01-01 00:00:00")).event_time_ms == FIRST_HOUR_MS


def test_an_event_at_the_very_edge_of_the_future_is_accepted() -> None:
    assert read(an_event(ts="2024-01-04 20:31:40.000")).event_time_ms == RECEIVED_AT_MS + 300_000


# a busy machine draws slowly, which says nothing about the code
patient = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)
names = st.sampled_from(["create_time", "ts", "bid", "bn", "job_id", "ed", "other"])
objects = st.dictionaries(names, json_values)


@patient
@given(st.binary(max_size=60) | objects.map(lambda found: json.dumps(found).encode()))
def test_any_bytes_give_an_event_or_a_reason(value: bytes) -> None:
    """Any other exception would stop ingest at this record."""
    with suppress(RejectedEvent):
        read(value)


@patient
@given(st.dictionaries(names, json_values), st.sampled_from([b"", b" "]))
def test_a_valid_event_keeps_every_text_and_unknown_field(fields: dict[str, object], space: bytes) -> None:
    fields = {name: found for name, found in fields.items() if isinstance(found, str) or name == "other"}
    fields = {name: found for name, found in fields.items() if name in {"bn", "ed", "other"}}
    event = read(space + json.dumps(fields | {"create_time": CREATE_TIME}, ensure_ascii=True).encode() + space)

    assert (event.value("bn"), event.value("ed")) == (fields.get("bn"), fields.get("ed"))
    assert json.loads(event.extra or "{}") == {name: found for name, found in fields.items() if name == "other"}


@patient
@given(st.integers(min_value=-(2**31), max_value=2**31 - 1))
def test_the_four_spellings_of_a_number_are_one(number: int) -> None:
    spellings = [f"{number}", f"{number}.0", f'"{number}"', f'"{number}.0"']

    assert {read(with_field("bid", text)).value("bid") for text in spellings} == {number}


number_texts = st.from_regex(r"-?(0|[1-9][0-9]{0,20})(\.[0-9]{1,20})?([eE][+-]?[0-9]{1,3})?", fullmatch=True)


@settings(patient, max_examples=500)
@given(number_texts)
def test_a_number_counts_if_its_text_is_a_whole_number(text: str) -> None:
    """The expected answer comes from exact fractions: a double would round 1e-400 to 0, a whole number."""
    exact = Fraction(text)
    in_range = -(2**31) <= exact < 2**31
    reason = None if exact.denominator == 1 and in_range else "out_of_range" if exact.denominator == 1 else "wrong_type"

    try:
        kept, refused = read(with_field("job_id", text)).value("job_id"), None
    except RejectedEvent as error:
        kept, refused = None, error.reason

    assert (kept, refused) == (exact if reason is None else None, reason)


@settings(patient, max_examples=300)
@given(number_texts, st.sampled_from(["bn", "other"]))
def test_a_number_in_a_field_that_nobody_counts_is_kept_as_it_was_sent(text: str, name: str) -> None:
    event = read(with_field(name, text))

    kept = event.value("bn") if name == "bn" else event.extra
    sent = "0" if text == "-0" else text  # the same whole number
    assert kept == (sent if name == "bn" else f'{{"other":{sent}}}')

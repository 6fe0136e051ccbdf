"""From a body or query to records: events get a create_time where they have none, everything else stays as it is."""

import json
from uuid import UUID

import pytest

from recruit_assets.collector.payload import form_records, json_records

GIVEN = "5e50a9c2-aad9-11ee-9f2a-0242ac120002"


def stamped(record: bytes) -> dict[str, object]:
    """The fields besides a create_time that was made; AssertionError without one."""
    fields: dict[str, object] = json.loads(record)
    assert UUID(str(fields.pop("create_time"))).version == 1
    return fields


@pytest.mark.parametrize(
    ("body", "fields"),
    [
        (b'{"job_id": 7}', {"job_id": 7}),
        (b' \n{"job_id": 7}', {"job_id": 7}),
        (b'{"create_time": null, "job_id": 7}', {"job_id": 7}),
        (b"{}", {}),
        ('{"dt": "é"}'.encode(), {"dt": "é"}),
    ],
)
def test_an_object_without_create_time_gets_one(body: bytes, fields: dict[str, object]) -> None:
    (record,) = json_records(body)

    assert stamped(record) == fields


@pytest.mark.parametrize("number", [b"1.10", b"18446744073709551617", b"0.12345678901234567890"])
@pytest.mark.parametrize("body", [b'{"bid": %s}', b'{"bid": %s, "create_time": null}', b'[{"bid": %s}]'])
def test_numbers_stay_as_they_were_sent(number: bytes, body: bytes) -> None:
    (record,) = json_records(body % number)

    assert number in record


@pytest.mark.parametrize(
    "body", [b'{"create_time": "%s"}' % GIVEN.encode(), b'{"create_time": 7}', b"{", b"7", b'"a"', b"\xff", b"null"]
)
def test_an_event_with_create_time_and_what_is_no_event_stay_as_they_are(body: bytes) -> None:
    assert json_records(body) == [body]


def test_an_array_is_an_event_per_element() -> None:
    first, second, third = json_records(b'[{"a": 1}, {"create_time": "%s"}, 7]' % GIVEN.encode())

    assert stamped(first) == {"a": 1}
    assert (second, third) == (b'{"create_time":"%s"}' % GIVEN.encode(), b"7")


def test_a_blank_body_has_no_event() -> None:
    assert json_records(b"") == json_records(b" \n") == json_records(b"[]") == []


@pytest.mark.parametrize(
    ("encoded", "fields"),
    [
        (b"job_id=7&custom_track=click", {"job_id": "7", "custom_track": "click"}),
        (b"dt=a+b%26c&x=%C3%A9", {"dt": "a b&c", "x": "é"}),
        (b"job_id=&bid=1", {"bid": "1"}),
        (b"a=1&a=2", {"a": "2"}),
    ],
)
def test_a_form_is_an_event_of_texts(encoded: bytes, fields: dict[str, object]) -> None:
    (record,) = form_records(encoded)

    assert stamped(record) == fields


def test_a_form_without_fields_is_no_event() -> None:
    assert form_records(b"") == form_records(b"a=&b=") == form_records(b"abc") == []


@pytest.mark.parametrize("encoded", [b"a=%FF", b"\xff=1", b"&".join(b"a%d=1" % n for n in range(501))])
def test_a_form_that_can_not_be_read_stays_as_it_is(encoded: bytes) -> None:
    """Ingest makes a dead letter of it."""
    assert form_records(encoded) == [encoded]


def test_made_create_times_differ_and_hide_the_machine() -> None:
    made = [UUID(str(json.loads(json_records(b'{"a":1}')[0])["create_time"])) for _ in range(1_000)]

    assert len(set(made)) == 1_000
    assert {one.node for one in made} == {made[0].node}
    assert made[0].node >> 40 & 1

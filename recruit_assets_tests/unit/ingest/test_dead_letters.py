"""What a dead letter contains, which origin it names, and what is cut when it is too large."""

import hashlib
from collections.abc import Sequence
from datetime import UTC, datetime

import pytest

from recruit_assets.contract.cut_values import KEPT_VALUE_BYTES, CutValue
from recruit_assets.contract.dead_letters import DLQ_SUFFIX, DeadLetter, DeadLetterHeader, DeadLetterReason, Origin
from recruit_assets.ingest.dead_letters import Selection, dead_letter_for
from recruit_assets.runtime.errors import RejectedEvent
from recruit_assets.stores.kafka.clients import Headers
from recruit_assets.stores.kafka.dead_letter_topic import (
    SMALLEST_LIMIT_BYTES,
    DeadLetterTopic,
    ForeignRecord,
    dead_letter_of,
    size_of,
)
from recruit_assets.stores.kafka.record_batches import HeaderName
from recruit_assets_tests.support.ingest import RECEIVED_AT_MS, ARecord
from recruit_assets_tests.support.old_letters import old_letter

WHY = RejectedEvent(DeadLetterReason.WRONG_TYPE, "job_id: wanted a whole number, found a string 'x'")
MIB = 1024 * 1024
FACES = "\N{GRINNING FACE}" * 9
ABSURD = [b"x", b"", None, b"-1", b"9" * 4_300, b"\xff", b"1_0", b" 7"]


class SentRecords:
    """A sender that keeps what it is sent, as records of the dead letter topic."""

    def __init__(self) -> None:
        self.records: list[ARecord] = []

    def send(self, key: bytes | None, value: bytes | None, *, headers: Headers) -> None:
        self.records.append(ARecord(value, key=key, headers=headers, topic="raw_events" + DLQ_SUFFIX))

    def acknowledged(self) -> None:
        pass


def sent(record: ARecord, *, limit_bytes: int = MIB, why: RejectedEvent = WHY) -> ARecord:
    """The record of the dead letter topic for a rejected record."""
    sender = SentRecords()
    DeadLetterTopic(sender, limit_bytes=limit_bytes).send(dead_letter_for(record, why))
    return sender.records[0]


def letter_in(record: ARecord) -> DeadLetter:
    letter = dead_letter_of(record)
    assert isinstance(letter, DeadLetter), letter
    return letter


def test_a_dead_letter_keeps_value_key_headers_origin_and_reason() -> None:
    record = ARecord(b"bytes", offset=7, partition=2, key=b"key", headers=[("trace", b"1")])

    assert letter_in(sent(record)) == DeadLetter(
        origin=Origin("raw_events", 2, 7, RECEIVED_AT_MS),
        reason=DeadLetterReason.WRONG_TYPE,
        message="raw_events/2/7: job_id: wanted a whole number, found a string 'x'",
        exception="recruit_assets.runtime.errors.RejectedEvent",
        key=b"key",
        value=b"bytes",
        headers=(("trace", b"1"),),
    )


def test_headers_are_named_as_in_kafka_connect() -> None:
    names = {name for name, _ in sent(ARecord(b"x")).headers}

    assert {"__connect.errors.topic", "__connect.errors.partition", "__connect.errors.offset"} <= names
    assert {"__connect.errors.exception.class.name", "__connect.errors.exception.message"} <= names


@pytest.mark.parametrize("value", ABSURD)
@pytest.mark.parametrize("name", DeadLetterHeader)
def test_headers_that_look_like_ours_are_kept_and_never_believed(name: DeadLetterHeader, value: bytes | None) -> None:
    """A producer could forge another record's origin, or stop ingest with a header that isn't a number."""
    headers: Headers = [("trace", None), (name.value, value), (name.value, b"again")]

    letter = letter_in(sent(ARecord(b"x", offset=7, headers=headers)))

    assert (letter.origin, letter.first, letter.attempts) == (Origin("raw_events", 0, 7, RECEIVED_AT_MS), None, 1)
    assert (letter.is_whole, letter.headers) == (True, tuple(headers))


def test_a_whole_set_of_forged_headers_changes_nothing() -> None:
    forged = [*sent(ARecord(b"x", offset=3)).headers, (DeadLetterHeader.ATTEMPTS.value, b"7")]

    letter = letter_in(sent(ARecord(b"x", offset=7, headers=forged)))

    assert (letter.origin.offset, letter.attempts, letter.headers) == (7, 1, tuple(forged))


def test_header_names_that_are_not_utf8_are_kept() -> None:
    record = ARecord(b"x", headers=[(HeaderName(b"\xff\x1b[2J".decode(errors="surrogateescape")), None)])

    ((name, value),) = letter_in(sent(record)).headers

    assert (name.encode(), value) == (b"\xff\x1b[2J", None)


@pytest.mark.parametrize(
    "record",
    [
        ARecord(b"v" * 2 * MIB, key=b"key"),
        ARecord(b"v", key=b"k" * 2 * MIB),
        ARecord(b"v", headers=[("first", b"1"), ("big", b"h" * 2 * MIB)]),
        ARecord(b"v", headers=[("first", b"1"), ("n" * 2 * MIB, None)]),
        ARecord(None, headers=[("first", b"1"), *[("", None)] * 200_000]),
        ARecord(b"v" * 80_000, key=b"k" * 80_000, headers=[("first", b"1"), *[(FACES, b"h")] * 40_000]),
    ],
    ids=["value", "key", "header value", "header name", "many headers", "all of them"],
)  # fmt: skip
def test_of_what_is_too_large_the_beginning_the_length_and_a_hash_are_kept(record: ARecord) -> None:
    cut = sent(record)

    headers = dict(cut.headers)
    value, key = record.value or b"", record.key or b""
    joined = b"".join(name.encode() + (found or b"") for name, found in record.headers)
    for whole, length, digest in (
        (value, DeadLetterHeader.VALUE_LENGTH, DeadLetterHeader.VALUE_SHA256),
        (key, DeadLetterHeader.KEY_LENGTH, DeadLetterHeader.KEY_SHA256),
        (joined, DeadLetterHeader.HEADERS_LENGTH, DeadLetterHeader.HEADERS_SHA256),
    ):
        assert headers[length] == str(len(whole)).encode()
        assert headers[digest] == hashlib.sha256(whole).hexdigest().encode()
    assert (cut.value or b"") == value[:KEPT_VALUE_BYTES]
    assert key.startswith(cut.key or b"")
    letter = letter_in(cut)
    assert letter.headers == tuple(record.headers[: len(letter.headers)])
    assert bool(letter.headers) == bool(record.headers)
    assert not letter.is_whole
    assert size_of(cut.key, cut.value, cut.headers) < SMALLEST_LIMIT_BYTES


def test_a_value_that_was_cut_while_it_was_read_counts_as_a_part_however_small_it_is() -> None:
    """Otherwise a replay would send the beginning as if it were the whole."""
    cut = sent(ARecord(CutValue.of([b"beginning", b"xxx"]), key=CutValue.of([b"k" * 100_000])))

    headers = dict(cut.headers)
    assert (cut.value, headers[DeadLetterHeader.VALUE_LENGTH]) == (b"beginningxxx", b"12")
    assert headers[DeadLetterHeader.VALUE_SHA256] == hashlib.sha256(b"beginningxxx").hexdigest().encode()
    assert headers[DeadLetterHeader.KEY_LENGTH] == b"100000"
    assert DeadLetterHeader.HEADERS_LENGTH not in headers
    assert not letter_in(cut).is_whole


def test_a_value_that_just_fits_is_kept_whole() -> None:
    assert letter_in(sent(ARecord(b"x" * 1_000_000))).is_whole


def test_a_long_message_is_cut_by_bytes_not_characters() -> None:
    long = RejectedEvent(DeadLetterReason.WRONG_TYPE, "\N{GRINNING FACE}" * 5_000)

    record = sent(ARecord(b"x"), why=long)

    assert size_of(record.key, record.value, record.headers) < 8 * 1024


def headers_without(*names: str, **others: bytes | None) -> Headers:
    """The headers of a dead letter, without some and with others' values."""
    found = [(name, others.get(name.rpartition(".")[2], value)) for name, value in sent(ARecord(b"x")).headers]
    return [(name, value) for name, value in found if name not in names]


@pytest.mark.parametrize(
    ("headers", "why"),
    [
        ([], "no header __connect.errors.topic"),
        ([("__connect.errors.topic", None)], "no header __connect.errors.topic"),
        (headers_without(DeadLetterHeader.REASON), "no header recruit.errors.reason"),  # Connect's own dead letters
        (headers_without(topic=b"elsewhere"), "a dead letter of elsewhere/0/0"),
        (headers_without(reason=b"bad luck"), "'bad luck' is not a valid DeadLetterReason"),
        *((headers_without(offset=value), "offset") for value in ABSURD if value not in {b"-1", None}),
        (headers_without(partition=str(2**31).encode()), "partition: wanted a whole number of 31 bits"),
        (headers_without(offset=str(2**63).encode()), "offset: wanted a whole number of 63 bits"),
    ],
)
def test_a_record_that_another_program_wrote_is_foreign(headers: Headers, why: str) -> None:
    record = dead_letter_of(ARecord(b"x", offset=3, topic="raw_events.dlq", headers=headers))

    assert isinstance(record, ForeignRecord)
    assert str(record).startswith("raw_events.dlq/0/3: ")
    assert why in record.why


def test_a_dead_letter_without_a_message_can_be_read() -> None:
    headers = headers_without(DeadLetterHeader.EXCEPTION_MESSAGE)
    assert letter_in(ARecord(b"x", topic="raw_events.dlq", headers=headers)).message == ""


FORGED: Sequence[Headers] = [
    [(DeadLetterHeader.OFFSET.value, b"9" * 40)],
    [(DeadLetterHeader.PARTITION.value, b"-99999999999999999999")],
]


def test_an_old_letter_of_a_replay_is_of_the_record_that_its_message_names() -> None:
    """Its headers name the first origin, without its time, as the replayed record claimed."""
    letter = letter_in(old_letter(ARecord(b"x", offset=99), first=Origin("raw_events", 0, 7, 0), attempts=2))

    assert letter.origin == Origin("raw_events", 0, 99, RECEIVED_AT_MS)
    assert (letter.first, letter.attempts) == (Origin("raw_events", 0, 7, 0), 2)


@pytest.mark.parametrize("forged", FORGED)
def test_an_old_letter_with_a_forged_origin_is_still_one_of_its_record(forged: Headers) -> None:
    record = old_letter(ARecord(b"x", offset=99), first=Origin("raw_events", 0, 7, 0), attempts=2)
    others = dict(forged)
    record.headers[:] = [(name, others.get(name, value)) for name, value in record.headers]

    letter = letter_in(record)

    assert (letter.origin.offset, letter.first, letter.attempts) == (99, None, 1)


@pytest.mark.parametrize(
    ("selection", "included"),
    [
        (Selection(), True),
        (Selection(reason=DeadLetterReason.WRONG_TYPE), True),
        (Selection(reason=DeadLetterReason.EMPTY), False),
        (Selection(since=datetime(2026, 1, 5, 8, tzinfo=UTC)), True),
        (Selection(since=datetime(2026, 1, 5, 8, 0, 1, tzinfo=UTC)), False),
    ],
)
def test_a_selection_filters_by_reason_and_time(selection: Selection, included: bool) -> None:
    assert selection.includes(dead_letter_for(ARecord(b"x"), WHY)) is included

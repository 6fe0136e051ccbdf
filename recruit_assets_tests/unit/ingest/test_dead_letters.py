"""What a dead letter contains, which origin it names, and what is cut when it is too large."""

import hashlib
from datetime import UTC, datetime

import pytest

from recruit_assets.contract.cut_values import KEPT_VALUE_BYTES, CutValue
from recruit_assets.contract.dead_letters import DeadLetter, DeadLetterHeader, DeadLetterReason, Origin
from recruit_assets.ingest.dead_letters import Selection, dead_letter_for, replay_headers
from recruit_assets.runtime.errors import Inconsistent, RejectedEvent
from recruit_assets.stores.kafka.clients import Headers
from recruit_assets.stores.kafka.dead_letter_topic import (
    SMALLEST_LIMIT_BYTES,
    DeadLetterTopic,
    dead_letter_of,
)
from recruit_assets_tests.support.ingest import RECEIVED_AT_MS, ARecord

WHY = RejectedEvent(DeadLetterReason.WRONG_TYPE, "job_id: wanted a whole number, found a string 'x'")


class SentRecords:
    """A sender that keeps what it is sent, as records of the dead letter topic."""

    def __init__(self) -> None:
        self.records: list[ARecord] = []

    def send(self, key: bytes | None, value: bytes | None, *, headers: Headers) -> None:
        self.records.append(ARecord(value, key=key, headers=headers, topic="raw_events.dlq"))

    def acknowledged(self) -> None:
        pass


def sent(letter: DeadLetter, *, limit_bytes: int = 1024 * 1024) -> ARecord:
    sender = SentRecords()
    DeadLetterTopic(sender, limit_bytes=limit_bytes).send(letter)
    return sender.records[0]


def test_a_dead_letter_keeps_value_key_headers_origin_and_reason() -> None:
    record = ARecord(b"bytes", offset=7, partition=2, key=b"key", headers=[("trace", b"1")])

    letter = dead_letter_of(sent(dead_letter_for(record, WHY)))

    assert letter == DeadLetter(
        origin=Origin("raw_events", 2, 7),
        reason=DeadLetterReason.WRONG_TYPE,
        message="raw_events/2/7: job_id: wanted a whole number, found a string 'x'",
        exception="recruit_assets.runtime.errors.RejectedEvent",
        timestamp_ms=RECEIVED_AT_MS,
        attempts=1,
        key=b"key",
        value=b"bytes",
        headers=(("trace", b"1"),),
    )


def test_headers_are_named_as_in_kafka_connect() -> None:
    names = {name for name, _ in sent(dead_letter_for(ARecord(b"x"), WHY)).headers}

    assert {"__connect.errors.topic", "__connect.errors.partition", "__connect.errors.offset"} <= names
    assert {"__connect.errors.exception.class.name", "__connect.errors.exception.message"} <= names


def test_a_replay_that_is_rejected_keeps_its_first_origin_and_counts_attempts() -> None:
    first = dead_letter_of(sent(dead_letter_for(ARecord(b"x", offset=7, headers=[("trace", b"1")]), WHY)))
    replayed = ARecord(b"x", offset=99, headers=replay_headers(first, attempts=1))

    second = dead_letter_of(sent(dead_letter_for(replayed, WHY)))

    assert (second.origin, second.attempts, second.headers) == (Origin("raw_events", 0, 7), 2, (("trace", b"1"),))


@pytest.mark.parametrize("offset", [b"x", b""])
def test_invalid_origin_headers_are_ignored(offset: bytes) -> None:
    record = ARecord(b"x", offset=7, headers=[(DeadLetterHeader.TOPIC, b"t"), (DeadLetterHeader.OFFSET, offset)])

    assert dead_letter_for(record, WHY).origin == Origin("raw_events", 0, 7)


def test_of_a_value_that_is_too_large_the_beginning_the_length_and_a_hash_are_kept() -> None:
    value = b"0123456789" * 200_000

    record = sent(dead_letter_for(ARecord(value, key=b"k" * 100_000, headers=[("big", b"h" * 100_000)]), WHY))

    headers = dict(record.headers)
    assert record.value == value[:KEPT_VALUE_BYTES]
    assert headers[DeadLetterHeader.ORIGINAL_LENGTH] == b"2000000"
    assert headers[DeadLetterHeader.ORIGINAL_SHA256].decode() == hashlib.sha256(value).hexdigest()
    assert len(record.value) + len(record.key or b"") + sum(map(len, headers.values())) < SMALLEST_LIMIT_BYTES
    assert not dead_letter_of(record).is_whole


def test_a_value_that_was_cut_while_it_was_read_counts_as_a_part_however_small_it_is() -> None:
    """Otherwise a replay would send the beginning as if it were the whole."""
    cut = CutValue.of([b"beginning", b"x" * 3])
    record = sent(dead_letter_for(ARecord(cut), WHY))

    headers = dict(record.headers)
    assert (record.value, headers[DeadLetterHeader.ORIGINAL_LENGTH]) == (b"beginningxxx", b"12")
    assert headers[DeadLetterHeader.ORIGINAL_SHA256].decode() == hashlib.sha256(b"beginningxxx").hexdigest()
    assert not dead_letter_of(record).is_whole


def test_a_value_that_just_fits_is_kept_whole() -> None:
    assert dead_letter_of(sent(dead_letter_for(ARecord(b"x" * 1_000_000), WHY))).is_whole


def test_a_long_message_is_cut_by_bytes_not_characters() -> None:
    long = RejectedEvent(DeadLetterReason.WRONG_TYPE, "\N{GRINNING FACE}" * 5_000)

    assert sum(len(found) for _, found in sent(dead_letter_for(ARecord(b"x"), long)).headers) < 8 * 1024


def test_a_foreign_record_in_the_dead_letter_topic_is_an_error_that_names_its_offset() -> None:
    with pytest.raises(Inconsistent, match=r"raw_events.dlq/0/3 isn't a dead letter"):
        dead_letter_of(ARecord(b"x", offset=3, topic="raw_events.dlq"))


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

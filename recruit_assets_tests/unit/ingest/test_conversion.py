"""A record that makes ingest fail becomes a dead letter; many in a row stop ingest before any of them does."""

import logging
from collections.abc import Iterator

import pytest

from recruit_assets.contract.dead_letters import DeadLetterReason
from recruit_assets.ingest import conversion
from recruit_assets.ingest.breaker import MAX_FAILURES
from recruit_assets.ingest.conversion import Converted, Converter
from recruit_assets.runtime.errors import Inconsistent
from recruit_assets.transforms.validate import Event, Limits, read_event
from recruit_assets_tests.support.builders import an_event, as_bytes
from recruit_assets_tests.support.ingest import ARecord, WritesInMemory

POISON = b'{"secret": 1}'
GOOD = as_bytes(an_event())


class Poisoned(RuntimeError):
    """An error that nobody thought of."""


@pytest.fixture(autouse=True)
def _poison(monkeypatch: pytest.MonkeyPatch) -> None:
    """A reader of events that fails at one value."""

    def read(value: bytes | None, received_at_ms: int, *, limits: Limits) -> Event:
        if value == POISON:
            raise Poisoned(f"can't read {POISON.decode()}")
        return read_event(value, received_at_ms, limits=limits)

    monkeypatch.setattr(conversion, "read_event", read)


@pytest.fixture
def converter() -> Converter:
    return Converter(WritesInMemory(), limits=Limits(max_bytes=100_000, first_hour_ms=0))


def records(*values: bytes | None) -> list[ARecord]:
    return [ARecord(value, offset=offset, key=b"k") for offset, value in enumerate(values)]


def test_a_poisoned_record_becomes_a_dead_letter_that_names_the_error(converter: Converter) -> None:
    converted = converter.convert(records(GOOD, POISON, GOOD))

    (letter,) = converted.letters
    assert (letter.reason, letter.origin.offset, letter.value) == (DeadLetterReason.INTERNAL_ERROR, 1, POISON)
    assert letter.exception.endswith("test_conversion.Poisoned")
    assert "Poisoned: can't read" in letter.message
    assert len(converted.rows) == 2


def test_a_row_that_cannot_be_encoded_becomes_a_dead_letter(converter: Converter) -> None:
    """The time of a record is 64 bits; in microseconds it may not fit Cassandra's."""
    (letter,) = converter.convert([ARecord(GOOD, timestamp=2**62)]).letters

    assert (letter.reason, letter.exception) == (DeadLetterReason.INTERNAL_ERROR, "struct.error")


def test_each_class_of_error_is_logged_once_without_data(
    converter: Converter, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.ERROR):
        converter.convert(records(POISON, GOOD, POISON, GOOD))

    (message,) = [record.getMessage() for record in caplog.records]
    assert message.startswith("raw_events/0/0 fails with an internal error, a bug: ")
    assert "Poisoned" in message
    assert 'in read\n    raise Poisoned(f"can' in message
    assert "secret" not in message


def in_micro_batches(values: list[bytes], size: int) -> Iterator[list[ARecord]]:
    for start in range(0, len(values), size):
        yield records(*values[start : start + size])


@pytest.mark.parametrize("size", [1, 7, 1000])
def test_too_many_in_a_row_stop_ingest(converter: Converter, size: int) -> None:
    """Also if they come in several micro-batches."""
    values = [GOOD, *[POISON] * (MAX_FAILURES - 1), b"not json", *[POISON] * MAX_FAILURES, GOOD]
    converted: list[Converted] = []

    with pytest.raises(Inconsistent, match=r"100 records in a row, up to .* failed .*Poisoned.*was committed"):
        converted.extend(converter.convert(batch) for batch in in_micro_batches(values, size))

    assert sum(len(one.letters) for one in converted) < 2 * MAX_FAILURES + 1


def test_most_of_a_micro_batch_stops_ingest(converter: Converter) -> None:
    """An error at all clicks, between events of other kinds."""
    values = [POISON, POISON, GOOD] * MAX_FAILURES

    with pytest.raises(Inconsistent, match="200 of 300 records failed with an internal error"):
        converter.convert(records(*values))


@pytest.mark.parametrize(
    "values",
    [[POISON], [POISON] * (MAX_FAILURES - 1), [POISON, GOOD] * MAX_FAILURES, [POISON, None] * MAX_FAILURES],
    ids=["one alone", "fewer", "half", "between rejected records"],
)
def test_fewer_do_not_stop_ingest(converter: Converter, values: list[bytes | None]) -> None:
    letters = converter.convert(records(*values)).letters

    assert [letter.reason for letter in letters].count(DeadLetterReason.INTERNAL_ERROR) == values.count(POISON)


def test_a_lack_of_memory_is_no_error_of_the_record(converter: Converter, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise MemoryError

    monkeypatch.setattr(conversion, "read_event", fail)

    with pytest.raises(MemoryError):
        converter.convert(records(GOOD))

"""A record that makes ingest fail becomes a dead letter; many in a row stop ingest before any of them does.

The first micro-batch of an installation decides on the bucket layout.
"""

import logging
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from recruit_assets.contract.dead_letters import DeadLetterReason
from recruit_assets.ingest import conversion
from recruit_assets.ingest.breaker import MAX_FAILURES
from recruit_assets.ingest.conversion import LAYOUTS_MAX_AGE_S, Converted, Converter
from recruit_assets.runtime.errors import Inconsistent
from recruit_assets.transforms.buckets import FIRST_LAYOUT, HOUR_MS, ONE_BUCKET, Layouts
from recruit_assets.transforms.validate import Event, Limits, read_event
from recruit_assets_tests.support.builders import an_event, as_bytes
from recruit_assets_tests.support.ingest import RECEIVED_AT_MS, ARecord, WritesInMemory

POISON = b'{"secret": 1}'
GOOD = as_bytes(an_event())
LIMITS = Limits(max_bytes=100_000, first_hour_ms=0)


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
    return Converter(WritesInMemory(), limits=LIMITS, backlog=lambda: 0)


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


def a_history(hours: int, *, each: int = 2) -> list[ARecord]:
    """Events of so many past hours, and one of the current hour."""
    now = datetime.fromtimestamp(RECEIVED_AT_MS / 1000, UTC)
    values = [
        as_bytes(an_event(now - timedelta(hours=1 + hour, seconds=-event), seed=hour))
        for hour in range(hours)
        for event in range(each)
    ]
    return records(*values, as_bytes(an_event(now)))


def used_buckets(converted: Converted, *, past: bool) -> set[int]:
    return {row.raw.partition[1] for row in converted.rows if (row.raw.partition[0] < RECEIVED_AT_MS) is past}


@pytest.mark.parametrize(
    ("hours", "waiting", "decided"),
    [(30, 61, RECEIVED_AT_MS), (20, 61, None), (30, 61 * 5_001, None)],
    ids=["sparse history", "short history", "dense history"],
)
def test_the_first_micro_batch_decides_on_the_bucket_layout(hours: int, waiting: int, decided: int | None) -> None:
    writes = WritesInMemory()
    writes.stored_layouts = None
    converter = Converter(writes, limits=LIMITS, backlog=lambda: waiting)

    converted = [converter.convert(a_history(hours)) for _ in range(2)]

    assert writes.decisions == [decided]
    assert converted[0].rows == converted[1].rows
    assert (used_buckets(converted[0], past=True) == {0}) is (decided is not None)


def test_what_another_process_decided_counts() -> None:
    """Otherwise an event that both read, one after the other, would be in two buckets."""

    class DecidedMeanwhile(WritesInMemory):
        def store_first_layout(self, *, one_bucket_before_ms: int | None) -> None:
            self.decisions.append(one_bucket_before_ms)
            self.stored_layouts = Layouts([(0, ONE_BUCKET), (RECEIVED_AT_MS - HOUR_MS, FIRST_LAYOUT)])

    writes = DecidedMeanwhile()
    writes.stored_layouts = None
    converted = Converter(writes, limits=LIMITS, backlog=lambda: 0).convert(records(GOOD))

    assert writes.decisions == [None]
    assert used_buckets(converted, past=True) != {0}


def test_records_that_decide_on_the_layout_count_as_failed_once() -> None:
    writes = WritesInMemory()
    writes.stored_layouts = None
    converter = Converter(writes, limits=LIMITS, backlog=lambda: 0)

    assert len(converter.convert(records(*[POISON] * (MAX_FAILURES - 1))).letters) == MAX_FAILURES - 1


def test_layouts_that_are_lost_while_ingest_runs_stop_it() -> None:
    """Deciding anew could put an event that is stored into a second bucket."""
    writes, now_s = WritesInMemory(), [0.0]
    converter = Converter(writes, limits=LIMITS, backlog=lambda: 0, clock=lambda: now_s[0])

    writes.stored_layouts, now_s[0] = None, LAYOUTS_MAX_AGE_S + 1

    with pytest.raises(Inconsistent, match="bucket_layout has lost its rows"):
        converter.convert(records(GOOD))

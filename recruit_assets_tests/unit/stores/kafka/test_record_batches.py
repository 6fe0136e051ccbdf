"""The records of a batch, whatever a producer put into it, in bounded memory."""

import hashlib
import tracemalloc
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st
from kafka.errors import CorruptRecordError
from kafka.record.memory_records import MemoryRecordsBuilder

from recruit_assets.contract.cut_values import KEPT_VALUE_BYTES, MAX_HEADERS, MAX_RECORD_BYTES, CutValue
from recruit_assets.stores.kafka.compat import POLL_BYTES
from recruit_assets_tests.support.record_batches import (
    CODECS,
    GZIP,
    LZ4,
    MB,
    NONE,
    SENT_AT_MS,
    SNAPPY,
    ZSTD,
    a_batch,
    a_bomb,
    a_record,
    all_records,
    compressed,
    fetched,
    varint,
    zeros,
)

any_bytes = st.none() | st.binary(max_size=20)
headers = st.lists(st.tuples(st.binary(max_size=5), any_bytes), max_size=4)


@pytest.mark.parametrize("codec", [NONE, *CODECS.values()])
@given(records=st.lists(st.tuples(any_bytes, any_bytes, headers), min_size=1, max_size=5))
def test_every_record_is_read_as_it_was_sent(
    codec: int, records: list[tuple[bytes | None, bytes | None, list[tuple[bytes, bytes | None]]]]
) -> None:
    content = b"".join(
        a_record(value, offset=n, key=key, headers=found) for n, (key, value, found) in enumerate(records)
    )
    read = all_records(fetched(a_batch(compressed(content, codec), len(records), codec=codec, first_offset=7)))

    assert [(one.key, one.value, [(name.encode(), value) for name, value in one.headers]) for one in read] == records
    assert [(one.offset, one.timestamp) for one in read] == [(7 + n, SENT_AT_MS) for n in range(len(records))]


def test_a_header_name_that_is_not_utf8_costs_nothing() -> None:
    """The client's own reader raises CorruptRecordError, and its next poll() never returns."""
    content = a_record(b"v", headers=[(b"caf\xe9", b"1"), ("é".encode(), None)]) + a_record(b"w", offset=1)
    first, second = all_records(fetched(a_batch(content, 2)))

    assert [name.encode() for name, _ in first.headers] == [b"caf\xe9", "é".encode()]
    assert second.value == b"w"


def test_unknown_attributes_of_a_record_are_ignored() -> None:
    """They are one byte; read as a varint, 128 and more would shift all that follows."""
    (record,) = all_records(fetched(a_batch(a_record(b"v", attributes=0xFF), 1)))

    assert record.value == b"v"


def test_a_fetch_that_begins_inside_a_batch_skips_what_was_read_before() -> None:
    content = compressed(b"".join(a_record(b"%d" % n, offset=n) for n in range(5)), GZIP)

    assert [one.value for one in all_records(fetched(a_batch(content, 5, codec=GZIP), from_offset=3))] == [b"3", b"4"]


@pytest.mark.parametrize(("codec", "size"), [(GZIP, 256 * MB), (LZ4, 256 * MB), (ZSTD, 512 * MB)])
def test_a_bomb_is_read_in_bounded_memory_and_costs_only_its_own_record(codec: int, size: int) -> None:
    """The client's own reader takes more than twice the unpacked size."""
    batch = a_bomb(size, codec)
    digest = hashlib.sha256()
    for piece in zeros(size):
        digest.update(piece)

    tracemalloc.start()
    records = all_records(fetched(batch))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    before, bomb, after = (record.value for record in records)
    assert (before, after) == (b"before", b"after")
    assert isinstance(bomb, CutValue)
    assert (bytes(bomb), bomb.length, bomb.sha256) == (bytes(KEPT_VALUE_BYTES), size, digest.hexdigest())
    assert peak < 16 * MB + 3 * len(batch)


@pytest.mark.parametrize("codec", [NONE, GZIP, SNAPPY, LZ4])
def test_batches_from_before_kafka_0_11_are_read(codec: int) -> None:
    """Brokers before 4.0 may still have them; the client reads them, each at once."""
    builder = MemoryRecordsBuilder(1, codec, 10_000)
    builder.append(SENT_AT_MS, b"k", b"v")
    builder.close()

    (record,) = all_records(fetched(bytes(builder.buffer())))

    assert (record.key, record.value, record.timestamp) == (b"k", b"v", SENT_AT_MS)


def test_a_poll_is_limited_in_bytes_and_continues_where_it_stopped() -> None:
    """8 MB may hold thousands of values of 1 MB."""
    content = b"".join(a_record(bytes(MB), offset=n) for n in range(60))
    records = fetched(a_batch(compressed(content, ZSTD), 60, codec=ZSTD))

    sizes = []
    while records:
        sizes.append(sum(len(record.value) for record in records.take(1000)))

    assert max(sizes) <= POLL_BYTES + MB
    assert sum(sizes) == 60 * MB


@pytest.mark.parametrize(
    ("key", "value"),
    [(bytes(MAX_RECORD_BYTES), b"v"), (None, bytes(MAX_RECORD_BYTES)), (bytes(MAX_RECORD_BYTES), None)],
    ids=["key", "value", "key without value"],
)
def test_a_record_over_the_limit_is_cut_wherever_its_bytes_are(key: bytes | None, value: bytes | None) -> None:
    content = a_record(value, key=key, headers=[(b"h", b"x")]) + a_record(b"next", offset=1)
    cut, following = all_records(fetched(a_batch(content, 2)))

    assert isinstance(cut.value, CutValue)
    assert cut.value.length == len(value or b"")
    assert (len(cut.key or b""), cut.headers) == (min(len(key or b""), KEPT_VALUE_BYTES), [])
    assert following.value == b"next"


def test_a_record_of_very_many_headers_is_cut() -> None:
    """An empty header takes two bytes in Kafka, and more than 64 in memory."""
    most, too_many = [(b"", None)] * MAX_HEADERS, [(b"", None)] * (MAX_HEADERS + 1)
    content = a_record(b"a", headers=most) + a_record(b"b", offset=1, headers=too_many) + a_record(b"c", offset=2)
    first, cut, last = all_records(fetched(a_batch(content, 3)))

    assert (len(first.headers), type(first.value), last.value) == (MAX_HEADERS, bytes, b"c")
    assert (cut.headers, cut.value.length) == ([], 1)


def test_headers_count_towards_the_limit_of_a_poll() -> None:
    many = [(b"", b"")] * 9_000
    content = b"".join(a_record(b"v", offset=n, headers=many) for n in range(40))
    records = fetched(a_batch(content, 40))

    assert len(records.take(1000)) < 20


@pytest.mark.parametrize(
    "batch",
    [
        pytest.param(a_batch(a_record(b"v"), 1, first_offset=1, damage=True), id="checksum"),
        pytest.param(a_batch(b"garbage", 1, codec=GZIP), id="gzip"),
        pytest.param(a_batch(b"garbage", 1, codec=SNAPPY), id="snappy"),
        pytest.param(a_batch(b"garbage", 1, codec=LZ4), id="lz4"),
        pytest.param(a_batch(b"garbage", 1, codec=ZSTD), id="zstd"),
        pytest.param(a_batch(b"garbage", 1, codec=7), id="codec"),
        pytest.param(a_batch(a_record(b"v")[:-1], 1), id="cut off"),
        pytest.param(a_batch(varint(2**31 - 1) + a_record(b"v"), 1), id="length beyond the end"),
        pytest.param(a_batch(varint(-5) + a_record(b"v"), 1), id="negative length"),
        pytest.param(a_batch(b"\xff" * 11, 1), id="endless number"),
        pytest.param(a_batch(a_record(b"v"), 2), id="fewer records than it says"),
    ],
)
def test_a_damaged_batch_is_an_error_that_names_its_place(batch: bytes) -> None:
    """Nothing is skipped, and the fetch ends: after such an error the client's own next poll() never returns."""
    records = fetched(a_batch(a_record(b"a"), 1), batch)

    assert [record.value for record in records.take(1)] == [b"a"]
    with pytest.raises(CorruptRecordError, match=r"raw_events/0 can't be read at offset 1: .*move the group"):
        all_records(records)
    assert not records


@given(st.binary(max_size=60), st.integers(-1, 5), st.integers(0, 7))
def test_no_content_raises_anything_else(content: bytes, count: int, codec: int) -> None:
    for packed in (content, compressed(content, codec)):
        with suppress(CorruptRecordError):
            all_records(fetched(a_batch(packed, count, codec=codec)))

"""Ingest reads every batch that a real broker stores, whatever producer made it, and however it is compressed."""

import lz4.frame
import pytest
from kafka import KafkaProducer
from kafka.structs import TopicPartition

from recruit_assets.contract.dead_letters import DeadLetterReason
from recruit_assets.ingest.dead_letters import Selection, list_dead_letters
from recruit_assets.ingest.service import drain
from recruit_assets.runtime.settings import Settings
from recruit_assets.stores.kafka.clients import open_consumer
from recruit_assets.stores.kafka.compat import POLL_BYTES
from recruit_assets.stores.kafka.connection import connection_options
from recruit_assets_tests.integration.test_ingest import committed, count_events
from recruit_assets_tests.support.builders import an_event, as_bytes
from recruit_assets_tests.support.raw_producer import send_batch
from recruit_assets_tests.support.record_batches import (
    CODECS,
    GZIP,
    LZ4,
    MB,
    SNAPPY,
    ZSTD,
    a_batch,
    a_bomb,
    a_record,
    compressed,
    varint,
)
from recruit_assets_tests.support.topics import alter_topic

EVENTS = [as_bytes(an_event(seed=seed)) for seed in range(3)]
CONTENT = b"".join(a_record(value, offset=n) for n, value in enumerate(EVENTS))


@pytest.mark.parametrize("codec", CODECS)
def test_a_topic_is_ingested_whole_with_every_codec(settings: Settings, codec: str) -> None:
    """First compressed by the producer, then by the broker. Three events make a batch of more than 1 MB."""
    values = [as_bytes(an_event(seed=seed, dl="x" * (400_000 if seed < 6 else 100))) for seed in range(300)]
    producer = KafkaProducer(
        **connection_options(settings),
        compression_type=codec,
        max_request_size=8_000_000,
        batch_size=4_000_000,
        linger_ms=200,
    )
    for value in values[::2]:
        producer.send(settings.kafka_topic, value)
    producer.close()
    alter_topic(settings, settings.kafka_topic, compression_type=codec)
    producer = KafkaProducer(**connection_options(settings), linger_ms=200)
    for value in values[1::2]:
        producer.send(settings.kafka_topic, value)
    producer.close()

    result = drain(settings)

    assert (result.records, result.events, result.dead_letters) == (300, 300, {})
    assert count_events(settings) == 300


def long_varint(number: int) -> bytes:
    """Five bytes, of which the last has bits that a 32-bit reader drops."""
    zigzag = number << 1
    return bytes([*((zigzag >> 7 * n) & 0x7F | 0x80 for n in range(4)), 0x70])


def with_long_numbers(value: bytes) -> bytes:
    body = b"\0" + varint(0) + long_varint(0) + varint(-1) + long_varint(len(value)) + value + long_varint(0)
    return long_varint(len(body)) + body


def lz4_with_wrong_checksum(content: bytes) -> bytes:
    frame = lz4.frame.compress(content, block_linked=False, content_checksum=True)
    return bytes(frame[:-1] + bytes([frame[-1] ^ 1]))


@pytest.mark.parametrize(
    ("batch", "events"),
    [
        pytest.param(a_batch(a_record(EVENTS[0], attributes=0xFF), 1), 1, id="unknown attributes"),
        pytest.param(a_batch(a_record(EVENTS[0], headers=[(b"caf\xe9", b"1")]), 1), 1, id="header not UTF-8"),
        pytest.param(a_batch(a_record(EVENTS[0], key=b"\xff", headers=[(b"", None)] * 20_000), 1), 0, id="headers"),
        pytest.param(a_batch(with_long_numbers(EVENTS[0]), 1), 1, id="numbers with more bits than 32"),
        pytest.param(a_batch(compressed(CONTENT, GZIP) + b"garbage", 3, codec=GZIP), 3, id="bytes after gzip"),
        pytest.param(a_batch(lz4_with_wrong_checksum(CONTENT), 3, codec=LZ4), 3, id="lz4 with a wrong checksum"),
        pytest.param(
            a_batch(compressed(CONTENT[:99], SNAPPY) + compressed(CONTENT[99:], SNAPPY), 3, codec=SNAPPY),
            3,
            id="two snappy streams",
        ),
        pytest.param(
            a_batch(compressed(CONTENT[:99], ZSTD) + compressed(CONTENT[99:], ZSTD), 3, codec=ZSTD),
            3,
            id="two zstd frames",
        ),
    ],
)
def test_what_the_broker_stores_is_ingested(settings: Settings, batch: bytes, events: int) -> None:
    """Most of these end the client's own reader for ever."""
    assert send_batch(settings, batch) == 0
    assert send_batch(settings, a_batch(a_record(as_bytes(an_event(seed=9))), 1)) == 0

    result = drain(settings)

    assert result.events == events + 1
    assert sum(result.dead_letters.values()) == result.records - result.events
    assert sum(committed(settings).values()) == result.records


@pytest.mark.parametrize("codec", [GZIP, LZ4, ZSTD])
def test_a_batch_that_unpacks_to_256_mb_costs_only_its_own_record(settings: Settings, codec: int) -> None:
    alter_topic(settings, settings.kafka_topic, max_message_bytes="8000000")
    bomb = a_bomb(256 * MB, codec, before=EVENTS[0], after=EVENTS[1])
    assert send_batch(settings, bomb) == 0

    result = drain(settings)

    assert (result.events, result.dead_letters) == (2, {DeadLetterReason.TOO_LARGE: 1})
    (traced,) = list_dead_letters(settings, Selection())
    assert not traced.letter.is_whole
    assert f"its value has {256 * MB} bytes" in traced.letter.message


def test_a_poll_is_limited_in_bytes_over_all_partitions(settings: Settings) -> None:
    """20 KB may hold 1,000 values of 1 MB, which were all returned at once."""
    content = b"".join(a_record(bytes(MB), offset=n) for n in range(30))
    for partition in range(2):
        assert send_batch(settings, a_batch(compressed(content, ZSTD), 30, codec=ZSTD), partition=partition) == 0
    consumer = open_consumer(settings, group=None)
    consumer.assign([TopicPartition(settings.kafka_topic, partition) for partition in range(2)])

    sizes: list[int] = []
    while sum(sizes) < 60 * MB:
        polled = consumer.poll(timeout_ms=1000).values()
        sizes.append(sum(len(record.value) for records in polled for record in records))
    consumer.close()

    assert (sum(sizes), max(sizes) <= POLL_BYTES + MB) == (60 * MB, True)


def test_the_broker_refuses_a_damaged_batch(settings: Settings) -> None:
    """So one that ingest can't read was damaged later, on disk."""
    assert send_batch(settings, a_batch(a_record(b"v"), 1, damage=True)) != 0
    assert send_batch(settings, a_batch(b"garbage", 1, codec=GZIP)) != 0
    assert send_batch(settings, a_batch(a_record(b"v")[:-1], 1)) != 0

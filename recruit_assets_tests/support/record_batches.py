"""Record batches as any producer could send them, written by hand from Kafka's documentation of the format."""

import struct
import zlib
from collections.abc import Iterator, Sequence
from io import BytesIO

import cramjam
import crc32c
import lz4.frame
import snappy
import zstandard
from kafka.consumer.fetcher import ConsumerRecord
from kafka.record.memory_records import MemoryRecords
from kafka.structs import TopicPartition

from recruit_assets.stores.kafka.compat import BoundedRecords

NONE, GZIP, SNAPPY, LZ4, ZSTD = range(5)
CODECS = {"gzip": GZIP, "snappy": SNAPPY, "lz4": LZ4, "zstd": ZSTD}
SENT_AT_MS = 1_767_600_000_000
MB = 1024 * 1024


def compressed(content: bytes, codec: int) -> bytes:
    match codec:
        case 1:
            return bytes(cramjam.gzip.compress(content))
        case 2:
            blocks = [snappy.compress(content[at : at + 32_768]) for at in range(0, len(content), 32_768)]
            return XERIAL_HEAD + b"".join(struct.pack(">i", len(block)) + block for block in blocks)
        case 3:
            return bytes(lz4.frame.compress(content, block_linked=False))
        case 4:
            return bytes(zstandard.ZstdCompressor().compress(content))
        case _:
            return content


XERIAL_HEAD = b"\x82SNAPPY\x00" + struct.pack(">ii", 1, 1)


def a_record(
    value: bytes | None,
    *,
    offset: int = 0,
    key: bytes | None = None,
    headers: Sequence[tuple[bytes, bytes | None]] = (),
    attributes: int = 0,
) -> bytes:
    """One record of a batch, after its length."""
    body = BytesIO()
    body.write(bytes([attributes]) + varint(5) + varint(offset) + _bytes(key) + _bytes(value) + varint(len(headers)))
    for name, found in headers:
        body.write(_bytes(name) + _bytes(found))
    return varint(body.tell()) + body.getvalue()


def a_batch(content: bytes, count: int, *, codec: int = NONE, first_offset: int = 0, damage: bool = False) -> bytes:
    """A batch of records that has this content, which is compressed already."""
    head = struct.pack(">hiqqqhii", codec, count - 1, SENT_AT_MS - 5, SENT_AT_MS, -1, -1, -1, count)
    crc = crc32c.crc32c(head + content) ^ damage
    return struct.pack(">qiibI", first_offset, 9 + len(head) + len(content), 0, 2, crc) + head + content


def zeros(size: int) -> Iterator[bytes]:
    for _ in range(0, size, MB):
        yield bytes(MB)


def a_bomb(size: int, codec: int, *, before: bytes = b"before", after: bytes = b"after") -> bytes:
    """A batch of three records; the one in the middle has a value of so many zeros."""
    middle = b"\0" + varint(0) + varint(1) + varint(-1) + varint(size)
    length = len(middle) + size + 1
    head, tail = a_record(before) + varint(length) + middle, varint(0) + a_record(after, offset=2)
    packed = b"".join(_packed([head, *zeros(size), tail], codec))
    return a_batch(packed, 3, codec=codec)


def _packed(pieces: Sequence[bytes], codec: int) -> Iterator[bytes]:
    """The joined pieces as one stream."""
    if codec == LZ4:
        frame = lz4.frame.LZ4FrameCompressor(block_linked=False)
        yield frame.begin()
        yield from map(frame.compress, pieces)
        yield frame.flush()
    else:
        packer = zlib.compressobj(wbits=31) if codec == GZIP else zstandard.ZstdCompressor().compressobj()
        yield from map(packer.compress, pieces)
        yield packer.flush()


def fetched(*batches: bytes, from_offset: int = 0) -> BoundedRecords:
    """What the client makes of a fetch response."""
    return BoundedRecords(from_offset, TopicPartition("raw_events", 0), MemoryRecords(b"".join(batches)))


def all_records(records: BoundedRecords) -> list[ConsumerRecord]:
    found: list[ConsumerRecord] = []
    while records:
        found += records.take(1000)
    return found


def varint(number: int) -> bytes:
    rest = number << 1 ^ number >> 63
    out = bytearray()
    while rest > 0x7F:
        out.append(rest & 0x7F | 0x80)
        rest >>= 7
    return bytes([*out, rest])


def _bytes(found: bytes | None) -> bytes:
    return varint(-1) if found is None else varint(len(found)) + found

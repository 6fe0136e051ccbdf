"""The content of compressed record batches, piece by piece: a batch of 8 MB may unpack to 250 GB.

Accepts what the broker accepts, which reads every compressed batch before it stores it (Java's
org.apache.kafka.common.compress). The libraries' own functions unpack whole batches, and reject some of these: a wrong
checksum at the end of an lz4 frame, bytes after a gzip stream, concatenated snappy streams.
"""

import struct
import zlib
from collections.abc import Callable, Iterator

import lz4.block
import snappy
import zstandard

PIECE_BYTES = 1024 * 1024
"""Most pieces are smaller than this. An lz4 block has up to 4 MiB; a snappy block is unpacked at once, and has up to
MAX_SNAPPY_RATIO times the size of the batch."""
MAX_SNAPPY_RATIO = 32
"""The format's own limit is 21.4 (64 bytes from 3), but a block may claim any size, which is allocated at once."""
INPUT_BYTES = 64 * 1024

UNREADABLE = (
    zlib.error,
    snappy.UncompressError,
    lz4.block.LZ4BlockError,
    zstandard.ZstdError,
    struct.error,
    IndexError,
    ValueError,
)
"""What reading a damaged batch may raise."""

_XERIAL_HEAD = b"\x82SNAPPY\x00"
_XERIAL_HEAD_BYTES = 16
_LZ4_HEAD = b"\x04\x22\x4d\x18"
_LZ4_HEAD_BYTES = 7
_LZ4_CONTENT_SIZE, _LZ4_BLOCK_CHECKSUM, _LZ4_PLAIN_BLOCK = 0x08, 0x10, 0x80000000


def unpacked(content: bytes, codec: int) -> Iterator[bytes]:
    """The pieces of what a batch's content unpacks to, by the codec's number in Kafka; UNREADABLE if it is damaged."""
    if codec not in _CODECS:
        raise ValueError(f"unknown compression codec {codec}")
    return _CODECS[codec](content)


def _plain(content: bytes) -> Iterator[bytes]:
    yield content


def _gzip(content: bytes) -> Iterator[bytes]:
    """Streams may follow each other; anything else after a stream is ignored."""
    stream = zlib.decompressobj(wbits=31)
    # the stream copies the rest of its input at each step: a small input keeps this cheap
    for start in range(0, len(content), INPUT_BYTES):
        rest = content[start : start + INPUT_BYTES]
        while rest:
            if stream.eof:
                if rest[0] != 0x1F:
                    return
                stream = zlib.decompressobj(wbits=31)
            yield stream.decompress(rest, PIECE_BYTES)
            rest = stream.unused_data if stream.eof else stream.unconsumed_tail
    yield stream.flush()


def _snappy(content: bytes) -> Iterator[bytes]:
    """One block, or Java's stream of blocks."""
    if not content.startswith(_XERIAL_HEAD):
        yield _snappy_block(content)
        return
    at = 0
    while at < len(content):
        if content.startswith(_XERIAL_HEAD, at):
            at += _XERIAL_HEAD_BYTES
            continue
        (size,) = struct.unpack_from(">I", content, at)
        yield _snappy_block(content[at + 4 : at + 4 + size])
        at += 4 + size


def _snappy_block(block: bytes) -> bytes:
    size = 0
    for place, byte in enumerate(block[:5]):
        size |= (byte & 0x7F) << 7 * place
        if byte < 0x80:
            break
    if size > len(block) * MAX_SNAPPY_RATIO:
        raise ValueError(f"a snappy block of {len(block)} bytes claims to unpack to {size}")
    found: bytes = snappy.decompress(block)
    return found


def _lz4(content: bytes) -> Iterator[bytes]:
    """A frame of independent blocks. Like the broker, doesn't look at the content's size and checksum."""
    if not content.startswith(_LZ4_HEAD):
        raise ValueError("not an lz4 frame")
    flags, sizes = content[4], content[5]
    block_bytes = 1 << 8 + 2 * (sizes >> 4 & 7)
    at = _LZ4_HEAD_BYTES + (8 if flags & _LZ4_CONTENT_SIZE else 0)
    while at < len(content):
        (size,) = struct.unpack_from("<I", content, at)
        if not size:
            return
        start, at = at + 4, at + 4 + (size & ~_LZ4_PLAIN_BLOCK)
        block = content[start:at]
        yield block if size & _LZ4_PLAIN_BLOCK else lz4.block.decompress(block, uncompressed_size=block_bytes)
        at += 4 if flags & _LZ4_BLOCK_CHECKSUM else 0


def _zstd(content: bytes) -> Iterator[bytes]:
    """Its window takes up to 128 MiB, the limit of Java's library too."""
    with zstandard.ZstdDecompressor().stream_reader(content, read_across_frames=True) as stream:
        while piece := stream.read(PIECE_BYTES):
            yield piece


_CODECS: dict[int, Callable[[bytes], Iterator[bytes]]] = {0: _plain, 1: _gzip, 2: _snappy, 3: _lz4, 4: _zstd}

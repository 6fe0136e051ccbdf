"""Batches unpack to what was packed, as the broker reads them, in pieces of bounded size."""

import gzip
import struct
from contextlib import suppress

import lz4.frame
import pytest
import snappy
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from recruit_assets.stores.kafka.decompression import PIECE_BYTES, UNREADABLE, unpacked
from recruit_assets_tests.support.record_batches import CODECS, GZIP, LZ4, SNAPPY, XERIAL_HEAD, ZSTD, compressed

TEXT = b"".join(b"%d, " % n for n in range(400_000))  # 3 MB


def lz4_frame(content: bytes, **options: object) -> bytes:
    return bytes(lz4.frame.compress(content, block_linked=False, **options))


def wrong_end(frame: bytes) -> bytes:
    return frame[:-1] + bytes([frame[-1] ^ 1])


@pytest.mark.parametrize("codec", [0, *CODECS.values()])
@given(content=st.binary(max_size=200))
def test_any_content_is_unpacked(codec: int, content: bytes) -> None:
    assert b"".join(unpacked(compressed(content, codec), codec)) == content


@pytest.mark.parametrize(
    ("codec", "packed"),
    [
        pytest.param(GZIP, gzip.compress(TEXT), id="gzip"),
        pytest.param(GZIP, gzip.compress(TEXT[:999]) + gzip.compress(TEXT[999:]), id="two gzip streams"),
        pytest.param(GZIP, gzip.compress(TEXT) + b"garbage", id="bytes after a gzip stream"),
        pytest.param(GZIP, gzip.compress(TEXT) + bytes(100_000), id="zeros after a gzip stream"),
        pytest.param(SNAPPY, snappy.compress(TEXT), id="one snappy block"),
        pytest.param(SNAPPY, compressed(TEXT, SNAPPY), id="snappy of Java"),
        pytest.param(SNAPPY, compressed(TEXT[:9], SNAPPY) + compressed(TEXT[9:], SNAPPY), id="two snappy streams"),
        pytest.param(SNAPPY, b"\x82SNAPPY\x00" + b"\x01\0\0\0" * 2 + compressed(TEXT, SNAPPY)[16:], id="little-endian"),
        pytest.param(LZ4, lz4_frame(TEXT), id="lz4"),
        pytest.param(LZ4, lz4_frame(TEXT, block_size=7, store_size=False), id="lz4 in blocks of 4 MiB"),
        pytest.param(LZ4, lz4_frame(TEXT, content_checksum=True, block_checksum=True), id="lz4 with checksums"),
        pytest.param(LZ4, wrong_end(lz4_frame(TEXT, content_checksum=True)), id="lz4 with a wrong content checksum"),
        pytest.param(LZ4, lz4_frame(TEXT[:50_000], compression_level=-65537), id="lz4 with plain blocks"),
        pytest.param(ZSTD, zstandard.ZstdCompressor().compress(TEXT), id="zstd over 1 MB"),
        pytest.param(ZSTD, zstandard.ZstdCompressor(write_content_size=False).compress(TEXT), id="zstd without a size"),
        pytest.param(ZSTD, compressed(TEXT[:9], ZSTD) + compressed(TEXT[9:], ZSTD), id="two zstd frames"),
    ],
)
def test_what_brokers_accept_is_unpacked(codec: int, packed: bytes) -> None:
    pieces = list(unpacked(packed, codec))

    assert TEXT.startswith(b"".join(pieces))
    assert len(b"".join(pieces)) in (len(TEXT), 50_000)
    assert codec == SNAPPY or max(map(len, pieces)) <= 4 * PIECE_BYTES


@pytest.mark.parametrize(
    ("codec", "packed"),
    [
        pytest.param(GZIP, b"garbage", id="gzip"),
        pytest.param(GZIP, b"", id="no bytes"),
        pytest.param(SNAPPY, b"\xff\xff\xff\xff\x0f\x00a", id="a snappy block that claims 4 GB"),
        pytest.param(SNAPPY, XERIAL_HEAD + b"\0\0", id="half a snappy block's length"),
        pytest.param(SNAPPY, XERIAL_HEAD + struct.pack(">i", -5) + b"abc", id="a negative snappy length"),
        pytest.param(SNAPPY, b"", id="no snappy bytes"),
        pytest.param(LZ4, b"garbage", id="lz4"),
        pytest.param(LZ4, b"\x04\x22\x4d\x18", id="half an lz4 head"),
        pytest.param(LZ4, lz4_frame(TEXT)[:20], id="half an lz4 block"),
        pytest.param(ZSTD, b"garbage!", id="zstd"),
        pytest.param(7, b"", id="an unknown codec"),
    ],
)
def test_damaged_content_is_an_error_or_nothing(codec: int, packed: bytes) -> None:
    """Nothing is an error too: the batch says how many records it has."""
    with suppress(*UNREADABLE):
        assert b"".join(unpacked(packed, codec)) == b""


@pytest.mark.parametrize("codec", CODECS.values())
@given(packed=st.binary(max_size=100), cut=st.integers(0, 60))
def test_no_bytes_raise_anything_else(codec: int, packed: bytes, cut: int) -> None:
    for damaged in (packed, compressed(packed, codec)[:cut]):
        with suppress(*UNREADABLE):
            list(unpacked(damaged, codec))

"""Records of Kafka's batches (message format 2), read one by one: memory has one record and the piece it is in.

https://kafka.apache.org/documentation/#recordbatch describes the format. The client's own reader unpacks a whole batch,
and rejects header names that aren't UTF-8 and attributes of 128 and more, which brokers take.
"""

from collections.abc import Iterator
from typing import NamedTuple

from recruit_assets.contract.cut_values import MAX_HEADERS, MAX_RECORD_BYTES, CutValue

VARINT_BYTES = 10
TIME_BITS = 64
ATTRIBUTES_BYTES = 1
HEADER_COST_BYTES = 128
"""Of a header's objects in memory, without its contents."""

Headers = list[tuple[str, bytes | None]]


class HeaderName(str):
    """A header name that isn't UTF-8: what isn't is kept as surrogates, and encoding gives the same bytes again.

    So the client can send it again.
    """

    __slots__ = ()

    def encode(self, encoding: str = "utf-8", errors: str = "surrogateescape") -> bytes:
        return super().encode(encoding, errors)


class BatchRecord(NamedTuple):
    """A record of a batch; time and offset are relative to the batch's first."""

    cost_bytes: int
    """About its size in memory; of a cut record, what it took to read it."""
    time: int
    offset: int
    key: bytes | None
    value: bytes | None
    headers: Headers


def batch_records(pieces: Iterator[bytes], count: int) -> Iterator[BatchRecord]:
    """The first `count` records in the pieces of a batch's content; ValueError or IndexError if it is damaged.

    A record over MAX_RECORD_BYTES or MAX_HEADERS is cut: its value is a CutValue, and it has no headers.
    """
    content = _Content(pieces)
    for _ in range(count):
        length = content.varint()
        if length > MAX_RECORD_BYTES:
            yield _cut_record(content, length)
            continue
        content.load(length)
        if content.at + length > len(content.loaded):
            raise _damaged()
        yield _record(content.loaded, content.at, content.at + length)
        content.at += length


class _Content:
    """A batch's content: `loaded` is the part in memory, and `at` where in it the unread rest begins."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces = pieces
        self._dropped = 0
        self.loaded = b""
        self.at = 0

    @property
    def position(self) -> int:
        return self._dropped + self.at

    def load(self, size: int) -> None:
        """Load so much of the rest, or what there is."""
        missing = size - (len(self.loaded) - self.at)
        if missing <= 0:
            return
        parts = [self.loaded[self.at :]]
        while missing > 0 and (piece := next(self._pieces, None)) is not None:
            parts.append(piece)
            missing -= len(piece)
        self._dropped += self.at
        self.loaded, self.at = b"".join(parts), 0

    def varint(self, bits: int = 32) -> int:
        self.load(VARINT_BYTES)
        found, self.at = _varint(self.loaded, self.at, bits)
        return found

    def take(self, size: int) -> Iterator[bytes]:
        """The next `size` bytes, in pieces."""
        while size > 0:
            self.load(1)
            piece = self.loaded[self.at : self.at + size]
            if not piece:
                raise _damaged()
            self.at += len(piece)
            size -= len(piece)
            yield piece


def _record(data: bytes, start: int, end: int) -> BatchRecord:
    time, at = _varint(data, start + ATTRIBUTES_BYTES, TIME_BITS)
    offset, at = _varint(data, at)
    key, at = _bytes(data, at)
    value, at = _bytes(data, at)
    count, at = _varint(data, at)
    if count > MAX_HEADERS:
        return BatchRecord(end - start, time, offset, key, CutValue.of([value or b""]), [])
    headers: Headers = []
    for _ in range(count):
        name, at = _bytes(data, at)
        found, at = _bytes(data, at)
        headers.append((_header_name(name or b""), found))
    if at != end:
        raise _damaged()
    return BatchRecord(end - start + HEADER_COST_BYTES * count, time, offset, key, value, headers)


def _cut_record(content: _Content, length: int) -> BatchRecord:
    end = content.position + length
    for _ in content.take(ATTRIBUTES_BYTES):
        pass
    time, offset = content.varint(TIME_BITS), content.varint()
    key_length = content.varint()
    key = CutValue.of(content.take(key_length))
    value = CutValue.of(content.take(content.varint()))
    for _ in content.take(end - content.position):
        pass
    if content.position != end:
        raise _damaged()
    return BatchRecord(length, time, offset, None if key_length < 0 else key, value, [])


def _header_name(name: bytes) -> str:
    try:
        return name.decode()
    except UnicodeDecodeError:
        return HeaderName(name.decode(errors="surrogateescape"))


def _bytes(data: bytes, at: int) -> tuple[bytes | None, int]:
    length, at = _varint(data, at)
    return (None, at) if length < 0 else (data[at : at + length], at + length)


def _varint(data: bytes, at: int, bits: int = 32) -> tuple[int, int]:
    """A zigzag varint, and the place after it. Like in Java, bits beyond the type's are dropped."""
    byte = data[at]
    at += 1
    if byte < 0x80:
        return byte >> 1 ^ -(byte & 1), at
    found, shift = byte & 0x7F, 7
    while byte >= 0x80:
        if shift >= bits:
            raise _damaged()
        byte = data[at]
        found |= (byte & 0x7F) << shift
        shift += 7
        at += 1
    found &= (1 << bits) - 1
    return found >> 1 ^ -(found & 1), at


def _damaged() -> ValueError:
    return ValueError("the records don't fit the batch's length")

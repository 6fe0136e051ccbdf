"""Everything we need of kafka-python that its public API doesn't offer.

Checked with CHECKED_WITH. After an upgrade, `unit/stores/kafka/test_compat.py` shows what has changed.
"""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache, wraps
from typing import SupportsIndex, overload

from kafka import KafkaConsumer
from kafka.errors import SaslAuthenticationFailedError, UnsupportedSaslMechanismError
from kafka.record.default_records import (
    DefaultRecord,
    DefaultRecordBatch,
    DefaultRecordBatchBuilder,
    DefaultRecordMetadata,
)

CHECKED_WITH = {"kafka-python": "3.0.12"}

CONNECTION_LOGGER = "kafka.net.manager"
_REFUSALS = (SaslAuthenticationFailedError, UnsupportedSaslMechanismError)


@contextmanager
def refused_logins() -> Iterator[list[BaseException]]:
    """The list of logins that brokers refuse inside the block.

    The client only logs a refusal, and tries again until its timeout. Over TLS it often loses the reason, and logs a
    lost connection instead.
    """
    handler, logger = _Refusals(), logging.getLogger(CONNECTION_LOGGER)
    logger.addHandler(handler)
    try:
        yield handler.found
    finally:
        logger.removeHandler(handler)


def request_rejoin(consumer: KafkaConsumer) -> None:
    """Have the consumer join its group again in the next poll(), and in those after it until the group has answered."""
    consumer._coordinator.request_rejoin()


@cache
def allow_any_headers() -> None:
    """Let every client of this process read header names that aren't UTF-8, and send NULL as null.

    Brokers take both. Of such a name the client makes a CorruptRecordError in poll(), and never gets past the record;
    a null it reads, but doesn't send.
    """
    read, append = DefaultRecordBatch._read_msg, DefaultRecordBatchBuilder.append

    @wraps(read)
    def read_leniently(batch: DefaultRecordBatch) -> DefaultRecord:
        try:
            return read(batch)
        except UnicodeDecodeError:
            batch._buffer = _LenientBuffer(batch._buffer)  # for the rest of the batch too
            return read(batch)

    @wraps(append)
    def append_with_nulls(
        builder: DefaultRecordBatchBuilder,
        offset: int,
        timestamp: int,
        key: bytes | None,
        value: bytes | None,
        headers: list[tuple[str, bytes | None]],
    ) -> DefaultRecordMetadata:
        headers = [(name, None if found is NULL else found) for name, found in headers]
        return append(builder, offset, timestamp, None if key is NULL else key, value, headers)

    DefaultRecordBatch._read_msg, DefaultRecordBatchBuilder.append = read_leniently, append_with_nulls


NULL = bytes(bytearray(b"null"))
"""Stands for null, as a key or a header's value, where the client takes bytes only: this very object."""


class HeaderName(str):
    """A header name that may not be UTF-8: what isn't is kept as surrogates, and encoding gives the same bytes again.

    So the client can send it again.
    """

    __slots__ = ()

    def encode(self, encoding: str = "utf-8", errors: str = "surrogateescape") -> bytes:
        return super().encode(encoding, errors)


class _LenientBuffer(bytearray):
    """Slices of it can be decoded whatever they contain; slower than its base."""

    @overload
    def __getitem__(self, index: SupportsIndex) -> int: ...
    @overload
    def __getitem__(self, index: slice) -> bytearray: ...
    def __getitem__(self, index: SupportsIndex | slice) -> int | bytearray:
        found = super().__getitem__(index)
        return found if isinstance(found, int) else _LenientBytes(found)


class _LenientBytes(bytearray):
    def decode(self, encoding: str = "utf-8", errors: str = "surrogateescape") -> HeaderName:
        return HeaderName(super().decode(encoding, errors))


class _Refusals(logging.Handler):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[BaseException] = []

    def emit(self, record: logging.LogRecord) -> None:
        arguments = record.args if isinstance(record.args, tuple) else ()
        self.found += [argument for argument in arguments if isinstance(argument, _REFUSALS)]

"""The dead letter topic: a rejected record's original key and value; its headers say where it came from and why.

Header names are Kafka Connect's (KIP-298), see `contract.dead_letters`.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import accumulate
from typing import Protocol

from recruit_assets.contract.cut_values import KEPT_VALUE_BYTES, CutValue
from recruit_assets.contract.dead_letters import (
    DLQ_SUFFIX,
    TIME_UNKNOWN_MS,
    DeadLetter,
    DeadLetterHeader,
    DeadLetterReason,
    Origin,
)
from recruit_assets.runtime.errors import SchemaMismatch, StoreUnavailable
from recruit_assets.runtime.settings import Settings
from recruit_assets.stores.kafka.clients import MAX_REQUEST_BYTES, Headers, open_admin, open_sender
from recruit_assets.stores.kafka.record import Record, place_of
from recruit_assets.stores.kafka.topic_reader import open_topic_reader
from recruit_assets.stores.kafka.topics import topic_options
from recruit_assets.transforms.privacy import KEEP_PEOPLE, Privacy, privacy_of

KEPT_KEY_BYTES = 2 * 1024
KEPT_HEADERS_BYTES = 2 * 1024
MESSAGE_CHARACTERS = 1_000
WHY_CHARACTERS = 200
ENVELOPE_BYTES = 8 * 1024
"""Room for our headers (up to 4 bytes per character of the message) and for Kafka's framing of a batch of one."""
SMALLEST_LIMIT_BYTES = KEPT_VALUE_BYTES + KEPT_KEY_BYTES + KEPT_HEADERS_BYTES + ENVELOPE_BYTES
RECORD_FRAMING_BYTES = 128
HEADER_FRAMING_BYTES = 10
"""Two lengths, of up to 5 bytes each."""

_NUMBER = re.compile(r"-?[0-9]{1,19}")
_OLD_PLACE = re.compile(r"([^/]+)/([0-9]{1,9})/([0-9]{1,18}): ")


class Sender(Protocol):
    """What DeadLetterTopic needs of a `TopicSender`."""

    def send(self, key: bytes | None, value: bytes | None, *, headers: Headers) -> None: ...
    def acknowledged(self) -> object: ...


class DeadLetterTopic:
    """Sends dead letters; none is safe before `acknowledged` returns."""

    def __init__(self, sender: Sender, *, limit_bytes: int, privacy: Privacy = KEEP_PEOPLE) -> None:
        self._sender = sender
        self._limit_bytes = limit_bytes
        self._privacy = privacy

    def send(self, letter: DeadLetter) -> None:
        """Hand over a dead letter; StoreUnavailable if the topic can't be reached."""
        letter = self._privacy.of_letter(letter)
        key, value, headers = letter.key, letter.value, headers_of(letter)
        if isinstance(value, CutValue) or size_of(key, value, headers) > self._limit_bytes:
            key, value, headers = _truncated(letter)
        self._sender.send(key, value, headers=headers)

    def acknowledged(self) -> None:
        """Wait until the topic has all dead letters handed over; StoreUnavailable if one isn't acknowledged."""
        try:
            self._sender.acknowledged()
        except StoreUnavailable as error:
            raise StoreUnavailable(
                f"a dead letter isn't acknowledged, so no offset was committed: {error}. Check that the topic exists "
                f"and that its max.message.bytes is at least {SMALLEST_LIMIT_BYTES}"
            ) from error


@contextmanager
def open_dead_letter_topic(settings: Settings) -> Iterator[DeadLetterTopic]:
    """The dead letter topic for sending; SchemaMismatch if even truncated originals wouldn't fit."""
    with open_admin(settings) as admin:
        limit = int(topic_options(admin, settings.dlq_topic)["max.message.bytes"])
    require_room(limit, topic=settings.dlq_topic)
    with open_sender(settings, settings.dlq_topic) as sender:
        yield DeadLetterTopic(sender, limit_bytes=min(limit, MAX_REQUEST_BYTES), privacy=privacy_of(settings))


def require_room(limit_bytes: int, *, topic: str) -> None:
    """SchemaMismatch if a topic with this max.message.bytes is too narrow even for truncated originals."""
    if limit_bytes < SMALLEST_LIMIT_BYTES:
        raise SchemaMismatch(
            f"Kafka topic {topic}: wanted max.message.bytes of at least {SMALLEST_LIMIT_BYTES}, found {limit_bytes}. "
            "Raise it: without dead letters no offset can be committed"
        )


def size_of(key: bytes | None, value: bytes | None, headers: Headers) -> int:
    """An upper bound of what Kafka needs for the record, in bytes, uncompressed."""
    return RECORD_FRAMING_BYTES + len(key or b"") + len(value or b"") + sum(map(_header_size, headers))


def headers_of(letter: DeadLetter) -> Headers:
    """The original's own headers, then ours."""
    return [*letter.headers, *_our_headers(letter)]


@dataclass(frozen=True, slots=True)
class ForeignRecord:
    """A record of the dead letter topic that isn't a dead letter of this platform."""

    place: str
    why: str

    def __str__(self) -> str:
        return f"{self.place}: {self.why}"


def dead_letter_of(record: Record) -> DeadLetter | ForeignRecord:
    """What a record of the dead letter topic says; anybody may have written it."""
    try:
        return _dead_letter_of(record)
    except ValueError as error:
        return ForeignRecord(place_of(record), str(error)[:WHY_CHARACTERS])


def read_dead_letters(settings: Settings) -> Iterator[list[DeadLetter | ForeignRecord]]:
    """What the topic holds when reading begins, some records at a time.

    StoreUnavailable if the topic returns nothing for a minute before its end, for instance because it was deleted.
    """
    with open_topic_reader(settings) as reader:
        firsts, ends = reader.offsets(settings.dlq_topic)
        for _, records in reader.records(settings.dlq_topic, firsts=firsts, ends=ends):
            yield [dead_letter_of(record) for record in records]


def _our_headers(letter: DeadLetter) -> Headers:
    ours = {
        DeadLetterHeader.TOPIC: letter.origin.topic,
        DeadLetterHeader.PARTITION: str(letter.origin.partition),
        DeadLetterHeader.OFFSET: str(letter.origin.offset),
        DeadLetterHeader.EXCEPTION_CLASS: letter.exception,
        DeadLetterHeader.EXCEPTION_MESSAGE: letter.message[:MESSAGE_CHARACTERS],
        DeadLetterHeader.REASON: letter.reason.value,
        DeadLetterHeader.TIMESTAMP: str(letter.origin.timestamp_ms),
    }
    return [(name.value, text.encode(errors="backslashreplace")) for name, text in ours.items()]


def _truncated(letter: DeadLetter) -> tuple[bytes | None, bytes | None, Headers]:
    """The beginning of each part of an original that is too large, with the lengths and hashes of the whole."""
    sizes = accumulate(map(_header_size, letter.headers))
    kept = [header for header, size in zip(letter.headers, sizes, strict=True) if size <= KEPT_HEADERS_BYTES]
    parts = [
        (DeadLetterHeader.VALUE_LENGTH, DeadLetterHeader.VALUE_SHA256, letter.value or b""),
        (DeadLetterHeader.KEY_LENGTH, DeadLetterHeader.KEY_SHA256, letter.key or b""),
        (DeadLetterHeader.HEADERS_LENGTH, DeadLetterHeader.HEADERS_SHA256, _joined(letter.headers)),
    ]
    if isinstance(letter.value, CutValue):
        parts.pop()  # the headers of a record that was cut while it was read are unknown
    whole: Headers = []
    for length, digest, part in parts:
        cut = part if isinstance(part, CutValue) else CutValue.of([part])
        whole += [(length.value, b"%d" % cut.length), (digest.value, cut.sha256.encode())]
    key = None if letter.key is None else letter.key[:KEPT_KEY_BYTES]
    value = None if letter.value is None else letter.value[:KEPT_VALUE_BYTES]
    return key, value, [*kept, *_our_headers(letter), *whole]


def _joined(headers: Sequence[tuple[str, bytes | None]]) -> bytes:
    """Names and values, one after the other."""
    return b"".join(name.encode() + (value or b"") for name, value in headers)


def _header_size(header: tuple[str, bytes | None]) -> int:
    name, value = header
    return HEADER_FRAMING_BYTES + len(name.encode()) + len(value or b"")


def _dead_letter_of(record: Record) -> DeadLetter:
    original, ours = _parted(record.headers)
    is_old = DeadLetterHeader.ATTEMPTS in ours
    message = ours.get(DeadLetterHeader.EXCEPTION_MESSAGE, b"").decode(errors="replace")
    origin = _old_origin(ours, message) if is_old else _origin(ours)
    if record.topic != origin.topic + DLQ_SUFFIX:
        raise ValueError(f"a dead letter of {origin}")
    first, attempts = _old_claim(ours) if is_old else (None, 1)
    return DeadLetter(
        origin=origin,
        reason=DeadLetterReason(_text(ours, DeadLetterHeader.REASON)),
        message=message,
        exception=_text(ours, DeadLetterHeader.EXCEPTION_CLASS),
        key=record.key,
        value=record.value,
        headers=tuple(original),
        is_whole=DeadLetterHeader.VALUE_LENGTH not in ours,
        first=first,
        attempts=attempts,
    )


def _parted(headers: Headers) -> tuple[Headers, dict[str, bytes]]:
    """The original's own headers, and ours without nulls; ValueError if there are none of ours."""
    starts = [index for index, (name, _) in enumerate(headers) if name == DeadLetterHeader.TOPIC]
    if not starts:
        raise ValueError(f"no header {DeadLetterHeader.TOPIC}")
    ours = {name: value for name, value in headers[starts[-1] :] if value is not None}
    return headers[: starts[-1]], ours


def _origin(ours: Mapping[str, bytes], *, timestamp_ms: int | None = None) -> Origin:
    return Origin(
        _text(ours, DeadLetterHeader.TOPIC),
        _number(ours, DeadLetterHeader.PARTITION, bits=31),
        _number(ours, DeadLetterHeader.OFFSET),
        _number(ours, DeadLetterHeader.TIMESTAMP) if timestamp_ms is None else timestamp_ms,
    )


def _old_origin(ours: Mapping[str, bytes], message: str) -> Origin:
    """The rejected record of an old letter: its headers name what the record claimed, its message the record."""
    place = _OLD_PLACE.match(message)
    if not place:
        raise ValueError("its message names no record")
    return Origin(place[1], int(place[2]), int(place[3]), _number(ours, DeadLetterHeader.TIMESTAMP))


def _old_claim(ours: Mapping[str, bytes]) -> tuple[Origin | None, int]:
    """What the headers of an old letter say about its first origin, which the record's producer may have forged."""
    try:
        return _origin(ours, timestamp_ms=TIME_UNKNOWN_MS), _number(ours, DeadLetterHeader.ATTEMPTS)
    except ValueError:
        return None, 1


def _text(ours: Mapping[str, bytes], name: DeadLetterHeader) -> str:
    if name not in ours:
        raise ValueError(f"no header {name}")
    return ours[name].decode(errors="replace")


def _number(ours: Mapping[str, bytes], name: DeadLetterHeader, *, bits: int = 63) -> int:
    """A whole number of that many bits beside the sign; int() alone takes more forms, and raises for many digits."""
    text = _text(ours, name)
    if not _NUMBER.fullmatch(text) or int(text).bit_length() > bits:
        raise ValueError(f"header {name}: wanted a whole number of {bits} bits, found {text[:40]!r}")
    return int(text)

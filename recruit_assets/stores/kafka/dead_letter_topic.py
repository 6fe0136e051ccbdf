"""The dead letter topic: a rejected record's original key and value; its headers say where it came from and why.

Header names are Kafka Connect's (KIP-298), see `contract.dead_letters`.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from kafka.structs import TopicPartition

from recruit_assets.contract.cut_values import KEPT_VALUE_BYTES, CutValue
from recruit_assets.contract.dead_letters import DeadLetter, DeadLetterHeader, DeadLetterReason, Origin
from recruit_assets.runtime.errors import Inconsistent, SchemaMismatch, StoreUnavailable
from recruit_assets.runtime.settings import Settings
from recruit_assets.stores.kafka.clients import Headers, open_admin, open_consumer, open_sender, translated_errors
from recruit_assets.stores.kafka.group_member import Record
from recruit_assets.stores.kafka.offsets import beginning_offsets, end_offsets
from recruit_assets.stores.kafka.topics import topic_options

KEPT_KEY_BYTES = 4 * 1024
MESSAGE_CHARACTERS = 1_000
ENVELOPE_BYTES = 8 * 1024
"""Room for our headers (up to 4 bytes per character of the message) and for Kafka's framing of a batch of one."""
SMALLEST_LIMIT_BYTES = KEPT_VALUE_BYTES + KEPT_KEY_BYTES + ENVELOPE_BYTES
POLL_MS = 1_000

OUR_HEADERS = frozenset(DeadLetterHeader)


class Sender(Protocol):
    """What DeadLetterTopic needs of a `TopicSender`."""

    def send(self, key: bytes | None, value: bytes | None, *, headers: Headers) -> None: ...
    def acknowledged(self) -> None: ...


class DeadLetterTopic:
    """Sends dead letters; none is safe before `acknowledged` returns."""

    def __init__(self, sender: Sender, *, limit_bytes: int) -> None:
        self._sender = sender
        self._limit_bytes = limit_bytes

    def send(self, letter: DeadLetter) -> None:
        """Hand over a dead letter; StoreUnavailable if the topic can't be reached."""
        key, value, headers = letter.key, letter.value, headers_of(letter)
        size = len(key or b"") + len(value or b"") + sum(len(name) + len(found) for name, found in headers)
        if isinstance(value, CutValue) or size > self._limit_bytes - ENVELOPE_BYTES:
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
    if limit < SMALLEST_LIMIT_BYTES:
        raise SchemaMismatch(
            f"Kafka topic {settings.dlq_topic}: wanted max.message.bytes of at least {SMALLEST_LIMIT_BYTES}, found "
            f"{limit}. Raise it: without dead letters no offset can be committed"
        )
    with open_sender(settings, settings.dlq_topic) as sender:
        yield DeadLetterTopic(sender, limit_bytes=limit)


def headers_of(letter: DeadLetter) -> Headers:
    """The original's own headers, then ours."""
    ours = {
        DeadLetterHeader.TOPIC: letter.origin.topic,
        DeadLetterHeader.PARTITION: str(letter.origin.partition),
        DeadLetterHeader.OFFSET: str(letter.origin.offset),
        DeadLetterHeader.EXCEPTION_CLASS: letter.exception,
        DeadLetterHeader.EXCEPTION_MESSAGE: letter.message[:MESSAGE_CHARACTERS],
        DeadLetterHeader.REASON: letter.reason.value,
        DeadLetterHeader.TIMESTAMP: str(letter.timestamp_ms),
        DeadLetterHeader.ATTEMPTS: str(letter.attempts),
    }
    original = [(name, found) for name, found in letter.headers if name not in OUR_HEADERS]
    return original + [(name.value, text.encode(errors="backslashreplace")) for name, text in ours.items()]


def dead_letter_of(record: Record) -> DeadLetter:
    """The dead letter in a record of the topic; Inconsistent if another program wrote it."""
    found = dict(record.headers)
    try:
        length = found.get(DeadLetterHeader.ORIGINAL_LENGTH)
        return DeadLetter(
            origin=origin_in(found),
            reason=DeadLetterReason(found[DeadLetterHeader.REASON].decode()),
            message=found[DeadLetterHeader.EXCEPTION_MESSAGE].decode(),
            exception=found[DeadLetterHeader.EXCEPTION_CLASS].decode(),
            timestamp_ms=int(found[DeadLetterHeader.TIMESTAMP]),
            attempts=int(found[DeadLetterHeader.ATTEMPTS]),
            key=record.key,
            value=record.value,
            headers=tuple((name, text) for name, text in record.headers if name not in OUR_HEADERS),
            original_length=None if length is None else int(length),
        )
    except (KeyError, ValueError) as error:
        place = f"{record.topic}/{record.partition}/{record.offset}"
        raise Inconsistent(f"{place} isn't a dead letter of this platform: {error!r}") from error


def origin_in(headers: dict[str, bytes]) -> Origin:
    """The origin in the headers; KeyError or ValueError without a valid one."""
    return Origin(
        headers[DeadLetterHeader.TOPIC].decode(),
        int(headers[DeadLetterHeader.PARTITION]),
        int(headers[DeadLetterHeader.OFFSET]),
    )


def read_dead_letters(settings: Settings) -> Iterator[DeadLetter]:
    """Every dead letter that the topic holds when reading begins, partition by partition."""
    consumer = open_consumer(settings, group=None)
    try:
        ends, firsts = end_offsets(consumer, settings.dlq_topic), beginning_offsets(consumer, settings.dlq_topic)
        for partition, end in ends.items():
            tp = TopicPartition(settings.dlq_topic, partition)
            consumer.assign([tp])
            consumer.seek(tp, firsts[partition])
            while consumer.position(tp) < end:
                with translated_errors(f"read topic {settings.dlq_topic}"):
                    fetched = consumer.poll(timeout_ms=POLL_MS)
                yield from (dead_letter_of(record) for record in fetched.get(tp, ()) if record.offset < end)
    finally:
        consumer.close(autocommit=False)


def _truncated(letter: DeadLetter) -> tuple[bytes | None, bytes | None, Headers]:
    """The beginning of an original that is too long, with its length and SHA-256."""
    value = letter.value if isinstance(letter.value, CutValue) else CutValue.of([letter.value or b""])
    ours = [(name, found) for name, found in headers_of(letter) if name in OUR_HEADERS]
    ours += [
        (DeadLetterHeader.ORIGINAL_LENGTH.value, str(value.length).encode()),
        (DeadLetterHeader.ORIGINAL_SHA256.value, value.sha256.encode()),
    ]
    key = letter.key if letter.key is None else letter.key[:KEPT_KEY_BYTES]
    return key, bytes(value), ours

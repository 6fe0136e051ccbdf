"""Dead letters: why a record can't become an event, and how it is kept.

Header names are Kafka Connect's (KIP-298).
"""

from dataclasses import dataclass
from enum import StrEnum


class DeadLetterReason(StrEnum):
    """Why a record can't become an event. The description of each is in `DEAD_LETTER_MEANINGS`."""

    EMPTY = "empty"
    TOMBSTONE = "tombstone"
    NOT_UTF8 = "not_utf8"
    NOT_JSON = "not_json"
    NOT_OBJECT = "not_object"
    TOO_DEEP = "too_deep"
    MISSING = "missing"
    INVALID_UUID = "invalid_uuid"
    WRONG_TYPE = "wrong_type"
    OUT_OF_RANGE = "out_of_range"
    BAD_TIMESTAMP = "bad_timestamp"
    BEFORE_FIRST_HOUR = "before_first_hour"
    TOO_LATE = "too_late"
    FUTURE = "future"
    TOO_LARGE = "too_large"
    REJECTED_BY_STORE = "rejected_by_store"
    INTERNAL_ERROR = "internal_error"


DEAD_LETTER_MEANINGS = {
    DeadLetterReason.EMPTY: "the value has no bytes",
    DeadLetterReason.TOMBSTONE: "the value is null",
    DeadLetterReason.NOT_UTF8: "the value isn't UTF-8, or starts with a byte order mark",
    DeadLetterReason.NOT_JSON: "the value isn't one JSON document",
    DeadLetterReason.NOT_OBJECT: "the JSON document isn't an object",
    DeadLetterReason.TOO_DEEP: "the JSON document nests too deeply to be parsed",
    DeadLetterReason.MISSING: "create_time is absent or null",
    DeadLetterReason.INVALID_UUID: "create_time isn't a version-1 UUID",
    DeadLetterReason.WRONG_TYPE: "a field has a type that its column can't hold",
    DeadLetterReason.OUT_OF_RANGE: "a number doesn't fit 32 bits",
    DeadLetterReason.BAD_TIMESTAMP: "ts isn't a time that exists",
    DeadLetterReason.BEFORE_FIRST_HOUR: "the event time is before RECRUIT_FIRST_HOUR",
    DeadLetterReason.TOO_LATE: "Kafka received it when its hour's RECRUIT_RETENTION_DAYS were over",
    DeadLetterReason.FUTURE: "the event time is more than 5 minutes after the Kafka record's",
    DeadLetterReason.TOO_LARGE: "the value is larger than RECRUIT_MAX_EVENT_BYTES, or the whole record than 8 MiB",
    DeadLetterReason.REJECTED_BY_STORE: "Cassandra rejects the row as invalid",
    DeadLetterReason.INTERNAL_ERROR: "ingest failed at this record, with the error that the message names: a bug",
}

DLQ_SUFFIX = ".dlq"
"""The dead letter topic has the event topic's name with this suffix."""


class DeadLetterHeader(StrEnum):
    """Kafka header names of a dead letter; the `__connect` ones are Kafka Connect's (KIP-298).

    Ours follow the original's own headers and begin with TOPIC, so an original may have headers of the same names.
    """

    TOPIC = "__connect.errors.topic"
    PARTITION = "__connect.errors.partition"
    OFFSET = "__connect.errors.offset"
    EXCEPTION_CLASS = "__connect.errors.exception.class.name"
    EXCEPTION_MESSAGE = "__connect.errors.exception.message"
    REASON = "recruit.errors.reason"
    TIMESTAMP = "recruit.errors.timestamp_ms"
    ATTEMPTS = "recruit.errors.attempts"
    """Only in letters from before schema version 2, see `DeadLetter.first`."""
    VALUE_LENGTH = "recruit.errors.original_length_bytes"
    VALUE_SHA256 = "recruit.errors.original_sha256"
    KEY_LENGTH = "recruit.errors.original_key_length_bytes"
    KEY_SHA256 = "recruit.errors.original_key_sha256"
    HEADERS_LENGTH = "recruit.errors.original_headers_length_bytes"
    HEADERS_SHA256 = "recruit.errors.original_headers_sha256"


@dataclass(frozen=True, slots=True)
class Origin:
    """The record that was rejected: its place in the event topic, and its time.

    The time tells it from the record at the same place of a topic that was made anew.
    """

    topic: str
    partition: int
    offset: int
    timestamp_ms: int

    def __str__(self) -> str:
        return f"{self.topic}/{self.partition}/{self.offset}"


TIME_UNKNOWN_MS = 0
"""The time of an origin that a program before schema version 2 stored."""


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A rejected record. Its headers are those that it had; null values are kept."""

    origin: Origin
    reason: DeadLetterReason
    message: str
    exception: str
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes | None], ...]
    is_whole: bool = True
    """False if the original was too large for the topic, which has only its beginning."""
    first: Origin | None = None
    """The record rejected first, as a letter from before schema version 2 claims it; a producer may have forged it.

    For newer letters the table of replays has it.
    """
    attempts: int = 1
    """How often the record was rejected, by the same headers."""

"""From a JSON object to an event: 29 typed values, an event time, and the unknown fields."""

import re
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from uuid import UUID

import orjson

from recruit_assets.contract.dead_letters import DeadLetterReason
from recruit_assets.contract.events import EVENT_COLUMNS, FUTURE_ALLOWANCE_S
from recruit_assets.contract.measures import ACTION_SPELLINGS
from recruit_assets.contract.retention import KEEP_ALL, Retention
from recruit_assets.contract.types import INT_MAX, INT_MIN, Type
from recruit_assets.runtime.errors import RejectedEvent
from recruit_assets.runtime.times import from_ms, to_ms
from recruit_assets.transforms.buckets import HOUR_MS
from recruit_assets.transforms.decode import (
    JsonObject,
    decode,
    exact_numbers,
    has_rounded_numbers,
    json_type,
    number_text,
    shown,
    too_deep,
)
from recruit_assets.transforms.numbers import spelled_number, whole_number_of

Value = str | int | None

COLUMNS = tuple(column.name for column in EVENT_COLUMNS)
POSITIONS = {name: position for position, name in enumerate(COLUMNS)}
_NAMES = POSITIONS.keys()
_INT_POSITIONS = tuple(POSITIONS[column.name] for column in EVENT_COLUMNS if column.type is Type.INT)
_TEXT_POSITIONS = tuple(POSITIONS[column.name] for column in EVENT_COLUMNS if column.type is Type.TEXT)
_TS, _CUSTOM_TRACK, _JOB_ID = POSITIONS["ts"], POSITIONS["custom_track"], POSITIONS["job_id"]

_UUID_V1 = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-1[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}", re.IGNORECASE | re.ASCII)
_UUID_EPOCH = 0x01B21DD213814000
"""1582-10-15 to 1970-01-01 in steps of 100 ns."""

_TIME = re.compile(
    r"(?P<day>\d{4}-\d{2}-\d{2})[ T](?P<time>\d{2}:\d{2}:\d{2})(?:\.(?P<fraction>\d+))?"
    r"(?P<zone>Z|[+-](?:[01]\d|2[0-3])(?::?[0-5]\d)?)?",
    re.ASCII,
)
"""Zones as in RFC 3339: datetime also takes 60 minutes and more, which would be another hour."""
_SECONDS_MS = {f":{second:02}": second * 1000 for second in range(60)}
_FRACTIONS_MS = {"": 0} | {f".{fraction:03}": fraction for fraction in range(1000)}


@dataclass(frozen=True, slots=True)
class Limits:
    """Limits of a valid event; `first_hour_ms` is RECRUIT_FIRST_HOUR in ms since the epoch."""

    max_bytes: int
    first_hour_ms: int
    retention: Retention = KEEP_ALL


@dataclass(slots=True)
class Event:
    """A valid event. `values` follow EVENT_COLUMNS, with create_time and ts as received."""

    key: bytes
    """The 16 bytes of create_time."""
    event_time_ms: int
    values: list[Value]
    extra: str | None
    """Fields that the contract doesn't name, as one JSON object."""
    size_bytes: int
    """Size of its JSON."""
    erased: AbstractSet[str] = frozenset()
    """Columns that its row must not have, also where an earlier write of the event has them."""

    @property
    def create_time(self) -> UUID:
        return UUID(bytes=self.key)

    @property
    def action(self) -> str | None:
        """The action if it counts, else None."""
        return ACTION_SPELLINGS.get(self.values[_CUSTOM_TRACK])  # type: ignore[arg-type]  # a text column

    @property
    def is_unattributed(self) -> bool:
        """Whether the action counts but no job is named."""
        return self.values[_JOB_ID] is None and self.values[_CUSTOM_TRACK] in ACTION_SPELLINGS

    def value(self, column: str) -> Value:
        return self.values[POSITIONS[column]]


def read_event(value: bytes | None, received_at_ms: int, *, limits: Limits) -> Event:
    """The event of a Kafka record with this value and timestamp; RejectedEvent, with a reason, if it is invalid.

    Ingest spends most of its CPU time here, so a value of the right type isn't converted.
    """
    document = decode(value, limits.max_bytes)
    original = value or b""  # `decode` rejects a record without one
    key = _identity(document.get("create_time"))
    values: list[Value] = list(map(document.get, COLUMNS))
    for position in _INT_POSITIONS:
        found = values[position]
        if found is not None and (type(found) is not int or not INT_MIN <= found <= INT_MAX):
            values[position] = _whole_number(COLUMNS[position], found, original=original)
    for position in _TEXT_POSITIONS:
        found = values[position]
        if found is not None and type(found) is not str:
            values[position] = _text(COLUMNS[position], found, original=original)
    ts = values[_TS]
    event_time_ms = uuid_time_ms(key) if ts is None else time_ms(str(ts))
    _check_time(event_time_ms, received_at_ms, limits=limits)
    extra = None if document.keys() <= _NAMES else _extra(document, original=original)
    return Event(key, event_time_ms, values, extra, len(original))


def time_ms(text: str) -> int:
    """Milliseconds since the epoch of "YYYY-MM-DD HH:MM:SS" in UTC, or with 'T', fraction (cut to ms) or zone.

    RejectedEvent bad_timestamp for any other form, and for a time that doesn't exist.
    """
    second_ms, fraction_ms = _SECONDS_MS.get(text[16:19]), _FRACTIONS_MS.get(text[19:])
    if second_ms is not None and fraction_ms is not None:
        try:
            return _minute_ms(text[:16]) + second_ms + fraction_ms
        except RejectedEvent:
            pass  # parsed again below: the error then quotes the whole text
    return _parsed_ms(text)


@lru_cache(maxsize=4096)
def _minute_ms(text: str) -> int:
    """Milliseconds since the epoch of "YYYY-MM-DD HH:MM" in UTC; cached, since events share minutes."""
    return _parsed_ms(f"{text}:00")


def _parsed_ms(text: str) -> int:
    found = _TIME.fullmatch(text)
    if found is None:
        raise _bad_timestamp(text, "wanted YYYY-MM-DD HH:MM:SS")
    zone = found["zone"] or "+00:00"
    try:
        moment = datetime.fromisoformat(f"{found['day']}T{found['time']}{zone}")
    except ValueError as error:
        raise _bad_timestamp(text, str(error)) from error
    fraction_ms = int((found["fraction"] or "0")[:3].ljust(3, "0"))
    return to_ms(moment) + fraction_ms


def uuid_time_ms(key: bytes) -> int:
    """Milliseconds since the epoch of a version-1 UUID's 16 bytes."""
    ticks = (int.from_bytes(key[6:8]) & 0x0FFF) << 48 | int.from_bytes(key[4:6]) << 32 | int.from_bytes(key[:4])
    return (ticks - _UUID_EPOCH) // 10_000


def _identity(found: object) -> bytes:
    if found is None:
        raise RejectedEvent(DeadLetterReason.MISSING, "create_time: absent or null")
    if not isinstance(found, str) or not _UUID_V1.fullmatch(found):
        raise RejectedEvent(
            DeadLetterReason.INVALID_UUID,
            f"create_time: wanted a version-1 UUID, found {json_type(found)} {shown(found)}",
        )
    return bytes.fromhex(found.replace("-", ""))


def _whole_number(name: str, found: object, *, original: bytes) -> int:
    """A 32-bit integer sent as 1, 1.0, "1" or "1.0"; RejectedEvent wrong_type or out_of_range otherwise."""
    number: int | None = None
    if type(found) is str:
        number = spelled_number(found)
    elif type(found) is int:
        number = found
    elif type(found) is float and not has_rounded_numbers(original):
        number = int(found) if found.is_integer() else None
    elif isinstance(found, float | orjson.Fragment):
        found = _exact(name, found, original=original)
        number = whole_number_of(number_text(found))
    if number is None:
        raise _wrong_type(name, found, wanted="a whole number")
    if not INT_MIN <= number <= INT_MAX:
        raise RejectedEvent(DeadLetterReason.OUT_OF_RANGE, f"{name}: wanted a 32-bit integer, found {shown(found)}")
    return number


def _text(name: str, found: object, *, original: bytes) -> str:
    """A text, or the JSON text of a boolean or number."""
    match found:
        case bool():
            return "true" if found else "false"
        case int():
            return str(found)
        case float() | orjson.Fragment():
            # a double would lose the 0 of 1.10, and digits of long numbers
            return number_text(_exact(name, found, original=original))
        case _:
            raise _wrong_type(name, found, wanted="text")


def _exact(name: str, found: float | orjson.Fragment, *, original: bytes) -> orjson.Fragment:
    """The number of this field as it was sent."""
    return exact_numbers(original)[name] if isinstance(found, float) else found


def _check_time(event_time_ms: int, received_at_ms: int, *, limits: Limits) -> None:
    if event_time_ms < limits.first_hour_ms:
        raise RejectedEvent(
            DeadLetterReason.BEFORE_FIRST_HOUR,
            f"ts: event time {_shown_time(event_time_ms)} is before RECRUIT_FIRST_HOUR "
            f"{_shown_time(limits.first_hour_ms)}",
        )
    if limits.retention.changes:
        _check_retention(event_time_ms, received_at_ms, retention=limits.retention)
    if event_time_ms > received_at_ms + FUTURE_ALLOWANCE_S * 1000:
        raise RejectedEvent(
            DeadLetterReason.FUTURE,
            f"ts: event time {_shown_time(event_time_ms)} is more than {FUTURE_ALLOWANCE_S} s after the record's time "
            f"{_shown_time(received_at_ms)}",
        )


def _check_retention(event_time_ms: int, received_at_ms: int, *, retention: Retention) -> None:
    first_hour_ms = _first_hour_ms(retention, received_at_ms // HOUR_MS)
    if first_hour_ms is not None and event_time_ms < first_hour_ms:
        raise RejectedEvent(
            DeadLetterReason.TOO_LATE,
            f"ts: event time {_shown_time(event_time_ms)} is before {_shown_time(first_hour_ms)}: when Kafka received "
            f"the record, {_shown_time(received_at_ms)}, RECRUIT_RETENTION_DAYS of earlier hours were over",
        )


@lru_cache(maxsize=1024)
def _first_hour_ms(retention: Retention, received_hour: int) -> int | None:
    """The first hour that takes events of records received in this hour; it changes with full hours only."""
    first_hour = retention.first_hour(from_ms(received_hour * HOUR_MS))
    return None if first_hour is None else to_ms(first_hour)


def _extra(document: JsonObject, *, original: bytes) -> str:
    """The unknown fields as JSON; parsed again if a double could have changed a number in them."""
    fields = {name: found for name, found in document.items() if name not in POSITIONS}
    # already exact where a number is a Fragment
    if any(isinstance(found, float | dict | list) for found in fields.values()):
        exact = exact_numbers(original)
        fields = {name: exact[name] for name in fields}
    try:
        return orjson.dumps(fields).decode()
    except orjson.JSONEncodeError as error:
        raise too_deep() from error


def _shown_time(moment_ms: int) -> str:
    try:
        return from_ms(moment_ms).isoformat(sep=" ", timespec="milliseconds")
    except OverflowError:
        return f"{moment_ms} ms after 1970"


def _wrong_type(name: str, found: object, *, wanted: str) -> RejectedEvent:
    return RejectedEvent(
        DeadLetterReason.WRONG_TYPE, f"{name}: wanted {wanted}, found {json_type(found)} {shown(found)}"
    )


def _bad_timestamp(text: str, why: str) -> RejectedEvent:
    return RejectedEvent(DeadLetterReason.BAD_TIMESTAMP, f"ts: {why}, found {shown(text)}")

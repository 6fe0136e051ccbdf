"""Parses a Kafka record's value into a JSON object, or rejects it with a reason. Fields are checked in `validate`."""

import json
from typing import Any

import orjson

from recruit_assets.contract.dead_letters import DeadLetterReason
from recruit_assets.runtime.errors import RejectedEvent

JsonObject = dict[str, Any]

_UTF16_MARKS = (b"\xff\xfe", b"\xfe\xff")
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_SHOWN = 60


def decode(value: bytes | None, max_bytes: int) -> JsonObject:
    """The JSON object in the value; RejectedEvent if there is none or it is too large. The last duplicate key wins.

    Integers above 64 bits become floats; `exact_numbers` returns them as sent.
    """
    if not value:
        raise _no_value(value)
    if len(value) > max_bytes:
        raise RejectedEvent(
            DeadLetterReason.TOO_LARGE, f"the value has {len(value)} bytes, RECRUIT_MAX_EVENT_BYTES allows {max_bytes}"
        )
    try:
        document = orjson.loads(value)
    except orjson.JSONDecodeError as error:
        raise _unparsable(value, error) from error
    if type(document) is not dict:
        raise RejectedEvent(
            DeadLetterReason.NOT_OBJECT, f"wanted a JSON object, found {json_type(document)}: {shown(document)}"
        )
    return document


def exact_numbers(value: bytes) -> JsonObject:
    """The same object with each number as an orjson.Fragment of its original text, which a double may not hold."""
    try:
        document: JsonObject = json.loads(value, parse_float=orjson.Fragment, parse_int=orjson.Fragment)
    except RecursionError as error:
        raise too_deep() from error
    return document


def too_deep() -> RejectedEvent:
    return RejectedEvent(DeadLetterReason.TOO_DEEP, "the JSON document nests too deeply to be parsed")


def json_type(value: object) -> str:
    """The JSON name of a parsed value's type."""
    names = {
        dict: "an object",
        list: "an array",
        str: "a string",
        bool: "a boolean",
        int: "a number",
        float: "a number",
    }
    return names.get(type(value), "null")


def shown(value: object) -> str:
    """A value, shortened for a message; of a container only its size, since it may be nested deeply."""
    if isinstance(value, dict | list):
        return f"{len(value)} items"
    text = repr(value)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}... ({len(text)} characters)"


def _no_value(value: bytes | None) -> RejectedEvent:
    if value is None:
        return RejectedEvent(DeadLetterReason.TOMBSTONE, "the value is null")
    return RejectedEvent(DeadLetterReason.EMPTY, "the value has no bytes")


def _unparsable(value: bytes, error: orjson.JSONDecodeError) -> RejectedEvent:
    if value.startswith(_BYTE_ORDER_MARK) or value.startswith(_UTF16_MARKS):
        return RejectedEvent(DeadLetterReason.NOT_UTF8, f"the value starts with a byte order mark: {value[:8]!r}")
    try:
        value.decode()
    except UnicodeDecodeError as broken:
        place = f"byte {value[broken.start]:#04x} at {broken.start}"
        return RejectedEvent(DeadLetterReason.NOT_UTF8, f"the value isn't UTF-8: {place}, {broken.reason}")
    if _is_utf16_without_mark(value):
        return RejectedEvent(DeadLetterReason.NOT_UTF8, f"the value looks like UTF-16: {value[:8]!r}")
    if error.msg.startswith("depth limit"):
        return too_deep()
    if error.msg.startswith("number is infinity"):
        return RejectedEvent(DeadLetterReason.OUT_OF_RANGE, f"a number is larger than any double: {error}")
    return RejectedEvent(DeadLetterReason.NOT_JSON, f"the value isn't one JSON document: {error}")


def _is_utf16_without_mark(value: bytes) -> bool:
    """In UTF-16 and UTF-32, the first brace has null bytes beside it, which are valid UTF-8 but not valid JSON."""
    return value[:2] in (b"{\x00", b"\x00{") or value[:4] == b"\x00\x00\x00{"

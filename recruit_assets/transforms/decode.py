"""From a Kafka record's value to a JSON object, or to the reason why it isn't one.

Belongs here: bytes, UTF-8, JSON, size. Not here: what the object's fields must be (`validate`), what becomes of a
record that is refused (`ingest`).
"""

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
    """The JSON object of a value of at most `max_bytes`; RejectedEvent otherwise. Of a key given twice the last counts.

    Integers of more than 64 bits come as floats; `exact_numbers` tells what was sent.
    """
    if not value:
        raise _refused_before_parsing(value)
    if len(value) > max_bytes:
        raise RejectedEvent(
            DeadLetterReason.TOO_LARGE, f"the value has {len(value)} bytes, RECRUIT_MAX_EVENT_BYTES allows {max_bytes}"
        )
    try:
        document = orjson.loads(value)
    except orjson.JSONDecodeError as error:
        raise _refused_by_parser(value, error) from error
    if type(document) is not dict:
        raise RejectedEvent(
            DeadLetterReason.NOT_OBJECT, f"wanted a JSON object, found {json_type(document)}: {shown(document)}"
        )
    return document


def exact_numbers(value: bytes) -> JsonObject:
    """The same object with each number as an orjson.Fragment of its own text, for where a double isn't good enough."""
    try:
        document: JsonObject = json.loads(value, parse_float=orjson.Fragment, parse_int=orjson.Fragment)
    except RecursionError as error:
        raise too_deep() from error
    return document


def too_deep() -> RejectedEvent:
    return RejectedEvent(DeadLetterReason.TOO_DEEP, "the JSON document nests too deeply to be parsed and kept")


def json_type(value: object) -> str:
    """JSON's name of a parsed value's type."""
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
    """A value, shortened for a message; containers only by their size, since they may nest deeply."""
    if isinstance(value, dict | list):
        return f"{len(value)} items"
    text = repr(value)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}... ({len(text)} characters)"


def _refused_before_parsing(value: bytes | None) -> RejectedEvent:
    if value is None:
        return RejectedEvent(DeadLetterReason.TOMBSTONE, "the value is null")
    return RejectedEvent(DeadLetterReason.EMPTY, "the value has no bytes")


def _refused_by_parser(value: bytes, error: orjson.JSONDecodeError) -> RejectedEvent:
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
    """An object in UTF-16 or UTF-32 has a null byte beside its brace, which is valid UTF-8 and never valid JSON."""
    return value[:2] in (b"{\x00", b"\x00{") or value[:4] == b"\x00\x00\x00{"

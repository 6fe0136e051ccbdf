"""Parses a Kafka record's value into a JSON object, or rejects it with a reason. Fields are checked in `validate`."""

import json
import re
from functools import lru_cache
from typing import Any, NoReturn

import orjson

from recruit_assets.contract.cut_values import MAX_HEADERS, MAX_RECORD_BYTES, CutValue
from recruit_assets.contract.dead_letters import DeadLetterReason
from recruit_assets.runtime.errors import RejectedEvent

JsonObject = dict[str, Any]

_UTF16_MARKS = (b"\xff\xfe", b"\xfe\xff")
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_SHOWN = 60
_MAY_BE_ROUNDED = re.compile(rb":\s*-?(?:[0-9.]{17}|[0-9.]+[eE])")
"""A number that a double may round: more than 15 digits, or an exponent. Doubles tell all shorter numbers apart."""


def decode(value: bytes | None, max_bytes: int) -> JsonObject:
    """The JSON object in the value; RejectedEvent if there is none or it is too large. The last duplicate key wins.

    Fractions, exponents and integers above 64 bits become floats, perhaps rounded; `exact_numbers` has them as sent. If
    one number is larger than any double, all numbers are as sent.
    """
    if not value or type(value) is not bytes or len(value) > max_bytes:
        raise _wrong_size(value, max_bytes)
    try:
        document = orjson.loads(value)
    except orjson.JSONDecodeError as error:
        if not error.msg.startswith("number is infinity"):
            raise _unparsable(value, error) from error
        document = _beyond_doubles(value)
    if type(document) is not dict:
        raise RejectedEvent(
            DeadLetterReason.NOT_OBJECT, f"wanted a JSON object, found {json_type(document)}: {shown(document)}"
        )
    return document


def exact_numbers(value: bytes) -> JsonObject:
    """The same object with each number as an orjson.Fragment of its original text, which a double may not hold."""
    try:
        document: JsonObject = json.loads(
            value.decode(), parse_float=orjson.Fragment, parse_int=orjson.Fragment, parse_constant=_not_json
        )
    except RecursionError as error:
        raise too_deep() from error
    return document


@lru_cache(maxsize=1)
def has_rounded_numbers(value: bytes) -> bool:
    """Whether a member of an object in this JSON may be a number that a double rounds; asked for each of its floats."""
    return _MAY_BE_ROUNDED.search(value) is not None


def number_text(number: orjson.Fragment) -> str:
    return orjson.dumps(number).decode()


def _beyond_doubles(value: bytes) -> JsonObject:
    """The document, in which orjson found a number larger than any double; json takes it, but also what isn't JSON."""
    try:
        document = exact_numbers(value)
        orjson.dumps(document)
    except orjson.JSONEncodeError as error:
        if str(error).startswith("Recursion limit"):
            raise too_deep() from error
        raise _unparsable(value, error) from error
    except ValueError as error:
        raise _unparsable(value, error) from error
    return document


def _not_json(constant: str) -> NoReturn:
    raise ValueError(f"{constant} isn't JSON")


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
        orjson.Fragment: "a number",
    }
    return names.get(type(value), "null")


def shown(value: object) -> str:
    """A value, shortened for a message; of a container only its size, since it may be nested deeply."""
    if isinstance(value, dict | list):
        return f"{len(value)} items"
    text = number_text(value) if isinstance(value, orjson.Fragment) else repr(value)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}... ({len(text)} characters)"


def _wrong_size(value: bytes | None, max_bytes: int) -> RejectedEvent:
    if value is None:
        return RejectedEvent(DeadLetterReason.TOMBSTONE, "the value is null")
    if isinstance(value, CutValue):
        return RejectedEvent(
            DeadLetterReason.TOO_LARGE,
            f"the record has more than {MAX_RECORD_BYTES} bytes or {MAX_HEADERS} headers; its value has {value.length} "
            "bytes",
        )
    if not value:
        return RejectedEvent(DeadLetterReason.EMPTY, "the value has no bytes")
    return RejectedEvent(
        DeadLetterReason.TOO_LARGE, f"the value has {len(value)} bytes, RECRUIT_MAX_EVENT_BYTES allows {max_bytes}"
    )


def _unparsable(value: bytes, error: Exception) -> RejectedEvent:
    if value.startswith(_BYTE_ORDER_MARK) or value.startswith(_UTF16_MARKS):
        return RejectedEvent(DeadLetterReason.NOT_UTF8, f"the value starts with a byte order mark: {value[:8]!r}")
    try:
        value.decode()
    except UnicodeDecodeError as broken:
        place = f"byte {value[broken.start]:#04x} at {broken.start}"
        return RejectedEvent(DeadLetterReason.NOT_UTF8, f"the value isn't UTF-8: {place}, {broken.reason}")
    if _is_utf16_without_mark(value):
        return RejectedEvent(DeadLetterReason.NOT_UTF8, f"the value looks like UTF-16: {value[:8]!r}")
    if str(error).startswith("depth limit"):
        return too_deep()
    return RejectedEvent(DeadLetterReason.NOT_JSON, f"the value isn't one JSON document: {error}")


def _is_utf16_without_mark(value: bytes) -> bool:
    """In UTF-16 and UTF-32, the first brace has null bytes beside it, which are valid UTF-8 but not valid JSON."""
    return value[:2] in (b"{\x00", b"\x00{") or value[:4] == b"\x00\x00\x00{"

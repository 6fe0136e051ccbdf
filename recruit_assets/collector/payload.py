"""From a request's body or query to Kafka records: one JSON object per event, with a create_time.

What can't be an event isn't refused here: a page never sees the answer, so it would be lost. It goes to Kafka as it is,
and ingest makes a dead letter of it, with the reason.
"""

import json
import secrets
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qsl
from uuid import uuid1

import orjson

NODE = secrets.randbits(48) | 1 << 40
"""In place of this machine's network address, which UUIDs would reveal; no network card has this bit."""
CLOCK = secrets.randbits(14)
MAX_FIELDS = 500
MAX_EVENTS = 1_000
"""In one request."""


def json_records(body: bytes) -> list[bytes]:
    """The records of a JSON object or of an array of such; a body that is neither is one record, as it is.

    None in a blank body or an empty array.
    """
    if not body.strip():
        return []
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError:
        return [body]
    if isinstance(document, list):
        return list(_elements(body))
    return [_stamped(body, document)]


def form_records(encoded: bytes) -> list[bytes]:
    """The record of a query or form: each field is a text, an empty one is absent. None without fields."""
    try:
        fields = dict(parse_qsl(encoded.decode(), errors="strict", max_num_fields=MAX_FIELDS))
    except ValueError:  # not UTF-8, or too many fields
        return [encoded]
    return [_written(fields)] if fields else []


def _elements(body: bytes) -> Iterator[bytes]:
    """The elements of a JSON array, with numbers as they were sent."""
    for element in json.loads(body, parse_float=orjson.Fragment, parse_int=orjson.Fragment):
        yield _written(element) if isinstance(element, dict) else orjson.dumps(element)


def _stamped(body: bytes, document: object) -> bytes:
    """The body itself, with a create_time in front where an object has none."""
    if not isinstance(document, dict) or document.get("create_time") is not None:
        return body
    if "create_time" in document or not document:
        fields: dict[str, Any] = json.loads(body, parse_float=orjson.Fragment, parse_int=orjson.Fragment)
        return _written(fields)
    return b'{"create_time":"%s",%s' % (_create_time().encode(), body.lstrip()[1:])


def _written(fields: dict[str, Any]) -> bytes:
    if fields.get("create_time") is None:
        fields["create_time"] = _create_time()
    return orjson.dumps(fields)


def _create_time() -> str:
    return str(uuid1(NODE, CLOCK))

"""The event as JSON Schema 2020-12: what ingest accepts, as far as a schema can say it.

Patterns have only what ECMAScript, RE2 and Python have in common. Digits are 0 to 9.
"""

from recruit_assets.contract.events import EVENT_COLUMNS
from recruit_assets.contract.published.data_contract import EVENT, Json
from recruit_assets.contract.types import INT_MAX, INT_MIN, Column, Type

DIALECT = "https://json-schema.org/draft/2020-12/schema"
EXAMPLE = {
    "create_time": "8a7b6c5d-e9f0-11f0-8de9-0242ac120002",
    "ts": "2026-01-05 07:21:34",
    "custom_track": "click",
    "job_id": 1042,
    "publisher_id": "17",
    "bid": 35,
    "dl": "https://jobs.example.com/1042",
}


def event_schema() -> Json:
    """A schema of the JSON object in a Kafka record. Fields that it doesn't name are allowed, and kept."""
    return {
        "$schema": DIALECT,
        "$id": f"urn:recruit-assets:event:{EVENT.version}",
        "title": "recruit_assets event",
        "description": f"{EVENT.purpose} {EVENT.limitations}",
        "type": "object",
        "required": [column.name for column in EVENT_COLUMNS if not column.nullable],
        "properties": {column.name: _property(column) for column in EVENT_COLUMNS},
        "additionalProperties": True,
        "examples": [EXAMPLE],
        "$defs": {
            "uuid_v1": _text("A version-1 UUID", _pattern(_UUID_V1), nullable=False),
            "time": _text(
                "YYYY-MM-DD HH:MM:SS in UTC, or with T, a fraction or a zone", _pattern(f"{_DAY}[ T]{_TIME}{_ZONE}?")
            ),
            "whole_number": {
                "description": "A whole number of 32 bits, written as 1, 1.0, '1' or '1.0'",
                "anyOf": [
                    {"type": "null"},
                    {"type": "integer", "minimum": INT_MIN, "maximum": INT_MAX},
                    {"type": "string", "pattern": _pattern(_WHOLE_NUMBER)},
                ],
            },
            "text": {
                "description": "A text; a number or boolean is stored as its JSON text",
                "type": ["string", "number", "boolean", "null"],
            },
        },
    }


def _property(column: Column) -> Json:
    forms = {Type.TIMEUUID: "uuid_v1", Type.INT: "whole_number", Type.TEXT: "text"}
    form = "time" if column.name == "ts" else forms[column.type]
    return {"$ref": f"#/$defs/{form}", "description": column.description}


def _text(description: str, pattern: str, *, nullable: bool = True) -> Json:
    return {"description": description, "type": ["string", "null"] if nullable else "string", "pattern": pattern}


def _pattern(whole: str) -> str:
    """A pattern that the whole text must match. In Python, `$` also accepts a line break at the end."""
    return f"^(?:{whole})$"


def _up_to(limit: str) -> str:
    """A pattern of the whole numbers from 0 to this one."""
    shorter = f"[0-9]{{1,{len(limit) - 1}}}"
    smaller = [
        f"{limit[:place]}[0-{int(digit) - 1}][0-9]{{{len(limit) - place - 1}}}"
        for place, digit in enumerate(limit)
        if digit != "0"
    ]
    return f"(?:{'|'.join([shorter, *smaller, limit])})"


_UUID_V1 = "[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-1[0-9a-fA-F]{3}-[89abAB][0-9a-fA-F]{3}-[0-9a-fA-F]{12}"
_WHOLE_NUMBER = rf"(?:-?0*{_up_to(str(INT_MAX))}|-0*{-INT_MIN})(?:\.0+)?"
_DAY_OF_MONTH = (
    "(?:(?:0[13578]|1[02])-(?:0[1-9]|[12][0-9]|3[01])|(?:0[469]|11)-(?:0[1-9]|[12][0-9]|30)|02-(?:0[1-9]|[12][0-9]))"
)
_YEAR = "(?:[1-9][0-9]{3}|0[1-9][0-9]{2}|00[1-9][0-9]|000[1-9])"
_DAY = f"{_YEAR}-{_DAY_OF_MONTH}"
_TIME = r"(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](?:\.[0-9]+)?"
_ZONE = "(?:Z|[+-](?:[01][0-9]|2[0-3])(?::?[0-5][0-9])?)"

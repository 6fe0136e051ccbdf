"""Values of a row's cells, for the tables that are loaded from files."""

import orjson

from recruit_assets.contract.dead_letters import DeadLetterReason
from recruit_assets.contract.types import INT_MAX, INT_MIN
from recruit_assets.importer.rows import Row
from recruit_assets.runtime.errors import RejectedEvent
from recruit_assets.transforms.decode import json_type, number_text, shown
from recruit_assets.transforms.numbers import spelled_number, whole_number_of


def number_of(row: Row, column: str) -> int | None:
    """The whole number of 32 bits in the cell, None if it is empty; RejectedEvent if it is none."""
    found = row.fields.get(column)
    if found is None:
        return None
    number = None
    if isinstance(found, str):
        number = spelled_number(found.strip())
    elif isinstance(found, int | float | orjson.Fragment) and not isinstance(found, bool):
        number = whole_number_of(number_text(found) if isinstance(found, orjson.Fragment) else repr(found))
    if number is None:
        raise wrong(column, found, wanted="a whole number")
    if not INT_MIN <= number <= INT_MAX:
        message = f"{column}: wanted a 32-bit integer, found {shown(found)}"
        raise RejectedEvent(DeadLetterReason.OUT_OF_RANGE, message)
    return number


def wrong(column: str, found: object, *, wanted: str) -> RejectedEvent:
    """Says what was wanted in the column and what was found."""
    return RejectedEvent(
        DeadLetterReason.WRONG_TYPE, f"{column}: wanted {wanted}, found {json_type(found)} {shown(found)}"
    )

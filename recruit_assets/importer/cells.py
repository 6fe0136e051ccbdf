"""Rows and their cells, for the tables that are loaded from files."""

from collections.abc import Callable, Hashable, Iterable, Iterator
from typing import TypeVar

import orjson

from recruit_assets.contract.dead_letters import DeadLetterReason
from recruit_assets.contract.types import INT_MAX, INT_MIN
from recruit_assets.importer.rows import RefusedRow, Row
from recruit_assets.runtime.errors import RejectedEvent
from recruit_assets.transforms.decode import json_type, number_text, shown
from recruit_assets.transforms.numbers import spelled_number, whole_number_of

DUPLICATE = "duplicate"
Made = TypeVar("Made")


def made_of(
    rows: Iterable[Row | RefusedRow],
    make: Callable[[Row], Made],
    *,
    key: Callable[[Made], Hashable],
    name: Callable[[Made], str],
    refused: list[RefusedRow],
) -> Iterator[Made]:
    """What is made of each row. Rows that can't be read, that `make` rejects or that come twice go to `refused`."""
    lines: dict[Hashable, int] = {}
    for row in rows:
        if isinstance(row, RefusedRow):
            refused.append(row)
            continue
        try:
            made = make(row)
        except RejectedEvent as why:
            refused.append(RefusedRow(row.number, why.reason, str(why), row.fields))
            continue
        if (first := lines.setdefault(key(made), row.number)) != row.number:
            refused.append(RefusedRow(row.number, DUPLICATE, f"id: {name(made)} is in line {first} too", row.fields))
        yield made


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

"""What readers make of a file: rows that have fields, and rows that can't be read."""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

Fields = dict[str, Any]
"""JSON values by name, in which a number may be an orjson.Fragment of its text; never a null."""
REJECTED = "_rejected"
"""The field of a file with refused rows that says why; it isn't imported."""


class FileReason(StrEnum):
    """Why a row can't be read, besides the reasons of dead letters."""

    NOT_CSV = "not_csv"
    NOT_PARQUET = "not_parquet"


@dataclass(frozen=True, slots=True)
class Row:
    """A row as an event's fields."""

    number: int
    """Line of the file, or in Parquet the row; the first is 1."""
    fields: Fields
    json: bytes | None = None
    """The fields as the file has them, if they can be sent like this."""


@dataclass(frozen=True, slots=True)
class RefusedRow:
    """A row that isn't imported."""

    number: int
    reason: str
    """A dead letter's reason or a FileReason."""
    message: str
    """Field, what was wanted and what was found."""
    fields: Fields = field(default_factory=dict)
    text: str = ""
    """The line, if it has no fields; perhaps only its beginning."""

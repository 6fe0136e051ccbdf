"""The simulator's ledger: what was sent and what the report must be, by someone who shares no code with the pipeline.

Belongs here: reading the file, checking its form. Not here: writing it (`simulator.ledger`), comparing (`rules`).
"""

import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, Field, ValidationError

from recruit_assets.observability.audit.audit_db import LEDGER_COLUMNS, AuditDatabase
from recruit_assets.runtime.errors import UserError

VERSION = 1
Cell = int | float | str | None
LedgerRow = Annotated[list[Cell], Field(min_length=len(LEDGER_COLUMNS), max_length=len(LEDGER_COLUMNS))]


class _Counts(BaseModel):
    records: int
    events: int
    duplicates: int
    dead_letters: dict[str, int]
    countable: int
    unattributed: int


class _Document(BaseModel):
    version: Literal[1]
    counts: _Counts
    report: list[LedgerRow]


@dataclass(frozen=True, slots=True)
class LedgerCounts:
    """How much was sent, by what it is."""

    records: int
    events: int
    duplicates: int
    dead_letters: Mapping[str, int]
    countable: int
    unattributed: int


def read_ledger(path: Path) -> tuple[LedgerCounts, list[LedgerRow]]:
    """Counts and report rows; UserError when the file isn't there or isn't a ledger."""
    try:
        document = _Document.model_validate_json(path.read_bytes())
    except OSError as error:
        raise UserError(
            f"ledger {path} can't be read: {error.strerror}. `recruit-assets simulate --ledger` writes one"
        ) from error
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"]) or "the document"
        raise UserError(f"{path} isn't a ledger of version {VERSION}: {place}: {first['msg']}") from error
    return LedgerCounts(**document.counts.model_dump()), document.report


def take_ledger(audit_db: AuditDatabase, rows: list[LedgerRow]) -> None:
    """Take the wanted report into the scratch database; UserError when it has a row twice."""
    try:
        audit_db.add_ledger(tuple(row) for row in rows)
    except sqlite3.IntegrityError as error:
        raise UserError(f"the ledger's report has two rows of the same key: {error}") from error

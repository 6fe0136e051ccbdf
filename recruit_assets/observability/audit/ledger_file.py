"""The simulator's ledger: counts of the records sent, and the expected report, computed without the pipeline's code."""

import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, Field, ValidationError

from recruit_assets.observability.audit.audit_db import LEDGER_COLUMNS, AuditDatabase
from recruit_assets.runtime.errors import UserError

VERSION = 1
Cell = int | float | str | None
LedgerRow = Annotated[list[Cell], Field(min_length=len(LEDGER_COLUMNS), max_length=len(LEDGER_COLUMNS))]


@dataclass(frozen=True, slots=True)
class LedgerCounts:
    """How many records were sent, by kind; dead letters by reason."""

    records: int
    events: int
    duplicates: int
    dead_letters: Mapping[str, int]
    countable: int
    unattributed: int
    attributed: Mapping[str, int] = field(default_factory=dict)
    """By rule of RECRUIT_ATTRIBUTION; empty if events have no job but their own."""


class _Document(BaseModel):
    version: Literal[1]
    counts: LedgerCounts
    report: list[LedgerRow]


def read_ledger(path: Path) -> tuple[LedgerCounts, list[LedgerRow]]:
    """Counts and report rows; UserError if the file is missing or isn't a ledger."""
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
    return document.counts, document.report


def take_ledger(audit_db: AuditDatabase, rows: list[LedgerRow]) -> None:
    """Copy the expected report into the audit database; UserError if a row is there twice."""
    try:
        audit_db.add_ledger(tuple(row) for row in rows)
    except sqlite3.IntegrityError as error:
        raise UserError(f"the ledger's report has two rows with the same key: {error}") from error

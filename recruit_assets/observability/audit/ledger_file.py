"""The simulator's ledger: counts of the records sent, and the expected report, computed without the pipeline's code."""

import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, Field, ValidationError, field_validator

from recruit_assets.contract.tables import DOWNSTREAM_TABLES
from recruit_assets.observability.audit.audit_db import LEDGER_COLUMNS, AuditDatabase
from recruit_assets.runtime.errors import UserError

VERSION = 1
DOWNSTREAM = {table.name: table for table in DOWNSTREAM_TABLES}
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


class LedgerFile(BaseModel):
    """What the file has: counts, the rows of the report and, by name, those of downstream tables."""

    version: Literal[1]
    counts: LedgerCounts
    report: list[LedgerRow]
    downstream: dict[str, list[list[Cell]]] = Field(default_factory=dict)
    """Rows in the contract's columns but the last, the time of the newest event."""

    @field_validator("downstream")
    @classmethod
    def _known_columns(cls, value: dict[str, list[list[Cell]]]) -> dict[str, list[list[Cell]]]:
        for name, rows in value.items():
            if name not in DOWNSTREAM:
                raise ValueError(f"has no table {name}")
            if any(len(row) != len(DOWNSTREAM[name].columns) - 1 for row in rows):
                raise ValueError(f"a row of {name} has other columns")
        return value


def read_ledger(path: Path) -> LedgerFile:
    """What the file has; UserError if it is missing or isn't a ledger."""
    try:
        return LedgerFile.model_validate_json(path.read_bytes())
    except OSError as error:
        raise UserError(
            f"ledger {path} can't be read: {error.strerror}. `recruit-assets simulate --ledger` writes one"
        ) from error
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"]) or "the document"
        raise UserError(f"{path} isn't a ledger of version {VERSION}: {place}: {first['msg']}") from error


def take_ledger(audit_db: AuditDatabase, ledger: LedgerFile) -> None:
    """Copy the expected rows into the audit database; UserError if a row of the report is there twice."""
    for name, rows in ledger.downstream.items():
        audit_db.add_downstream("ledger", DOWNSTREAM[name], ((*row, "") for row in rows))
    try:
        audit_db.add_ledger(tuple(row) for row in ledger.report)
    except sqlite3.IntegrityError as error:
        raise UserError(f"the ledger's report has two rows with the same key: {error}") from error

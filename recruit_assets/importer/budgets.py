"""Budgets from a file: all of its rows are right, or nothing is stored."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from math import isfinite

import orjson

from recruit_assets.contract.budgets import Budget, Scope
from recruit_assets.contract.dead_letters import DeadLetterReason
from recruit_assets.contract.tables import BUDGET
from recruit_assets.importer.cells import made_of, number_of, wrong
from recruit_assets.importer.rows import RefusedRow, Row
from recruit_assets.importer.source import Source
from recruit_assets.runtime.errors import RejectedEvent, UserError
from recruit_assets.transforms.decode import number_text

COLUMNS = BUDGET.column_names
_MONTH = re.compile(r"([0-9]{4})-([0-9]{2})(-01)?")
_AMOUNT = re.compile(r"[0-9]+(\.[0-9]+)?")


@dataclass(slots=True)
class BudgetsFile:
    """The budgets of a file, and its rows that are none."""

    budgets: list[Budget] = field(default_factory=list)
    refused: list[RefusedRow] = field(default_factory=list)


def read_budgets(source: Source) -> BudgetsFile:
    """All budgets of the file; UserError if it can't have any."""
    found = BudgetsFile()

    def require_columns(columns: Sequence[str]) -> None:
        if missing := [name for name in COLUMNS if name not in columns]:
            raise UserError(
                f"{source.name} has no column {missing[0]}: name the one that it is, such as --map "
                f"COLUMN={missing[0]}. Its columns are {', '.join(columns)}"
            )

    found.budgets += made_of(
        source.rows(require_columns),
        _budget,
        key=lambda one: (one.scope, one.id, one.month),
        name=lambda one: f"{one.scope} {one.id} in {one.month:%Y-%m}",
        refused=found.refused,
    )
    return found


def _budget(row: Row) -> Budget:
    for name in COLUMNS:
        if row.fields.get(name) is None:
            raise RejectedEvent(DeadLetterReason.MISSING, f"{name}: absent or null")
    return Budget(_scope(row), number_of(row, "id") or 0, _month(row), _amount(row))


def _scope(row: Row) -> Scope:
    found = row.fields["scope"]
    if isinstance(found, str) and found.strip() in set(Scope):
        return Scope(found.strip())
    raise wrong("scope", found, wanted=" or ".join(Scope))


def _month(row: Row) -> date:
    found = row.fields["month"]
    matched = _MONTH.fullmatch(found.strip()) if isinstance(found, str) else None
    try:
        if matched:
            return date(int(matched[1]), int(matched[2]), 1)
    except ValueError:
        pass  # a month 13
    raise wrong("month", found, wanted="a month such as 2026-11, or its first day")


def _amount(row: Row) -> float:
    found = row.fields["amount"]
    text = number_text(found) if isinstance(found, orjson.Fragment) else str(found).strip()
    number = float(text) if _AMOUNT.fullmatch(text) and not isinstance(found, bool) else 0.0
    if number > 0 and isfinite(number):
        return number
    raise wrong("amount", found, wanted="a number above 0, such as 1500 or 1500.50")

"""Budgets: what a campaign or a job may spend in a month, and from which shares on somebody is told."""

from dataclasses import dataclass
from datetime import date
from enum import StrEnum

THRESHOLDS = (50, 75, 90, 100)
"""Percent of the amount."""


class Scope(StrEnum):
    """What a budget is of."""

    CAMPAIGN = "campaign"
    JOB = "job"


@dataclass(frozen=True, slots=True)
class Budget:
    """A row of the table budget; `month` is its first day."""

    scope: str
    id: int
    month: date
    amount: float


@dataclass(frozen=True, slots=True)
class Pacing:
    """A row of the view budget_pacing."""

    budget: Budget
    name: str
    spent: float
    spent_share: float | None = None
    """None if the amount is 0."""
    expected_by_now: float = 0.0
    forecast: float | None = None
    """None before the month."""


@dataclass(frozen=True, slots=True)
class Crossing:
    """A threshold that the spend has reached, and the alert channels that are to be told of it."""

    budget: Budget
    threshold: int
    spent: float
    """What was spent when this was noticed."""
    name: str = ""
    """Empty if none is known."""
    waiting: frozenset[str] = frozenset()


def reached(pacing: Pacing) -> tuple[int, ...]:
    """The thresholds that the spend has reached, the lowest first; none of an amount of 0 or less."""
    amount = pacing.budget.amount
    return tuple(one for one in THRESHOLDS if amount > 0 and 100 * pacing.spent >= one * amount)

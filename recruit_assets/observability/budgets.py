"""What alert channels are told when a budget's spend reaches a threshold. Pure functions of the crossings."""

from collections.abc import Sequence
from datetime import date
from textwrap import shorten

from recruit_assets.contract.budgets import Budget, Crossing
from recruit_assets.observability.alerts import Alert
from recruit_assets.observability.troubles import SUBJECT_LENGTH
from recruit_assets.stores.mysql.analyst_views import MONTHS

LINES = 20
"""Somebody who loads the budgets of two years at once gets a message that can be read."""


def messages(crossings: Sequence[Crossing], channels: Sequence[str]) -> dict[Alert, list[str]]:
    """One message for each channel that waits, with all it waits for; channels that get the same are together."""
    found: dict[Alert, list[str]] = {}
    for channel in channels:
        if mine := [one for one in crossings if channel in one.waiting]:
            found.setdefault(message(mine), []).append(channel)
    return found


def message(crossings: Sequence[Crossing]) -> Alert:
    """A line for each budget, with the highest threshold that it has reached; the highest of all come first."""
    highest: dict[Budget, Crossing] = {}
    for one in sorted(crossings, key=lambda one: one.threshold):
        highest[one.budget] = one
    lines = [line(one) for one in sorted(highest.values(), key=lambda one: -one.threshold)]
    more = f" (and {len(lines) - 1} more)" if len(lines) > 1 else ""
    subject = f"Recruitment report: {shorten(lines[0], SUBJECT_LENGTH, placeholder=' ...')}{more}"
    left = [f"... and {len(lines) - LINES} more, see the view budget_pacing"] if len(lines) > LINES else []
    return Alert(subject, "\n".join([*lines[:LINES], *left]))


def line(crossing: Crossing) -> str:
    budget = crossing.budget
    name = f" ({crossing.name})" if crossing.name else ""
    return (
        f"{budget.scope} {budget.id}{name} has spent {crossing.threshold} % of its budget of "
        f"{month_name(budget.month)}: {crossing.spent:,.2f} of {budget.amount:,.2f}"
    )


def month_name(first_day: date) -> str:
    """Such as November 2026, in every locale."""
    return f"{MONTHS[first_day.month - 1]} {first_day.year}"

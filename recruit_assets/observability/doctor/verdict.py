"""What a check says: the state, what was found, and what to do about it."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

AS_IT_SAYS = "do as it says; docs/troubleshooting.md has more"
"""The remedy where what was found already says what to do."""


class State(StrEnum):
    """The state of what a check looked at."""

    OK = "ok"
    WARN = "WARN"
    """The platform works, but something isn't as it should be, or won't stay so."""
    FAIL = "FAIL"
    """Something doesn't work."""
    SKIPPED = "skipped"
    """Not looked at; `found` says why."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """One line. `remedy` is empty where nothing is wrong."""

    state: State
    found: str
    remedy: str = ""

    @property
    def is_wrong(self) -> bool:
        return self.state in (State.WARN, State.FAIL)


@dataclass(frozen=True, slots=True)
class Finding:
    """The verdict of a check, by the names of its subject and of itself, which scripts may rely on."""

    subject: str
    check: str
    verdict: Verdict


def ok(found: str) -> Verdict:
    return Verdict(State.OK, found)


def warn(found: str, remedy: str) -> Verdict:
    return Verdict(State.WARN, found, remedy)


def fail(found: str, remedy: str) -> Verdict:
    return Verdict(State.FAIL, found, remedy)


def skipped(why: str) -> Verdict:
    return Verdict(State.SKIPPED, why)


def all_is_well(findings: Iterable[Finding]) -> bool:
    """True if nothing that was looked at is wrong."""
    return not any(finding.verdict.is_wrong for finding in findings)


def counted(number: int, noun: str) -> str:
    """The number with its noun, such as 1 hour or 2,000 hours."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def shown(items: Iterable[object], *, most: int = 3) -> str:
    """The first few, and how many more there are."""
    texts = [str(item) for item in items]
    more = f" and {len(texts) - most} more" if len(texts) > most else ""
    return ", ".join(texts[:most]) + more

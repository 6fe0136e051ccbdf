"""Runs the checks: the subjects side by side, each within its time, so that none can delay or hide another."""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from threading import Thread
from time import monotonic
from typing import Any, Generic, TypeVar

from recruit_assets.observability.doctor.verdict import AS_IT_SAYS, Finding, State, Verdict, fail, skipped
from recruit_assets.runtime.errors import RecruitError, StoreUnavailable

TIMEOUT_S = 30.0
"""For all checks of a subject. The slowest answer of a store that is down takes half as long."""

Client = TypeVar("Client")


@dataclass(frozen=True, slots=True)
class Check(Generic[Client]):
    """Looks at one thing. It may raise RecruitError, whose message then is what was found."""

    name: str
    look: Callable[[Client], Verdict]
    needs: tuple[str, ...] = ()
    """Checks of the same subject without which this one can't be looked at."""


@dataclass(frozen=True, slots=True)
class Subject(Generic[Client]):
    """What is reached in one way. The first check stands for reaching it; all others need it, unless `independent`."""

    name: str
    open: Callable[[], AbstractContextManager[Client]]
    checks: Sequence[Check[Client]]
    remedy: str = ""
    """What to do if it doesn't answer."""
    independent: bool = False
    """Whether each check can be looked at whatever the others found."""


def examine(subjects: Sequence[Subject[Any]], *, timeout_s: float = TIMEOUT_S) -> list[Finding]:
    """Look at everything; returns a finding for each check, in the order of the subjects."""
    examinations = [_Examination(subject) for subject in subjects]
    deadline = monotonic() + timeout_s
    for one in examinations:
        one.start()
    return [finding for one in examinations for finding in one.findings(deadline, timeout_s)]


def not_looked_at(subjects: Sequence[Subject[Any]], why: str) -> list[Finding]:
    """The findings if nothing of these subjects can be looked at."""
    return [Finding(one.name, check.name, _not_looked_at(why)) for one in subjects for check in one.checks]


class _Examination(Generic[Client]):
    """A subject that a thread of its own looks at."""

    def __init__(self, subject: Subject[Client]) -> None:
        self._subject = subject
        self._first = subject.checks[0].name
        self._verdicts: dict[str, Verdict] = {}
        # a daemon, so that one that hangs doesn't keep the process alive
        self._thread = Thread(target=self._look, name=subject.name, daemon=True)

    def start(self) -> None:
        self._thread.start()

    def findings(self, deadline: float, timeout_s: float) -> list[Finding]:
        """What is known at the deadline. The check that didn't end by then failed, and hides those after it."""
        self._thread.join(max(0.0, deadline - monotonic()))
        known, late = dict(self._verdicts), ""
        for check in self._subject.checks:
            if check.name in known:
                continue
            if late:
                known[check.name] = _not_looked_at(f"{late} took too long")
            else:
                late, known[check.name] = check.name, fail(f"no answer within {timeout_s:g} s", self._subject.remedy)
        return [Finding(self._subject.name, check.name, known[check.name]) for check in self._subject.checks]

    def _look(self) -> None:
        try:
            with self._subject.open() as client:
                for check in self._subject.checks:
                    self._verdicts[check.name] = self._verdict(check, client)
        except Exception as error:  # noqa: BLE001  # whatever it is, the other subjects are looked at
            for check in self._subject.checks:
                is_first = check.name == self._first
                reason = self._of_error(error) if is_first else _not_looked_at(f"{self._first} failed")
                self._verdicts.setdefault(check.name, reason)

    def _verdict(self, check: Check[Client], client: Client) -> Verdict:
        gate = () if self._subject.independent or check.name == self._first else (self._first,)
        needed = (*gate, *check.needs)
        for name in needed:
            if self._verdicts[name].state in (State.FAIL, State.SKIPPED):
                return _not_looked_at(f"{name} {'failed' if self._verdicts[name].is_wrong else 'was skipped'}")
        try:
            return check.look(client)
        except Exception as error:  # noqa: BLE001  # whatever it is, the other checks are looked at
            return self._of_error(error)

    def _of_error(self, error: Exception) -> Verdict:
        """Other errors than those of a store that is down say themselves what to do."""
        text = " ".join(str(error).split())
        match error:
            case StoreUnavailable():
                return fail(text, self._subject.remedy)
            case RecruitError():
                return fail(text, AS_IT_SAYS)
        return fail(f"the check itself failed: {type(error).__name__}: {text}", "report it: this is a bug")


def _not_looked_at(why: str) -> Verdict:
    return skipped(f"not looked at: {why}")

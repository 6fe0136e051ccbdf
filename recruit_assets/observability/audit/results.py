"""What an audit says: findings, each a promise with what was expected, what was found and where it differs.

Not here: how it is found out (`rules`, `run`), how it is shown (`commands.audit`).
"""

from collections.abc import Callable
from dataclasses import dataclass

EXAMPLES = 5
"""How many differences of a finding are shown; all are counted."""


@dataclass(frozen=True, slots=True)
class Sample:
    """How many there are, and the first few with their place."""

    count: int = 0
    examples: tuple[str, ...] = ()

    def __add__(self, other: "Sample") -> "Sample":
        return Sample(self.count + other.count, (self.examples + other.examples)[: EXAMPLES * 2])

    def labelled(self, label: str) -> "Sample":
        """The same, with a word before each example."""
        return Sample(self.count, tuple(f"{label}: {example}" for example in self.examples))


NONE = Sample()


@dataclass(frozen=True, slots=True)
class RuleResult:
    """One promise, looked at. `differences` counts what breaks it, wherever the two totals happen to agree."""

    rule: str
    promise: str
    expected: int
    found: int
    differences: int
    examples: tuple[str, ...] = ()

    @property
    def ok(self) -> bool:
        return self.differences == 0


@dataclass(frozen=True, slots=True)
class Span:
    """What the proof is about: the records that Kafka still holds, and which rows of Cassandra can be judged by them.

    Instants are UTC texts; `judged_from` is empty where the topic has dropped nothing, so that every row is judged.
    """

    topic: str
    offsets: tuple[str, ...]
    records: int
    first_received_at: str = ""
    last_received_at: str = ""
    judged_from: str = ""
    rows_not_judged: int = 0


@dataclass(frozen=True, slots=True)
class AuditResult:
    """All findings, in the order in which data flows."""

    span: Span
    findings: tuple[RuleResult, ...]

    @property
    def exact(self) -> bool:
        """Whether nothing at all differs."""
        return all(finding.ok for finding in self.findings)

    @property
    def differences(self) -> tuple[RuleResult, ...]:
        return tuple(finding for finding in self.findings if not finding.ok)


Progress = Callable[[str, int, int], None]
"""(what is read, how many so far, how many in all or 0 where nobody knows)."""


def unwatched(_step: str, _done: int, _total: int) -> None:
    """Nobody watches."""

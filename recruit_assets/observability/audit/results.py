"""The result of an audit: per rule what was expected, what was found, and examples of the differences."""

from collections.abc import Callable
from dataclasses import dataclass

EXAMPLES = 5
"""How many differences of a rule are shown; all are counted."""


@dataclass(frozen=True, slots=True)
class Sample:
    """How many differences there are, and the first few with their place."""

    count: int = 0
    examples: tuple[str, ...] = ()

    def __add__(self, other: "Sample") -> "Sample":
        return Sample(self.count + other.count, (self.examples + other.examples)[: EXAMPLES * 2])


NONE = Sample()


@dataclass(frozen=True, slots=True)
class RuleResult:
    """One checked rule. `differences` counts violations, even where the two totals happen to be equal."""

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
    """What the audit covers: the records that Kafka still holds, and the rows that can be compared with them.

    Times are UTC strings. `compared_from` is empty if the topic has dropped nothing and wasn't made anew: then every
    row is compared.
    """

    topic: str
    offsets: tuple[str, ...]
    records: int
    first_received_at: str = ""
    last_received_at: str = ""
    compared_from: str = ""
    rows_not_compared: int = 0
    foreign_records: int = 0
    """Records of the dead letter topic that aren't dead letters of the event topic."""
    foreign_examples: tuple[str, ...] = ()
    days: int = 0
    """Days of the daily tables that were compared."""
    days_not_compared: int = 0
    """Days that are older than one of their hours; 0 if no day was ever made."""
    hours_from: str = ""
    """Earlier hours are frozen: their events expire, so they aren't compared. Empty if none is."""


@dataclass(frozen=True, slots=True)
class AuditResult:
    """The results of all rules, in the order in which data flows."""

    span: Span
    results: tuple[RuleResult, ...]

    @property
    def exact(self) -> bool:
        """True if no rule found a difference."""
        return all(one.ok for one in self.results)

    @property
    def differences(self) -> tuple[RuleResult, ...]:
        return tuple(one for one in self.results if not one.ok)


Progress = Callable[[str, int, int], None]
"""Called with what is being read, how much so far, and how much in all (0 if unknown)."""


def no_progress(_step: str, _done: int, _total: int) -> None:
    """For callers that show no progress."""

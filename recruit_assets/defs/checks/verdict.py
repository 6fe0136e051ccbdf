"""What an evaluation found, as a verdict, and the verdict's form for Dagster.

What one evaluation finds wrong stays wrong in the next ones until they find it good. An evaluation that compared
nothing and knows of nothing wrong has no verdict: the check keeps its last one.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

import dagster as dg

from recruit_assets.hours.wrong_parts import Part, texts_of

WRONG, NEWLY_WRONG, GOOD_AGAIN = "wrong_hours", "newly_wrong", "good_again"
"""Metadata of an evaluation: the hours that are wrong, those that weren't known to be, and those that were."""
EXAMPLES = 10


@dataclass(frozen=True, slots=True)
class Finding:
    """One comparison: two numbers, and in words how the sides differ or why they weren't compared."""

    part: Part | None
    """None if it isn't about an hour; every evaluation compares such a thing anyway."""
    expected: int = 0
    found: int = 0
    difference: str = ""
    not_compared: str = ""
    empty: bool = False
    """Neither side had anything, which alone is no reason to say that a check has passed."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """The findings of one evaluation, and the parts that were wrong before it."""

    findings: Sequence[Finding]
    wrong_before: frozenset[Part] = frozenset()
    stored: frozenset[Part] | None = None
    """What is stored as wrong after the evaluation; runs that end at the same time change it too."""

    @property
    def compared(self) -> Sequence[Finding]:
        return [one for one in self.findings if not one.not_compared]

    @property
    def differing(self) -> Sequence[Finding]:
        return [one for one in self.compared if one.difference]

    @property
    def good_again(self) -> frozenset[Part]:
        good = {one.part for one in self.compared if not one.difference}
        return frozenset(part for part in self.wrong_before if part in good)

    @property
    def found_wrong(self) -> frozenset[Part]:
        return frozenset(one.part for one in self.differing if one.part)

    @property
    def wrong(self) -> frozenset[Part]:
        """What was found wrong now, and what was wrong before and hasn't been found good."""
        return (self.wrong_before - self.good_again) | self.found_wrong if self.stored is None else self.stored

    @property
    def is_conclusive(self) -> bool:
        return bool(self.wrong or self.good_again) or not all(one.empty for one in self.compared)

    @property
    def passed(self) -> bool:
        return self.is_conclusive and not self.wrong and not self.differing

    @property
    def metadata(self) -> dict[str, dg.MetadataValue]:
        """Totals, the first differences, and all wrong parts."""
        totals = {
            "compared": len(self.compared),
            "expected": sum(one.expected for one in self.compared),
            "found": sum(one.found for one in self.compared),
        }
        texts = {
            "differences": [one.difference for one in self.differing],
            "not_compared": [one.not_compared for one in self.findings if one.not_compared],
        }
        parts = {WRONG: self.wrong, NEWLY_WRONG: self.found_wrong - self.wrong_before, GOOD_AGAIN: self.good_again}
        return {
            # as text: a plot over time would join the numbers of different hours
            **{name: dg.MetadataValue.text(f"{total:,}") for name, total in totals.items()},
            **{name: dg.MetadataValue.md(_list(found)) for name, found in texts.items() if found},
            **{name: dg.MetadataValue.json(texts_of(found)) for name, found in parts.items() if found},
        }


def results_of(
    context: dg.AssetCheckExecutionContext, spec: dg.AssetCheckSpec, verdict: Verdict, *, warn_only: bool = False
) -> Iterator[dg.AssetCheckResult]:
    """The check's result; none if there is no verdict."""
    if verdict.is_conclusive:
        yield result_of(spec, verdict, warn_only=warn_only)
    else:
        reasons = [one.not_compared for one in verdict.findings if one.not_compared] or ["there is nothing yet"]
        name = spec.key.to_user_string()
        context.log.warning(f"{name} compared nothing and keeps its last result: {'; '.join(reasons[:EXAMPLES])}")


def result_of(spec: dg.AssetCheckSpec, verdict: Verdict, *, warn_only: bool = False) -> dg.AssetCheckResult:
    """The verdict as Dagster's result: an error if it failed, or a warning if `warn_only`."""
    return dg.AssetCheckResult(
        asset_key=spec.asset_key,
        check_name=spec.name,
        passed=verdict.passed,
        severity=dg.AssetCheckSeverity.WARN if warn_only else dg.AssetCheckSeverity.ERROR,
        metadata=verdict.metadata,
    )


def hour_text(hour: datetime) -> str:
    return f"{hour:%Y-%m-%d %H:%M}"


def _list(texts: Sequence[str]) -> str:
    return "\n".join(f"- {text}" for text in texts[:EXAMPLES])

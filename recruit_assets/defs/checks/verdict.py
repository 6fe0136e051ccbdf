"""A check's verdict, and its form for Dagster: passed or not, expected, found, and the first differences."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import dagster as dg

from recruit_assets.defs.runs import hours_of_tags

EXAMPLES = 10


@dataclass(frozen=True, slots=True)
class Verdict:
    """Two totals and their differences. What couldn't be compared is listed with its reason, and fails no check."""

    expected: int = 0
    found: int = 0
    differences: tuple[str, ...] = ()
    not_compared: tuple[str, ...] = ()

    @property
    def passed(self) -> bool:
        return not self.differences and self.expected == self.found

    @property
    def metadata(self) -> dict[str, dg.MetadataValue]:
        texts = {"differences": self.differences, "not_compared": self.not_compared}
        # as text: a plot over time would join the numbers of different hours
        totals = {
            "expected": dg.MetadataValue.text(f"{self.expected:,}"),
            "found": dg.MetadataValue.text(f"{self.found:,}"),
        }
        return totals | {
            name: dg.MetadataValue.md("\n".join(f"- {text}" for text in found[:EXAMPLES]))
            for name, found in texts.items()
            if found
        }


def result_of(spec: dg.AssetCheckSpec, verdict: Verdict, *, warn_only: bool = False) -> dg.AssetCheckResult:
    """The verdict as Dagster's result: an error if it failed, or a warning if `warn_only`."""
    return dg.AssetCheckResult(
        asset_key=spec.asset_key,
        check_name=spec.name,
        passed=verdict.passed,
        severity=dg.AssetCheckSeverity.WARN if warn_only else dg.AssetCheckSeverity.ERROR,
        metadata=verdict.metadata,
    )


def hours_of_run(context: dg.AssetCheckExecutionContext) -> Sequence[datetime]:
    """The hours that the run's tags name; none for a run of checks only, which then compare nothing."""
    hours = hours_of_tags(context.run.tags)
    return list(hours.hours()) if hours else []


def hour_text(hour: datetime) -> str:
    return f"{hour:%Y-%m-%d %H:%M}"

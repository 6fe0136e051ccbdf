"""A check's verdict, and how Dagster is told: passed or not, expected, found, the first few differences.

Not here: what is compared (the other modules of this folder).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import dagster as dg

from recruit_assets.defs.runs import hours_of_tags

EXAMPLES = 10


@dataclass(frozen=True, slots=True)
class Verdict:
    """Two totals and where they differ. What couldn't be compared, and why, is said and breaks nothing."""

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
        return {"expected": dg.MetadataValue.int(self.expected), "found": dg.MetadataValue.int(self.found)} | {
            name: dg.MetadataValue.md("\n".join(f"- {text}" for text in found[:EXAMPLES]))
            for name, found in texts.items()
            if found
        }


def result_of(spec: dg.AssetCheckSpec, verdict: Verdict, *, warn_only: bool = False) -> dg.AssetCheckResult:
    """The verdict as Dagster's: an error, unless the check only warns."""
    return dg.AssetCheckResult(
        asset_key=spec.asset_key,
        check_name=spec.name,
        passed=verdict.passed,
        severity=dg.AssetCheckSeverity.WARN if warn_only else dg.AssetCheckSeverity.ERROR,
        metadata=verdict.metadata,
    )


def hours_of_run(context: dg.AssetCheckExecutionContext) -> Sequence[datetime]:
    """The hours that the run is about, by its tags; none for a run of checks alone: nothing is compared then."""
    hours = hours_of_tags(context.run.tags)
    return list(hours.hours()) if hours else []


def hour_text(hour: datetime) -> str:
    return f"{hour:%Y-%m-%d %H:%M}"

"""What a page shows, before it is HTML: the summary, and whether it can be trusted."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime

from recruit_assets.contract.budgets import Pacing
from recruit_assets.observability.audit.last_result import LastAudit
from recruit_assets.observability.freshness import Freshness
from recruit_assets.stores.dagster.history import LastCheck
from recruit_assets.stores.mysql.click_quality import ClickSums
from recruit_assets.stores.mysql.report_summary import ReportSummary

BUDGETS_SHOWN = 50


@dataclass(frozen=True, slots=True)
class Page:
    """Everything that the template is given."""

    made_at: datetime
    summary: ReportSummary
    freshness: Freshness
    checks: Sequence[LastCheck] = ()
    audit: LastAudit | None = None
    attribution: Mapping[str, int] = field(default_factory=dict)
    """Events of the last 7 days by the rule that found their job; empty where events have no job but their own."""

    budgets: Sequence[Pacing] = ()
    """Of this month and the last one."""

    judged: ClickSums | None = None
    """The clicks of the summary's hours by verdict; None if RECRUIT_CLICK_QUALITY is off."""

    @property
    def budgets_by_month(self) -> Mapping[date, Sequence[Pacing]]:
        """The newest month first; in it the budgets of which the greatest share is spent, at most BUDGETS_SHOWN."""
        months = sorted({one.budget.month for one in self.budgets}, reverse=True)
        by_share = sorted(self.budgets, key=lambda one: -(one.spent_share or 0.0))
        return {month: [one for one in by_share if one.budget.month == month][:BUDGETS_SHOWN] for month in months}

    @property
    def attributed_events(self) -> int:
        return sum(self.attribution.values())

    @property
    def failed_checks(self) -> Sequence[LastCheck]:
        return [check for check in self.checks if not check.passed]

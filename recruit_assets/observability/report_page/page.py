"""What a page shows, before it is HTML: the summary, and whether it can be trusted."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from recruit_assets.observability.audit.last_result import LastAudit
from recruit_assets.observability.freshness import Freshness
from recruit_assets.stores.dagster.history import LastCheck
from recruit_assets.stores.mysql.report_summary import ReportSummary


@dataclass(frozen=True, slots=True)
class Page:
    """Everything that the template is given."""

    made_at: datetime
    summary: ReportSummary
    freshness: Freshness
    checks: Sequence[LastCheck] = ()
    audit: LastAudit | None = None

    @property
    def failed_checks(self) -> Sequence[LastCheck]:
        return [check for check in self.checks if not check.passed]

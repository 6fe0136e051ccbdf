"""What a page shows, before it is HTML: the summary, and how far it can be trusted."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from recruit_assets.audit.last import LastAudit
from recruit_assets.run_results import LastCheck
from recruit_assets.stores.report_state import ReportState
from recruit_assets.summary import ReportSummary


@dataclass(frozen=True, slots=True)
class Page:
    """Everything that the template is given."""

    made_at: datetime
    summary: ReportSummary
    state: ReportState
    checks: Sequence[LastCheck] = ()
    audit: LastAudit | None = None

    @property
    def failed_checks(self) -> Sequence[LastCheck]:
        return [check for check in self.checks if not check.passed]

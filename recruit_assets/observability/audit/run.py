"""One audit, from settings to result: for the command, the demo and the chaos tests.

Not here: reading (`facts`), judging (`judge`). Nothing is repaired, and nothing is written but a temporary file.
"""

from pathlib import Path

from recruit_assets.observability.audit.audit_db import open_scratch
from recruit_assets.observability.audit.collect import read_everything
from recruit_assets.observability.audit.evaluate import judge
from recruit_assets.observability.audit.ledger_file import read_ledger, take_ledger
from recruit_assets.observability.audit.results import AuditResult, Progress, unwatched
from recruit_assets.runtime.settings import Settings


def run_audit(settings: Settings, *, ledger: Path | None = None, progress: Progress = unwatched) -> AuditResult:
    """Recount the three stores and compare them, and with a ledger what the simulator says it sent.

    It proves exactness for the records that Kafka still holds (`AuditResult.span`). UserError for a ledger that can't
    be read, StoreUnavailable when a store doesn't answer. Memory doesn't grow with what the topic holds.
    """
    counts, rows = read_ledger(ledger) if ledger else (None, [])
    with open_scratch() as scratch:
        take_ledger(scratch, rows)
        facts = read_everything(settings, scratch, progress)
        return judge(settings, scratch, facts, ledger=counts)

"""One audit from settings to result, for the command, the demo and the chaos tests."""

from pathlib import Path

from recruit_assets.observability.audit.audit_db import open_audit_database
from recruit_assets.observability.audit.collect import read_everything
from recruit_assets.observability.audit.evaluate import evaluate
from recruit_assets.observability.audit.ledger_file import read_ledger, take_ledger
from recruit_assets.observability.audit.results import AuditResult, Progress, no_progress
from recruit_assets.runtime.settings import Settings


def run_audit(settings: Settings, *, ledger: Path | None = None, progress: Progress = no_progress) -> AuditResult:
    """Recount the three stores and compare them, and with a ledger also with what the simulator sent.

    Covers the records that Kafka still holds (`AuditResult.span`); memory doesn't grow with their number. Raises
    UserError if the ledger can't be read, StoreUnavailable if a store doesn't answer.
    """
    expected = read_ledger(ledger) if ledger else None
    with open_audit_database() as audit_db:
        if expected:
            take_ledger(audit_db, expected)
        collected = read_everything(settings, audit_db, progress)
        return evaluate(settings, audit_db, collected, ledger=expected)

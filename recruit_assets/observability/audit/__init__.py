"""Recounts Kafka, Cassandra and MySQL against each other and, with a ledger, against what the simulator sent.

Belongs here: `run_audit`, its rules and what it remembers while it reads. Not here: repairs; the cheap form of its
rules that runs with every materialization (`checks`).
"""

from recruit_assets.observability.audit.results import AuditResult, RuleResult, Span
from recruit_assets.observability.audit.run import run_audit

__all__ = ["AuditResult", "RuleResult", "Span", "run_audit"]

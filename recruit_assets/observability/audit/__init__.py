"""Recounts Kafka, Cassandra and MySQL and compares them, and with a ledger also with what the simulator sent.

Changes nothing in the stores. The asset checks (`defs.checks`) are the cheap form that runs with every materialization.
"""

from recruit_assets.observability.audit.results import AuditResult, RuleResult, Span
from recruit_assets.observability.audit.run import run_audit

__all__ = ["AuditResult", "RuleResult", "Span", "run_audit"]

"""The asset checks, one file per asset: a cheap form of the audit's rules, run with every materialization.

They compare what runs recorded of each table at the same coverage, and load no asset. A check blocks if a wrong number
would spread (filtered_events, hourly_job_metrics). A comparison with raw events, which are written all the time, only
warns.
"""

from recruit_assets.defs.checks.filtered_events import filtered_events_checks
from recruit_assets.defs.checks.hourly_job_metrics import hourly_job_metrics_checks
from recruit_assets.defs.checks.mysql_report import mysql_report_checks
from recruit_assets.defs.checks.raw_events import raw_events_checks

CHECKS = (raw_events_checks, filtered_events_checks, hourly_job_metrics_checks, mysql_report_checks)
CHECK_KEYS = tuple(key for checks in CHECKS for key in checks.check_keys)

__all__ = [
    "CHECKS",
    "CHECK_KEYS",
    "filtered_events_checks",
    "hourly_job_metrics_checks",
    "mysql_report_checks",
    "raw_events_checks",
]

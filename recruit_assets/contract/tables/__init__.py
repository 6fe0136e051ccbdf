"""The tables of both stores: names, columns, keys and meanings that users and other programs see."""

from recruit_assets.contract.tables.bookkeeping import (
    CHANGE_FEED_MARK,
    CURRENT_VERSION,
    DEAD_LETTER_REPLAYS,
    FIRST_HOUR,
    IMPORTS,
    KNOWN_TOPICS,
    PENDING_HOURS,
    SCHEMA_VERSION,
    WRONG_HOURS,
)
from recruit_assets.contract.tables.budgets import BUDGET, BUDGET_ALERTS
from recruit_assets.contract.tables.columns import GRAIN
from recruit_assets.contract.tables.daily import (
    DAILY_COMPANIES,
    DAILY_COMPANY_DAYS,
    DAILY_COMPANY_METRICS,
    DAILY_JOB_DAYS,
    DAILY_JOB_METRICS,
    REPORT_ZONE,
)
from recruit_assets.contract.tables.downstream import (
    ATTRIBUTED_CONVERSIONS,
    CLICK_END_DATES,
    CLICK_QUALITY,
    FUNNEL_ACTIONS,
)
from recruit_assets.contract.tables.metrics import (
    BUCKET_METRICS,
    CONVERSION_CLICKS,
    FILTERED_EVENTS,
    HOUR_COVERAGE,
    HOURLY_JOB_METRICS,
)
from recruit_assets.contract.tables.raw_events import (
    BUCKET_LAYOUT,
    BUCKET_VERSIONS,
    CHANGE_SHARDS,
    CHANGE_SKEW_S,
    EVENT_CHANGES,
    RAW_EVENTS,
)
from recruit_assets.contract.tables.report import (
    JOB,
    LOOKUP_CHECKS,
    LOOKUP_LOCKS,
    MYSQL_REPORT,
    REPORT_COMPANIES,
    REPORT_HOURS,
    REPORT_SOURCE,
)
from recruit_assets.contract.tables.rules import ATTRIBUTION, ERASURES, PRIVACY, RETENTION

__all__ = (
    "ATTRIBUTED_CONVERSIONS",
    "ATTRIBUTION",
    "BUCKET_LAYOUT",
    "BUCKET_METRICS",
    "BUCKET_VERSIONS",
    "BUDGET",
    "BUDGET_ALERTS",
    "CASSANDRA_TABLES",
    "CHANGE_FEED_MARK",
    "CHANGE_SHARDS",
    "CHANGE_SKEW_S",
    "CLICK_END_DATES",
    "CLICK_QUALITY",
    "CONVERSION_CLICKS",
    "CURRENT_VERSION",
    "DAILY_COMPANIES",
    "DAILY_COMPANY_DAYS",
    "DAILY_COMPANY_METRICS",
    "DAILY_JOB_DAYS",
    "DAILY_JOB_METRICS",
    "DEAD_LETTER_REPLAYS",
    "DOWNSTREAM_TABLES",
    "ERASURES",
    "EVENT_CHANGES",
    "FILTERED_EVENTS",
    "FIRST_HOUR",
    "FUNNEL_ACTIONS",
    "GRAIN",
    "HOURLY_JOB_METRICS",
    "HOURLY_SQL_TABLES",
    "HOUR_COVERAGE",
    "IMPORTS",
    "JOB",
    "JUDGED_TABLES",
    "KNOWN_TOPICS",
    "LOOKUP_CHECKS",
    "LOOKUP_LOCKS",
    "MYSQL_REPORT",
    "PENDING_HOURS",
    "PRIVACY",
    "RAW_EVENTS",
    "REPORT_COMPANIES",
    "REPORT_HOURS",
    "REPORT_SOURCE",
    "REPORT_ZONE",
    "RETENTION",
    "SCHEMA_VERSION",
    "SQL_TABLES",
    "WRONG_HOURS",
)

CASSANDRA_TABLES = (
    RAW_EVENTS,
    BUCKET_VERSIONS,
    EVENT_CHANGES,
    BUCKET_LAYOUT,
    RETENTION,
    PRIVACY,
    ERASURES,
    ATTRIBUTION,
    FILTERED_EVENTS,
    BUCKET_METRICS,
    HOURLY_JOB_METRICS,
    CONVERSION_CLICKS,
    HOUR_COVERAGE,
)

HOURLY_SQL_TABLES = (MYSQL_REPORT,)
"""An hour is pending until all of these cover it."""

DOWNSTREAM_TABLES = (FUNNEL_ACTIONS, CLICK_QUALITY, ATTRIBUTED_CONVERSIONS)
"""Made after the report has an hour, each if its setting switches it on."""

JUDGED_TABLES = (CLICK_QUALITY, ATTRIBUTED_CONVERSIONS)
"""Those whose rows depend on verdicts, and so on the jobs' last days and on who is known."""

SQL_TABLES = (
    MYSQL_REPORT,
    REPORT_HOURS,
    REPORT_COMPANIES,
    LOOKUP_LOCKS,
    LOOKUP_CHECKS,
    JOB,
    PENDING_HOURS,
    CHANGE_FEED_MARK,
    FIRST_HOUR,
    DEAD_LETTER_REPLAYS,
    KNOWN_TOPICS,
    IMPORTS,
    WRONG_HOURS,
    DAILY_JOB_METRICS,
    DAILY_JOB_DAYS,
    DAILY_COMPANIES,
    DAILY_COMPANY_METRICS,
    DAILY_COMPANY_DAYS,
    REPORT_ZONE,
    *DOWNSTREAM_TABLES,
    *(table.coverage for table in DOWNSTREAM_TABLES),
    BUDGET,
    BUDGET_ALERTS,
    CLICK_END_DATES,
    SCHEMA_VERSION,
)

"""The daily tables. Their days are those of RECRUIT_REPORT_TIMEZONE."""

from dataclasses import replace

from recruit_assets.contract.measures import COUNTS, KPIS, MEASURES
from recruit_assets.contract.tables.columns import ALWAYS_ONE, JOB_ID, LATEST_UPDATE
from recruit_assets.contract.tables.report import JOB
from recruit_assets.contract.types import (
    Column,
    DailySqlTable,
    DailySums,
    Lookup,
    SqlTable,
    Type,
    sql_applied,
    sql_coverage,
)

_DATE = Column("date", Type.DATE, "The day in RECRUIT_REPORT_TIMEZONE", nullable=False)

_DAY_NUMBERS = (
    *(measure.view_column for measure in MEASURES),
    *(kpi.view_column for kpi in KPIS),
    LATEST_UPDATE,
)

DAILY_COMPANY_METRICS = SqlTable(
    name="daily_company_metrics",
    description="What happened per company and day, with key figures. Days are those of RECRUIT_REPORT_TIMEZONE.",
    columns=(_DATE, Column("company_id", Type.INT, "Company, 0 if unknown", nullable=False), *_DAY_NUMBERS),
    primary_key=("date", "company_id"),
    indexes=(("company_id", "date"),),
)

DAILY_COMPANY_DAYS = sql_coverage(
    "daily_company_days",
    "One row per day of daily_company_metrics: the version of the jobs' day that it adds up, in t; 0: to be redone.",
    key=_DATE,
)

_DAYS = sql_coverage(
    "daily_job_days", "One row per day of daily_job_metrics: how far its rows are known to be complete.", key=_DATE
)

DAILY_JOB_DAYS = replace(
    _DAYS,
    columns=(
        *_DAYS.columns,
        Column("hours_version", Type.BIGINT, "Of the hours that it was made from: sum of covered_through, in ms"),
    ),
)

DAILY_COMPANIES = sql_applied(
    "daily_companies",
    "The companies that the rows of daily_job_metrics have, by job; follows the job dimension.",
    JOB,
    "company_id",
)

DAILY_JOB_METRICS = DailySqlTable(
    name="daily_job_metrics",
    description="What happened per job and day, with key figures. Days are those of RECRUIT_REPORT_TIMEZONE.",
    columns=(
        _DATE,
        JOB_ID,
        Column("company_id", Type.INT, "The job's company; null when the job is unknown"),
        *_DAY_NUMBERS,
    ),
    primary_key=("date", "job_id"),
    # finds the rows of a job whose company was corrected
    indexes=(("job_id",),),
    coverage=DAILY_JOB_DAYS,
    events_in=tuple(count.name for count in COUNTS),
    totals=tuple((measure.name, measure.name) for measure in MEASURES),
    updated_at=LATEST_UPDATE.name,
    lookups=(Lookup("company_id", by="job_id", table=JOB, value="company_id", applied=DAILY_COMPANIES),),
    sums=DailySums(DAILY_COMPANY_METRICS, by="company_id", days=DAILY_COMPANY_DAYS),
)

REPORT_ZONE = SqlTable(
    name="report_zone",
    description="One row: the time zone of the days in the daily tables.",
    columns=(
        ALWAYS_ONE,
        Column("timezone", Type.VARCHAR, "IANA name; empty while the zone is being changed", nullable=False),
    ),
    primary_key=("id",),
)

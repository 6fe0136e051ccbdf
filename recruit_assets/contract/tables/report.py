"""The hourly report in the report database, and the job dimension that it is joined with."""

from recruit_assets.contract.measures import COUNTS, MEANS, MEASURES
from recruit_assets.contract.tables.columns import GRAIN, GRAIN_COLUMNS, LATEST_UPDATE
from recruit_assets.contract.types import Column, HourlySqlTable, Lookup, SqlTable, Type, sql_applied, sql_coverage

REPORT_SOURCE = "Cassandra"

_REPORT_COLUMNS = {
    column.name: column
    for column in (
        *GRAIN_COLUMNS,
        Column("dates", Type.DATETIME, "Midnight of the day", nullable=False),
        Column("hours", Type.INT, "Hour of the day, 0 to 23", nullable=False),
        Column("company_id", Type.INT, "The job's company; null when the job is unknown"),
        Column("impressions", Type.VARCHAR_32, "Always null; kept for readers of the table"),
        Column("sources", Type.VARCHAR_32, f"'{REPORT_SOURCE}'", nullable=False),
        LATEST_UPDATE,
        *(measure.mysql_report_column for measure in MEASURES),
        *(mean.mysql_report_column for mean in MEANS),
    )
}

_REPORT_ORDER = (
    "job_id", "dates", "hours", "disqualified_application", "qualified_application", "conversion", "company_id",
    "group_id", "campaign_id", "publisher_id", "bid_set", "clicks", "impressions", "spend_hour", "sources",
    "latest_update_time",
)  # fmt: skip
"""Readers of the table rely on this order; columns declared later come last."""

REPORT_HOURS = sql_coverage(
    "report_hours", "One row per reported hour: how far its rows are known to be complete, and by which run."
)

JOB = SqlTable(
    name="job",
    description="The job dimension that the report is joined with.",
    columns=(
        Column("id", Type.INT, "Job advertisement", nullable=False),
        Column("company_id", Type.INT, "Company that offers the job"),
        Column("group_id", Type.INT, "Group of jobs"),
        Column("campaign_id", Type.INT, "Advertising campaign"),
        Column("title", Type.VARCHAR, "Title of the job"),
        Column("end_date", Type.DATE, "Last day on which it may be clicked on, in RECRUIT_REPORT_TIMEZONE; null: none"),
    ),
    primary_key=("id",),
)

REPORT_COMPANIES = sql_applied(
    "report_companies",
    "The companies that the report's rows have, by job; follows the job dimension.",
    JOB,
    "company_id",
)

LOOKUP_LOCKS = SqlTable(
    name="lookup_locks",
    description="Rows that are only locked: shared while an hour is stored, exclusively while lookups are corrected.",
    columns=(Column("table_name", Type.VARCHAR, "The hourly table", nullable=False),),
    primary_key=("table_name",),
)

LOOKUP_CHECKS = SqlTable(
    name="lookup_checks",
    description="When the lookups of each hourly table were last found up to date.",
    columns=(
        Column("table_name", Type.VARCHAR, "The hourly table", nullable=False),
        Column("checked_at", Type.DATETIME_MICROS, "By the report database's clock, UTC", nullable=False),
    ),
    primary_key=("table_name",),
)

MYSQL_REPORT = HourlySqlTable(
    name="mysql_report",
    description="The hourly report: what happened per job, publisher, campaign and group in each hour. Times are UTC.",
    columns=tuple(_REPORT_COLUMNS[name] for name in dict.fromkeys((*_REPORT_ORDER, *_REPORT_COLUMNS))),
    primary_key=("dates", "hours", *GRAIN),
    # finds the rows of a job whose company was corrected
    indexes=(("job_id",),),
    hour_columns=("dates", "hours"),
    coverage=REPORT_HOURS,
    events_in=tuple(count.report_column for count in COUNTS),
    totals=tuple((measure.name, measure.report_column) for measure in MEASURES),
    updated_at=LATEST_UPDATE.name,
    # joined where the rows are stored, which reads the hour's jobs only: joined by Spark, a dimension of 100,000 jobs
    # would cost every run half a second
    lookups=(Lookup("company_id", by="job_id", table=JOB, value="company_id", applied=REPORT_COMPANIES),),
)

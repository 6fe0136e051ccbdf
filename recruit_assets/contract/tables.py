"""The tables of both stores: names, columns, keys and meanings that users and other programs see."""

from dataclasses import replace

from recruit_assets.contract.click_quality import VERDICTS
from recruit_assets.contract.events import EVENT_COLUMNS
from recruit_assets.contract.measures import CLICKS, COUNTS, KPIS, MEANS, MEASURES, SUMMED_FIELDS
from recruit_assets.contract.types import (
    THE_HOUR,
    CassandraTable,
    Column,
    DailySqlTable,
    DailySums,
    DownstreamTable,
    HourlySqlTable,
    HourTable,
    Lookup,
    SqlTable,
    Type,
    downstream_coverage,
    sql_applied,
    sql_coverage,
)

CHANGE_SKEW_S = 5
"""A change this close to an hour's covered_through counts as not covered: coordinators' clocks differ by less."""

_EVENT_HOUR = Column("event_hour", Type.TIMESTAMP, "Start of the hour of the event time, UTC", nullable=False)
_BUCKET = Column("bucket", Type.INT, "Slice of the hour x shards + shard; see bucket_layout", nullable=False)
_EVENT_TIME = Column("event_time", Type.TIMESTAMP, "When the event happened, UTC", nullable=False)
_RECEIVED_AT = Column("received_at", Type.TIMESTAMP, "The Kafka record's timestamp (LogAppendTime)", nullable=False)
_EVENT_COLUMN = {column.name: column for column in EVENT_COLUMNS}
_CREATE_TIME = _EVENT_COLUMN["create_time"]

RAW_EVENTS = HourTable(
    name="raw_events",
    description="Every valid event, as received, once.",
    columns=(
        _EVENT_HOUR,
        _BUCKET,
        *EVENT_COLUMNS,
        _EVENT_TIME,
        _RECEIVED_AT,
        Column("extra", Type.TEXT, "Fields that the contract doesn't name, as one JSON object; normally unset"),
    ),
    partition_key=("event_hour", "bucket"),
    clustering_key=("create_time",),
    live=True,
    indexes=("uid",),
)

EVENT_CHANGES = CassandraTable(
    name="event_changes",
    description="The change feed: one row per ingest batch and touched hour, written after its events are durable.",
    columns=(
        Column("day", Type.DATE, "Day of changed_at", nullable=False),
        Column("shard", Type.INT, "Hour of the event modulo 8", nullable=False),
        Column("changed_at", Type.TIMEUUID, "When Cassandra took the change (now())", nullable=False),
        Column("event_hour", Type.TIMESTAMP, "The touched hour", nullable=False),
        Column("buckets", Type.INT_SET, "The touched buckets of the hour", nullable=False),
        Column("row_count", Type.INT, "Events of the hour in this batch", nullable=False),
    ),
    partition_key=("day", "shard"),
    clustering_key=("changed_at",),
    ttl_s=90 * 86_400,
)
CHANGE_SHARDS = 8

BUCKET_VERSIONS = CassandraTable(
    name="bucket_versions",
    description="What ingest has written to each bucket of an hour, stored after the events and before the change.",
    columns=(
        _EVENT_HOUR,
        Column("writer", Type.UUID, "Ingest process, new with each start", nullable=False),
        Column(
            "last_flights", Type.BIGINT_BY_INT, "Per bucket: number of the writer's last micro-batch with events of it"
        ),
    ),
    partition_key=("event_hour",),
    clustering_key=("writer",),
)
"""A bucket's version is the sum of `last_flights` over all writers: every write to the bucket raises it."""

BUCKET_LAYOUT = CassandraTable(
    name="bucket_layout",
    description="How an hour is cut into buckets, from an hour on; append-only.",
    columns=(
        Column("valid_from_hour", Type.TIMESTAMP, "First hour that uses the layout", nullable=False),
        Column("slices", Type.INT, "Slices of the hour by event time", nullable=False),
        Column("shards", Type.INT, "Shards of a slice by a hash of create_time", nullable=False),
        Column("one_bucket_before", Type.TIMESTAMP, "Hours before it are one bucket each; null: none is"),
    ),
    partition_key=("valid_from_hour",),
)

RETENTION = CassandraTable(
    name="retention",
    description="Every change of RECRUIT_RETENTION_DAYS, in force two to three hours later; append-only.",
    columns=(
        Column("stored_at", Type.TIMESTAMP, "When schema apply stored it", nullable=False),
        Column("days", Type.INT, "How long events are kept; 0: forever", nullable=False),
    ),
    partition_key=("stored_at",),
)

PRIVACY = CassandraTable(
    name="privacy",
    description="Every change of RECRUIT_PRIVACY; append-only.",
    columns=(
        Column("stored_at", Type.TIMESTAMP, "When schema apply stored it", nullable=False),
        Column("mode", Type.TEXT, "What is stored of the fields that identify people", nullable=False),
        Column("key_check", Type.TEXT, "Tells the keys of pseudonyms apart; empty without a key", nullable=False),
    ),
    partition_key=("stored_at",),
)

ERASURES = CassandraTable(
    name="erasures",
    description="People who were erased, as hashes, so that nothing brings them back; append-only.",
    columns=(
        Column("id", Type.INT, "Always 1", nullable=False),
        Column("through", Type.TIMESTAMP, "Events up to this time are stored without the person", nullable=False),
        Column("person", Type.TEXT, "Keyed hash of the uid, or of its pseudonym", nullable=False),
        Column("salt", Type.TEXT, "Key of the hash, random", nullable=False),
    ),
    partition_key=("id",),
    clustering_key=("through", "person"),
)

ATTRIBUTION = CassandraTable(
    name="attribution",
    description="Every change of RECRUIT_ATTRIBUTION; append-only.",
    columns=(
        Column("stored_at", Type.TIMESTAMP, "When schema apply stored it", nullable=False),
        Column("rules", Type.TEXT, "The rules, and the pattern of the rule dl", nullable=False),
        Column("pending_at", Type.TIMESTAMP, "When all hours were made pending because of it; null: not yet"),
    ),
    partition_key=("stored_at",),
)

_JOB_ID = Column("job_id", Type.INT, "Job advertisement", nullable=False)
_PUBLISHER_ID = Column("publisher_id", Type.INT, "Site that showed the advertisement, 0 if unknown", nullable=False)
_CAMPAIGN_ID = Column("campaign_id", Type.INT, "Advertising campaign, 0 if unknown", nullable=False)
_GROUP_ID = Column("group_id", Type.INT, "Group of jobs, 0 if unknown", nullable=False)
_GRAIN = (_JOB_ID, _PUBLISHER_ID, _CAMPAIGN_ID, _GROUP_ID)
GRAIN = tuple(column.name for column in _GRAIN)
"""What identifies a row of the metrics and of the report, beside its hour."""

_MEASURED = (
    *(measure.metrics_column for measure in MEASURES),
    Column("latest_received_at", Type.TIMESTAMP, "Greatest received_at among the events", nullable=False),
)
_SUMMED = tuple(replace(_EVENT_COLUMN[name], nullable=False) for name in SUMMED_FIELDS)

FILTERED_EVENTS = HourTable(
    name="filtered_events",
    description="The events that count (countable action, known job), with what counting needs.",
    columns=(
        _EVENT_HOUR,
        _BUCKET,
        _CREATE_TIME,
        _EVENT_TIME,
        Column("action", Type.TEXT, f"One of {', '.join(count.action for count in COUNTS)}", nullable=False),
        *_GRAIN,
        *_SUMMED,
        _RECEIVED_AT,
    ),
    partition_key=("event_hour", "bucket"),
    clustering_key=("create_time",),
    attributed_by="job_id",
    counted_by="rule",
)

BUCKET_METRICS = HourTable(
    name="bucket_metrics",
    description="The counts of a busy hour by bucket, so that unchanged buckets needn't be counted again.",
    columns=(_EVENT_HOUR, _BUCKET, *_GRAIN, *_MEASURED),
    partition_key=("event_hour", "bucket"),
    clustering_key=GRAIN,
    events_in=tuple(count.column for count in COUNTS),
)

HOURLY_JOB_METRICS = HourTable(
    name="hourly_job_metrics",
    description="Counts per hour, job, publisher, campaign and group.",
    columns=(_EVENT_HOUR, *_GRAIN, *_MEASURED),
    partition_key=("event_hour",),
    clustering_key=GRAIN,
    events_in=tuple(count.column for count in COUNTS),
)

CONVERSION_CLICKS = HourTable(
    name="conversion_clicks",
    description="Each conversion, qualified and unqualified event, with the click that led to it, if there is one.",
    columns=(
        _EVENT_HOUR,
        _CREATE_TIME,
        _EVENT_TIME,
        Column("action", Type.TEXT, "What it counts as", nullable=False),
        *_GRAIN,
        _RECEIVED_AT,
        Column("person", Type.BIGINT, "Hash of uid and job; null without a uid"),
        Column("click_time", Type.TIMESTAMP, "When the click happened; null: unattributed, the ids are its own"),
        Column("click_create_time", Type.TIMEUUID, "The click's create_time"),
    ),
    partition_key=("event_hour",),
    clustering_key=("create_time", "event_time"),
)

HOUR_COVERAGE = CassandraTable(
    name="hour_coverage",
    description="What each table's rows of an hour are known to contain: every change before covered_through.",
    columns=(
        _EVENT_HOUR,
        Column("stage", Type.TEXT, "Name of the table", nullable=False),
        Column("covered_through", Type.TIMESTAMP, "Every change before this is in the rows; unset while uncertain"),
        Column("t", Type.BIGINT, "Newest write timestamp used: normally Cassandra's clock in ms x 1000 + 0 to 999"),
        Column("run_id", Type.TEXT, "Dagster run that wrote the rows"),
        Column("row_count", Type.BIGINT, "Rows of the table in the hour"),
        Column("event_count", Type.BIGINT, "Countable events that the rows stand for"),
        Column(
            "buckets",
            Type.BIGINTS_BY_INT,
            "In a table with buckets, per bucket with raw events: write timestamp of its rows, version of their input, "
            "number of rows, countable events that they stand for, countable events without a job; if "
            "RECRUIT_ATTRIBUTION has other rules than job_id, the rows that each rule found",
        ),
        Column(
            "computed_by", Type.TEXT, "RECRUIT_ATTRIBUTION that filtered_events was computed by; unset if job_id alone"
        ),
    ),
    partition_key=("event_hour",),
    clustering_key=("stage",),
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

_LATEST_UPDATE = Column("latest_update_time", Type.TIMESTAMP, "Greatest received_at among the events", nullable=False)

REPORT_SOURCE = "Cassandra"
_REPORT_COLUMNS = {
    column.name: column
    for column in (
        *_GRAIN,
        Column("dates", Type.DATETIME, "Midnight of the day", nullable=False),
        Column("hours", Type.INT, "Hour of the day, 0 to 23", nullable=False),
        Column("company_id", Type.INT, "The job's company; null when the job is unknown"),
        Column("impressions", Type.VARCHAR_32, "Always null; kept for readers of the table"),
        Column("sources", Type.VARCHAR_32, f"'{REPORT_SOURCE}'", nullable=False),
        _LATEST_UPDATE,
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
    updated_at=_LATEST_UPDATE.name,
    # joined where the rows are stored, which reads the hour's jobs only: joined by Spark, a dimension of 100,000 jobs
    # would cost every run half a second
    lookups=(Lookup("company_id", by="job_id", table=JOB, value="company_id", applied=REPORT_COMPANIES),),
)

FUNNEL_ACTIONS = DownstreamTable(
    name="funnel_actions",
    description="How often actions of RECRUIT_FUNNEL_ACTIONS happened per hour, job, publisher, campaign and group.",
    columns=(
        THE_HOUR,
        *_GRAIN,
        Column("action", Type.VARCHAR, "The action, as `custom_track` of the events has it", nullable=False),
        Column("events", Type.INT, "Number of events", nullable=False),
        _LATEST_UPDATE,
    ),
    primary_key=(THE_HOUR.name, *GRAIN, "action"),
    coverage=downstream_coverage("funnel_actions"),
    events_in=("events",),
    totals=(("events", "events"),),
    updated_at=_LATEST_UPDATE.name,
)

CLICK_QUALITY = DownstreamTable(
    name="click_quality",
    description="Valid clicks, and invalid ones by the reason, per hour, job, publisher, campaign and group. "
    "Together they are the clicks of the report.",
    columns=(
        THE_HOUR,
        *_GRAIN,
        Column("verdict", Type.VARCHAR_32, f"One of {', '.join(one.name for one in VERDICTS)}", nullable=False),
        Column("clicks", Type.INT, "Number of clicks with this verdict", nullable=False),
        Column("spend", Type.DOUBLE, "Sum of the bids of these clicks", nullable=False),
        _LATEST_UPDATE,
    ),
    primary_key=(THE_HOUR.name, *GRAIN, "verdict"),
    coverage=downstream_coverage("click_quality"),
    events_in=("clicks",),
    totals=(("clicks", "clicks"), ("spend", "spend")),
    updated_at=_LATEST_UPDATE.name,
)

CLICK_END_DATES = sql_applied(
    "click_end_dates",
    "The jobs' last days that click_quality was made with, or is about to be; follows the job dimension.",
    JOB,
    "end_date",
)

_CREDITED = tuple(count for count in COUNTS if count is not CLICKS)
ATTRIBUTED_CONVERSIONS = DownstreamTable(
    name="attributed_conversions",
    description="Applications of each hour by the publisher, campaign and group of the click that led to them.",
    columns=(
        THE_HOUR,
        *_GRAIN,
        Column(
            "attributed",
            Type.INT,
            "1: publisher, campaign and group are those of the same person's last click on the job; 0: no click was "
            "found, they are the event's own",
            nullable=False,
        ),
        *(count.view_column for count in _CREDITED),
        _LATEST_UPDATE,
    ),
    primary_key=(THE_HOUR.name, *GRAIN, "attributed"),
    coverage=downstream_coverage("attributed_conversions"),
    made_from=CONVERSION_CLICKS,
    events_in=tuple(count.name for count in _CREDITED),
    totals=tuple((count.name, count.name) for count in _CREDITED),
    updated_at=_LATEST_UPDATE.name,
)

_DATE = Column("date", Type.DATE, "The day in RECRUIT_REPORT_TIMEZONE", nullable=False)
_DAY_NUMBERS = (
    *(measure.view_column for measure in MEASURES),
    *(kpi.view_column for kpi in KPIS),
    _LATEST_UPDATE,
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
        _JOB_ID,
        Column("company_id", Type.INT, "The job's company; null when the job is unknown"),
        *_DAY_NUMBERS,
    ),
    primary_key=("date", "job_id"),
    # finds the rows of a job whose company was corrected
    indexes=(("job_id",),),
    coverage=DAILY_JOB_DAYS,
    events_in=tuple(count.name for count in COUNTS),
    totals=tuple((measure.name, measure.name) for measure in MEASURES),
    updated_at=_LATEST_UPDATE.name,
    lookups=(Lookup("company_id", by="job_id", table=JOB, value="company_id", applied=DAILY_COMPANIES),),
    sums=DailySums(DAILY_COMPANY_METRICS, by="company_id", days=DAILY_COMPANY_DAYS),
)

REPORT_ZONE = SqlTable(
    name="report_zone",
    description="One row: the time zone of the days in the daily tables.",
    columns=(
        Column("id", Type.INT, "Always 1", nullable=False),
        Column("timezone", Type.VARCHAR, "IANA name; empty while the zone is being changed", nullable=False),
    ),
    primary_key=("id",),
)

BUDGET = SqlTable(
    name="budget",
    description="What a campaign or a job may spend in a month. The site loads it.",
    columns=(
        Column("scope", Type.VARCHAR_32, "campaign or job", nullable=False),
        Column("id", Type.INT, "The campaign or job", nullable=False),
        Column("month", Type.DATE, "First day of the month, UTC", nullable=False),
        Column("amount", Type.DOUBLE, "What may be spent, in the unit of the bids", nullable=False),
    ),
    primary_key=("scope", "id", "month"),
)

BUDGET_ALERTS = SqlTable(
    name="budget_alerts",
    description="Which thresholds of which budgets were reached, a row per alert. Another amount is another budget.",
    columns=(
        *BUDGET.columns,
        Column("threshold", Type.INT, "Percent of the amount", nullable=False),
        Column("spent", Type.DOUBLE, "What was spent when this was noticed", nullable=False),
        Column("noticed_at", Type.DATETIME_MICROS, "When it was noticed, UTC", nullable=False),
        Column("waiting", Type.VARCHAR, "Alert channels that haven't taken the message yet", nullable=False),
    ),
    primary_key=(*BUDGET.primary_key, "amount", "threshold"),
    indexes=(("waiting",),),
)

PENDING_HOURS = SqlTable(
    name="pending_hours",
    description="Hours that have changes which the report doesn't cover yet.",
    columns=(
        Column("event_hour", Type.DATETIME, "The hour, UTC", nullable=False),
        Column("newest_change", Type.DATETIME_MICROS, "Newest change seen of the hour", nullable=False),
        Column("attempts", Type.INT, "Failed runs since the newest change", nullable=False),
        Column("next_try_at", Type.DATETIME_MICROS, "Not to be requested before this", nullable=False),
        Column("event_count", Type.BIGINT, "About how many events its changes stand for; null if unknown"),
    ),
    primary_key=("event_hour",),
)

CHANGE_FEED_MARK = SqlTable(
    name="change_feed_mark",
    description="One row: the time through which the change feed has been turned into pending hours.",
    columns=(
        Column("id", Type.INT, "Always 1", nullable=False),
        Column("low_water", Type.DATETIME_MICROS, "Changes before this were read", nullable=False),
    ),
    primary_key=("id",),
)

FIRST_HOUR = SqlTable(
    name="first_hour",
    description="One row: the first hour of the report, which may only be lowered.",
    columns=(
        Column("id", Type.INT, "Always 1", nullable=False),
        Column("event_hour", Type.DATETIME, "First hourly partition, UTC", nullable=False),
    ),
    primary_key=("id",),
)

DEAD_LETTER_REPLAYS = SqlTable(
    name="dead_letter_replays",
    description="Which dead letters were sent again: a row each time, with the record rejected first and its replay.",
    columns=(
        Column("topic", Type.VARCHAR, "Event topic", nullable=False),
        Column("kafka_partition", Type.INT, "Partition of the record that was rejected first", nullable=False),
        Column("kafka_offset", Type.BIGINT, "Its offset", nullable=False),
        Column("reason", Type.VARCHAR_32, "Why it was a dead letter", nullable=False),
        Column("attempts", Type.INT, "1 for its first replay, 2 for the second, and so on", nullable=False),
        Column("replayed_at", Type.DATETIME_MICROS, "When it was sent again", nullable=False),
        Column("kafka_timestamp_ms", Type.BIGINT, "Its time; 0 before schema version 2", nullable=False, default=0),
        Column("replay_partition", Type.INT, "Partition where Kafka put the record that was sent again"),
        Column("replay_offset", Type.BIGINT, "Its offset"),
        Column("replay_timestamp_ms", Type.BIGINT, "Its time"),
    ),
    primary_key=("topic", "kafka_partition", "kafka_offset", "kafka_timestamp_ms", "attempts"),
    indexes=(("topic", "replay_partition", "replay_offset"),),
)

KNOWN_TOPICS = SqlTable(
    name="known_topics",
    description="The first id of each event topic that this installation has had; one that was made anew has another.",
    columns=(
        Column("topic", Type.VARCHAR, "Name of the topic", nullable=False),
        Column("topic_id", Type.VARCHAR, "Kafka's id of the topic", nullable=False),
        Column("first_seen", Type.DATETIME_MICROS, "When it was first seen, UTC", nullable=False),
    ),
    primary_key=("topic", "topic_id"),
)

IMPORTS = SqlTable(
    name="imports",
    description="Files that `recruit-assets import` has sent to an event topic, or is sending.",
    columns=(
        Column("topic", Type.VARCHAR, "Event topic", nullable=False),
        Column("digest", Type.VARCHAR, "SHA-256 of the file's content", nullable=False),
        Column("file_name", Type.VARCHAR, "Its name", nullable=False),
        Column("options", Type.VARCHAR, "Hash of the options that say how it is read", nullable=False),
        Column(
            "rows_done", Type.BIGINT, "So many rows, from its first, are in the topic or were refused", nullable=False
        ),
        Column("started_at", Type.DATETIME_MICROS, "When the import began, UTC", nullable=False),
        Column("finished_at", Type.DATETIME_MICROS, "When its last row was in the topic, UTC"),
    ),
    primary_key=("topic", "digest"),
)

WRONG_HOURS = SqlTable(
    name="wrong_hours",
    description="What an asset check has found wrong and not good again since.",
    columns=(
        Column("asset", Type.VARCHAR, "The check's asset", nullable=False),
        Column("check_name", Type.VARCHAR, "The check", nullable=False),
        Column("event_hour", Type.DATETIME, "The hour, UTC", nullable=False),
        Column("sample", Type.INT, "Which part of the hour; 0 for a check of whole hours", nullable=False),
        Column("found_at", Type.DATETIME_MICROS, "When it was first found wrong, UTC", nullable=False),
        Column("run_id", Type.VARCHAR, "Dagster run whose check found it", nullable=False),
    ),
    primary_key=("asset", "check_name", "event_hour", "sample"),
)

SCHEMA_VERSION = SqlTable(
    name="schema_version",
    description="One row per migration that both stores have; the greatest version is the schema's.",
    columns=(
        Column("version", Type.INT, "Number of the migration", nullable=False),
        Column("name", Type.VARCHAR, "Name of the migration", nullable=False),
        Column("applied_at", Type.DATETIME_MICROS, "When it was applied, UTC", nullable=False),
    ),
    primary_key=("version",),
)
CURRENT_VERSION = 5
"""Version of the tables in this file: the number of the last migration (stores/migrations)."""

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

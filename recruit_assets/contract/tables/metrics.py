"""What runs write to Cassandra: the hourly tables, and how far each hour of them is complete."""

from dataclasses import replace

from recruit_assets.contract.measures import COUNTS, MEASURES, SUMMED_FIELDS
from recruit_assets.contract.tables.columns import (
    BUCKET,
    CREATE_TIME,
    EVENT_COLUMN,
    EVENT_HOUR,
    EVENT_TIME,
    GRAIN,
    GRAIN_COLUMNS,
    RECEIVED_AT,
)
from recruit_assets.contract.types import CassandraTable, Column, HourTable, Type

_MEASURED = (
    *(measure.metrics_column for measure in MEASURES),
    Column("latest_received_at", Type.TIMESTAMP, "Greatest received_at among the events", nullable=False),
)

_SUMMED = tuple(replace(EVENT_COLUMN[name], nullable=False) for name in SUMMED_FIELDS)

FILTERED_EVENTS = HourTable(
    name="filtered_events",
    description="The events that count (countable action, known job), with what counting needs.",
    columns=(
        EVENT_HOUR,
        BUCKET,
        CREATE_TIME,
        EVENT_TIME,
        Column("action", Type.TEXT, f"One of {', '.join(count.action for count in COUNTS)}", nullable=False),
        *GRAIN_COLUMNS,
        *_SUMMED,
        RECEIVED_AT,
    ),
    partition_key=("event_hour", "bucket"),
    clustering_key=("create_time",),
    attributed_by="job_id",
    counted_by="rule",
)

BUCKET_METRICS = HourTable(
    name="bucket_metrics",
    description="The counts of a busy hour by bucket, so that unchanged buckets needn't be counted again.",
    columns=(EVENT_HOUR, BUCKET, *GRAIN_COLUMNS, *_MEASURED),
    partition_key=("event_hour", "bucket"),
    clustering_key=GRAIN,
    events_in=tuple(count.column for count in COUNTS),
)

HOURLY_JOB_METRICS = HourTable(
    name="hourly_job_metrics",
    description="Counts per hour, job, publisher, campaign and group.",
    columns=(EVENT_HOUR, *GRAIN_COLUMNS, *_MEASURED),
    partition_key=("event_hour",),
    clustering_key=GRAIN,
    events_in=tuple(count.column for count in COUNTS),
)

CONVERSION_CLICKS = HourTable(
    name="conversion_clicks",
    description="Each conversion, qualified and unqualified event, with the click that led to it, if there is one.",
    columns=(
        EVENT_HOUR,
        CREATE_TIME,
        EVENT_TIME,
        Column("action", Type.TEXT, "What it counts as", nullable=False),
        *GRAIN_COLUMNS,
        RECEIVED_AT,
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
        EVENT_HOUR,
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

"""From raw events to the rows of the report: DataFrames in, DataFrames out.

Expressions are SQL text, because PySpark builds a column expression with one call to the JVM per part.
"""

from pyspark.sql import DataFrame
from pyspark.sql import functions as F  # noqa: N812  # how Spark's own documentation names it

from recruit_assets.contract.measures import (
    ACTION_SPELLINGS,
    COUNTS,
    MEANS,
    MEASURES,
    SUMMED_FIELDS,
    SUMS,
)
from recruit_assets.contract.tables import GRAIN, MYSQL_REPORT, REPORT_SOURCE


def countable(raw_events: DataFrame) -> DataFrame:
    """The events whose action counts, with the columns that counting needs.

    Null ids and null summed fields become 0; job_id stays null.
    """
    spellings = ", ".join(f"'{spelling}', '{action}'" for spelling, action in ACTION_SPELLINGS.items())
    return raw_events.selectExpr(
        "event_hour", "bucket", "create_time", "event_time", "received_at", "job_id",
        f"element_at(map({spellings}), custom_track) AS action",
        *(f"coalesce({name}, 0) AS {name}" for name in (*GRAIN[1:], *SUMMED_FIELDS)),
    ).where("action IS NOT NULL")  # fmt: skip


def count_actions(filtered_events: DataFrame) -> DataFrame:
    """One row per hour, job, publisher, campaign and group, with every declared measure."""
    return count_by(filtered_events, "event_hour")


def count_actions_by_bucket(filtered_events: DataFrame) -> DataFrame:
    """One row per bucket, job, publisher, campaign and group."""
    return count_by(filtered_events, "event_hour", "bucket")


def add_up(bucket_metrics: DataFrame) -> DataFrame:
    """The metrics of the hour from those of its buckets: the same rows as `count_actions` of all its events."""
    return (
        with_every_measure(bucket_metrics)
        .groupBy("event_hour", *GRAIN)
        .agg(
            *(F.expr(f"sum({measure.column}) AS {measure.column}") for measure in MEASURES),
            F.expr("max(latest_received_at) AS latest_received_at"),
        )
    )


def count_by(filtered_events: DataFrame, *partition: str) -> DataFrame:
    return filtered_events.groupBy(*partition, *GRAIN).agg(
        *(F.expr(f"count_if(action = '{one.action}') AS {one.column}") for one in COUNTS),
        *(
            F.expr(f"sum(if(action = '{one.where.action}', cast(coalesce({one.of}, 0) AS bigint), 0)) AS {one.column}")
            for one in SUMS
        ),
        F.expr("max(received_at) AS latest_received_at"),
    )


def to_report(metrics: DataFrame) -> DataFrame:
    """Metrics as rows of mysql_report, without the company, which is looked up where they are stored.

    Spark rounds the quotient's shortest decimal, half away from zero.
    """
    values = {
        **{name: name for name in GRAIN},
        "dates": "date_trunc('day', event_hour)",
        "hours": "hour(event_hour)",
        "impressions": "cast(NULL AS string)",
        "sources": f"'{REPORT_SOURCE}'",
        "latest_update_time": "latest_received_at",
        **{one.report_column: f"cast({one.column} AS {one.type.name})" for one in MEASURES},
        **{
            mean.report_column: f"if({mean.count.column} > 0, round({mean.sum.column} / {mean.count.column}, 2), 0D)"
            for mean in MEANS
        },
    }
    rows = with_every_measure(metrics)
    return rows.selectExpr(*(f"{values[name]} AS {name}" for name in MYSQL_REPORT.column_names if name in values))


def with_every_measure(metrics: DataFrame) -> DataFrame:
    """Zeros instead of nulls, which rows have that were stored before a measure was declared."""
    return metrics.fillna(0, subset=[measure.column for measure in MEASURES])

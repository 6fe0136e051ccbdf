"""From the metrics of hours, and the events of hours that a day cuts, to rows of daily_job_metrics."""

from collections.abc import Sequence
from datetime import date, datetime

from pyspark.sql import DataFrame
from pyspark.sql import functions as F  # noqa: N812  # how Spark's own documentation names it

from recruit_assets.contract.measures import KPIS, MEASURES
from recruit_assets.contract.tables import DAILY_JOB_METRICS
from recruit_assets.transforms.hourly import count_by, with_every_measure

UTC_TIME = "%Y-%m-%d %H:%M:%SZ"
LATEST = "latest_received_at"
MEASURED = ("date", "job_id", *(measure.column for measure in MEASURES), LATEST)


def with_date(rows: DataFrame, time: str, spans: Sequence[tuple[date, datetime, datetime]]) -> DataFrame:
    """The rows whose time is in one of the spans, with its day as `date`. A span is its day, start and end (excluded).

    Spark's own time zones aren't asked: they may be of another year than Python's, which tell a day's hours.
    """
    cases = " ".join(
        f"WHEN {time} >= timestamp'{start:{UTC_TIME}}' AND {time} < timestamp'{end:{UTC_TIME}}' THEN date'{day}'"
        for day, start, end in spans
    )
    day = f"CASE {cases} END" if cases else "cast(NULL AS date)"
    return rows.withColumn("date", F.expr(day)).where("date IS NOT NULL")


def count_days(whole_hours: DataFrame, cut_hours: DataFrame) -> DataFrame:
    """One row per day and job with every declared measure, from metrics and from filtered events that have their day.

    The rows of a day are in one partition, one after the other.
    """
    counted = count_by(cut_hours, "date").select(*MEASURED)
    both = with_every_measure(whole_hours).select(*MEASURED).unionByName(counted)
    return (
        both.repartition("date")
        .groupBy("date", "job_id")
        .agg(
            *(F.expr(f"sum({measure.column}) AS {measure.column}") for measure in MEASURES),
            F.expr(f"max({LATEST}) AS {LATEST}"),
        )
        .sortWithinPartitions("date", "job_id")
    )


def to_daily(counted: DataFrame) -> DataFrame:
    """Counted days as rows of daily_job_metrics, without the company, which is looked up where they are stored."""
    values = {
        "date": "date",
        "job_id": "job_id",
        **{one.name: f"cast({one.column} AS {one.type.name})" for one in MEASURES},
        **{
            kpi.name: f"if({kpi.denominator.column} = 0, NULL, "
            f"cast({kpi.numerator.column} AS double) / {kpi.denominator.column})"
            for kpi in KPIS
        },
        DAILY_JOB_METRICS.updated_at: LATEST,
    }
    return counted.selectExpr(
        *(f"{values[name]} AS {name}" for name in DAILY_JOB_METRICS.column_names if name in values)
    )

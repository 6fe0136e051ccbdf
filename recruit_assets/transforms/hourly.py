"""From raw events to the rows of the report: DataFrame in, DataFrame out.

Belongs here: which events count, how they are counted, how a metrics row becomes a report row, and the tallies that say
how much of each there is per hour. Not here: reading, writing, coverage (`stages`), the company of a job (joined where
the job dimension lives, `stores.mysql_report`).
"""

import operator
from functools import reduce

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F  # noqa: N812  # how Spark's own documentation names it

from recruit_assets.contract import ACTION_SPELLINGS, GRAIN, REPORT_SOURCE, Action

UNATTRIBUTED = "unattributed"
EVENT_COUNT = "event_count"
ROW_COUNT = "row_count"

METRIC_OF_ACTION = {
    Action.CLICK: "clicks",
    Action.CONVERSION: "conversion",
    Action.QUALIFIED: "qualified",
    Action.UNQUALIFIED: "unqualified",
}


def countable(raw_events: DataFrame) -> DataFrame:
    """The events whose action counts, with what counting needs. Null bids and null ids but job_id count as 0."""
    # as SQL text: each part of an expression that is made in Python is a call to the JVM
    spellings = ", ".join(f"'{spelling}', '{action}'" for spelling, action in ACTION_SPELLINGS.items())
    return raw_events.selectExpr(
        "event_hour", "bucket", "create_time", "event_time", "received_at", "job_id",
        f"element_at(map({spellings}), custom_track) AS action",
        *(f"coalesce({name}, 0) AS {name}" for name in (*GRAIN[1:], "bid")),
    ).where("action IS NOT NULL")  # fmt: skip


def attributed(events: DataFrame) -> DataFrame:
    """Those of the events that are about a job; 0 is a job."""
    return events.where("job_id IS NOT NULL")


def tally_events(events: DataFrame) -> DataFrame:
    """Per bucket with countable events: how many of them are about a job, and how many aren't."""
    with_job = F.count("job_id")
    return events.groupBy("event_hour", "bucket").agg(
        with_job.alias(ROW_COUNT),
        with_job.alias(EVENT_COUNT),
        (F.count("*") - with_job).alias(UNATTRIBUTED),
    )


def count_actions(filtered_events: DataFrame) -> DataFrame:
    """One row per hour, job, publisher, campaign and group: its actions and the sum of the bids of its clicks."""
    counts = [F.count(F.when(is_action(action), True)).alias(name) for action, name in METRIC_OF_ACTION.items()]
    bid_sum = F.sum(F.when(is_action(Action.CLICK), F.col("bid").cast("long")).otherwise(F.lit(0).cast("long")))
    return filtered_events.groupBy("event_hour", *GRAIN).agg(
        *counts, bid_sum.alias("bid_sum"), F.max("received_at").alias("latest_received_at")
    )


def tally_metrics(metrics: DataFrame) -> DataFrame:
    """Per hour with metrics: event_hour, row_count, and event_count, the events that the rows stand for."""
    events = reduce(operator.add, (F.col(name) for name in METRIC_OF_ACTION.values()))
    return metrics.groupBy("event_hour").agg(F.count("*").alias(ROW_COUNT), F.sum(events).alias(EVENT_COUNT))


def to_report(metrics: DataFrame) -> DataFrame:
    """Metrics as report rows, company_id left null; `mysql_report` in the contract tells each column.

    The mean bid is rounded to 2 decimals, half away from zero (Spark's round, of the shortest decimal of the quotient).
    """
    mean_bid = F.when(F.col("clicks") > 0, F.round(F.col("bid_sum") / F.col("clicks"), 2)).otherwise(F.lit(0.0))
    return metrics.select(
        "job_id",
        F.date_trunc("day", "event_hour").alias("dates"),
        F.hour("event_hour").alias("hours"),
        F.col("unqualified").cast("int").alias("disqualified_application"),
        F.col("qualified").cast("int").alias("qualified_application"),
        F.col("conversion").cast("int").alias("conversion"),
        F.lit(None).cast("int").alias("company_id"),
        "group_id",
        "campaign_id",
        "publisher_id",
        mean_bid.alias("bid_set"),
        F.col("clicks").cast("int").alias("clicks"),
        F.lit(None).cast("string").alias("impressions"),
        F.col("bid_sum").cast("double").alias("spend_hour"),
        F.lit(REPORT_SOURCE).alias("sources"),
        F.col("latest_received_at").alias("latest_update_time"),
    )


def is_action(action: Action) -> Column:
    return F.col("action") == F.lit(action.value)

"""From raw events to the rows of the report: DataFrame in, DataFrame out.

Belongs here: which events count, how they are counted, how a metrics row becomes a report row, and the tallies that say
how much of each there is per hour. Expressions are SQL text: each part of one that is made in Python is a call to the
JVM. Not here: reading, writing, coverage (`stages`), the company of a job (joined where the job dimension lives,
`stores.mysql_report`).
"""

from pyspark.sql import DataFrame
from pyspark.sql import functions as F  # noqa: N812  # how Spark's own documentation names it

from recruit_assets.contract.measures import ACTION_SPELLINGS, Action
from recruit_assets.contract.tables import GRAIN, REPORT_SOURCE

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
    return events.groupBy("event_hour", "bucket").agg(
        F.expr(f"count(job_id) AS {ROW_COUNT}"),
        F.expr(f"count(job_id) AS {EVENT_COUNT}"),
        F.expr(f"count_if(job_id IS NULL) AS {UNATTRIBUTED}"),
    )


def count_actions(filtered_events: DataFrame) -> DataFrame:
    """One row per hour, job, publisher, campaign and group: its actions and the sum of the bids of its clicks."""
    return _counted(filtered_events, "event_hour")


def count_actions_by_bucket(filtered_events: DataFrame) -> DataFrame:
    """The same per bucket."""
    return _counted(filtered_events, "event_hour", "bucket")


def add_up(bucket_metrics: DataFrame) -> DataFrame:
    """What `count_actions` makes of the same events."""
    sums = (*METRIC_OF_ACTION.values(), "bid_sum")
    return bucket_metrics.groupBy("event_hour", *GRAIN).agg(
        *(F.expr(f"sum({name}) AS {name}") for name in sums),
        F.expr("max(latest_received_at) AS latest_received_at"),
    )


def _counted(filtered_events: DataFrame, *partition: str) -> DataFrame:
    return filtered_events.groupBy(*partition, *GRAIN).agg(
        *(F.expr(f"count_if(action = '{action}') AS {name}") for action, name in METRIC_OF_ACTION.items()),
        F.expr(f"sum(if(action = '{Action.CLICK}', cast(bid AS bigint), 0)) AS bid_sum"),
        F.expr("max(received_at) AS latest_received_at"),
    )


def tally_metrics(metrics: DataFrame) -> DataFrame:
    """Per hour with metrics: event_hour, row_count, and event_count, the events that the rows stand for."""
    return _tallied(metrics, "event_hour")


def tally_bucket_metrics(bucket_metrics: DataFrame) -> DataFrame:
    """The same per bucket."""
    return _tallied(bucket_metrics, "event_hour", "bucket")


def _tallied(metrics: DataFrame, *partition: str) -> DataFrame:
    events = " + ".join(METRIC_OF_ACTION.values())
    return metrics.groupBy(*partition).agg(
        F.expr(f"count(*) AS {ROW_COUNT}"), F.expr(f"sum({events}) AS {EVENT_COUNT}")
    )


def to_report(metrics: DataFrame) -> DataFrame:
    """Metrics as report rows, company_id left null; `mysql_report` in the contract tells each column.

    The mean bid is rounded to 2 decimals, half away from zero (Spark's round, of the shortest decimal of the quotient).
    """
    return metrics.selectExpr(
        "job_id",
        "date_trunc('day', event_hour) AS dates",
        "hour(event_hour) AS hours",
        "cast(unqualified AS int) AS disqualified_application",
        "cast(qualified AS int) AS qualified_application",
        "cast(conversion AS int) AS conversion",
        "cast(NULL AS int) AS company_id",
        "group_id",
        "campaign_id",
        "publisher_id",
        "if(clicks > 0, round(bid_sum / clicks, 2), 0D) AS bid_set",
        "cast(clicks AS int) AS clicks",
        "cast(NULL AS string) AS impressions",
        "cast(bid_sum AS double) AS spend_hour",
        f"'{REPORT_SOURCE}' AS sources",
        "latest_received_at AS latest_update_time",
    )

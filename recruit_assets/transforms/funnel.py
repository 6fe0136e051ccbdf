"""Counts the further actions of the funnel: DataFrames in, DataFrames out."""

from collections.abc import Sequence

from pyspark.sql import DataFrame
from pyspark.sql import functions as F  # noqa: N812  # how Spark's own documentation names it

from recruit_assets.contract.attribution import Attribution
from recruit_assets.contract.tables import GRAIN
from recruit_assets.transforms.attribution import with_action
from recruit_assets.transforms.spark_sql import hour_by_hour


def count_funnel(raw_events: DataFrame, actions: Sequence[str], attribution: Attribution) -> DataFrame:
    """One row per hour, job, publisher, campaign, group and action, in the columns of funnel_actions.

    Null ids are 0; events whose job isn't found aren't counted. The rows of an hour are one after the other.
    """
    events = with_action(raw_events, actions, attribution).withColumnRenamed("custom_track", "action")
    counted = events.groupBy("event_hour", *GRAIN, "action").agg(
        F.expr("cast(count(*) AS int) AS events"), F.expr("max(received_at) AS latest_update_time")
    )
    return hour_by_hour(counted)

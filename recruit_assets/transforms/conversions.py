"""Applications and the clicks that may have led to them, in Spark. `journeys` decides which click did.

An application is here what comes after a click: a conversion, a qualified or an unqualified event. Expressions are SQL
text, see `hourly`.
"""

from collections.abc import Sequence
from datetime import datetime

from pyspark.sql import DataFrame
from pyspark.sql import functions as F  # noqa: N812  # how Spark's own documentation names it

from recruit_assets.contract.attribution import Attribution
from recruit_assets.contract.events import MAX_UID_BYTES
from recruit_assets.contract.measures import CLICKS, COUNTS
from recruit_assets.contract.tables import ATTRIBUTED_CONVERSIONS, GRAIN
from recruit_assets.transforms.attribution import countable_with_found_jobs
from recruit_assets.transforms.spark_sql import hour_by_hour

IS_CLICK = f"action = '{CLICKS.action}'"
CHANGED = ("event_hour", "event_time", "create_time", *GRAIN, "click_time", "click_create_time")


def journey_events(raw_events: DataFrame, attribution: Attribution) -> DataFrame:
    """The events that count, with `uid`, and `person`, a hash of uid and job; both are null if nobody is named."""
    # `countable` takes create_time as it is, so it can take the uid along
    named = raw_events.withColumn("create_time", F.expr("struct(create_time, uid)"))
    events = countable_with_found_jobs(named, attribution).where("job_id IS NOT NULL")
    uid = f"if(octet_length(create_time.uid) BETWEEN 1 AND {MAX_UID_BYTES}, create_time.uid, NULL)"
    return events.selectExpr(
        "event_hour", "create_time.create_time AS create_time", "event_time", "action", *GRAIN, "received_at",
        f"{uid} AS uid",
    ).selectExpr("*", "if(uid IS NULL, NULL, xxhash64(uid, job_id)) AS person")  # fmt: skip


def count_credits(conversion_clicks: DataFrame) -> DataFrame:
    """Rows of attributed_conversions: applications by whose click led to them; those of an hour follow each other."""
    counts = [count for count in COUNTS if count is not CLICKS]
    counted = (
        conversion_clicks.selectExpr("*", "if(click_time IS NULL, 0, 1) AS attributed")
        .groupBy("event_hour", *GRAIN, "attributed")
        .agg(
            *(F.expr(f"cast(count_if(action = '{one.action}') AS int) AS {one.name}") for one in counts),
            F.expr("max(received_at) AS latest_update_time"),
        )
        .select(*ATTRIBUTED_CONVERSIONS.column_names)
    )
    return hour_by_hour(counted)


def may_have_changed(conversion_clicks: DataFrame, clicks: DataFrame, hours: Sequence[datetime]) -> DataFrame:
    """The stored applications whose click may be another one now that these are all clicks of these hours.

    Those of people with a click on the job in these hours, with the person's uid. And, without a uid, those whose click
    was in these hours and isn't any more.
    """
    people = clicks.where("person IS NOT NULL").groupBy("person", "uid").agg(F.expr("min(event_time) AS first_click"))
    theirs = conversion_clicks.join(people, ["person"]).where("first_click <= event_time")
    listed = ", ".join(f"timestamp_seconds({int(hour.timestamp())})" for hour in hours)
    there = clicks.selectExpr("event_time AS click_time", "create_time AS click_create_time", "person")
    lost = conversion_clicks.where(f"date_trunc('hour', click_time) IN ({listed})").join(
        there, ["click_time", "click_create_time", "person"], "left_anti"
    )
    return theirs.select(*CHANGED, "uid").unionByName(lost.selectExpr(*CHANGED, "cast(NULL AS string) AS uid"))

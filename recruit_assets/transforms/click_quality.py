"""The verdict on each click, in Spark: DataFrames in, DataFrames out. Expressions are SQL text, see `hourly`.

`click_judge` does the same in Python; both are compared with a table that was made by hand.
"""

from pyspark.sql import DataFrame
from pyspark.sql import functions as F  # noqa: N812  # how Spark's own documentation names it

from recruit_assets.contract.attribution import Attribution
from recruit_assets.contract.click_quality import DUPLICATE, EXPIRED, INTERNAL, LONGEST_AGENT, ROBOT, VALID, ClickRules
from recruit_assets.contract.internal_hosts import HOST
from recruit_assets.contract.measures import CLICKS, SPEND
from recruit_assets.contract.tables import CLICK_QUALITY, GRAIN
from recruit_assets.contract.url_patterns import LONGEST_URL
from recruit_assets.transforms.attribution import with_action
from recruit_assets.transforms.local_dates import local_date
from recruit_assets.transforms.robots import robot_pattern
from recruit_assets.transforms.spark_sql import hour_by_hour, literal

JUDGED_BY = ("event_time", "create_time", "job_id", "uid", "ua", "dl")
"""The columns that a verdict depends on."""

AGENT_PARTS = 4
"""The clicks of a user agent are in so many parts, since a part is held in memory."""


def count_verdicts(
    raw_events: DataFrame, end_dates: DataFrame, rules: ClickRules, attribution: Attribution
) -> DataFrame:
    """One row per hour, job, publisher, campaign, group and verdict, in the columns of click_quality.

    The clicks are those that the report counts. The rows of an hour are one after the other.
    """
    clicks = with_action(raw_events, CLICKS.spellings, attribution).select(
        "event_hour", "received_at", *JUDGED_BY, *GRAIN[1:], SPEND.of
    )
    counted = (
        with_verdicts(clicks, end_dates, rules)
        .groupBy("event_hour", *GRAIN, "verdict")
        .agg(
            F.expr(f"cast(count(*) AS int) AS {CLICKS.name}"),
            F.expr(f"cast(sum(cast({SPEND.of} AS bigint)) AS double) AS {SPEND.name}"),
            F.expr(f"max(received_at) AS {CLICK_QUALITY.updated_at}"),
        )
    )
    return hour_by_hour(counted)


def with_verdicts(clicks: DataFrame, end_dates: DataFrame, rules: ClickRules) -> DataFrame:
    """The clicks with the column `verdict`. They have the columns JUDGED_BY; `end_dates` has `id` and `end_date`.

    A click can only be a duplicate of one that is there. Of some people and jobs only, all their clicks are needed.
    """
    ends = end_dates.selectExpr("id AS job_id", "end_date").hint("broadcast")
    clicks = _with_robots(clicks).join(ends, "job_id", "left")
    if rules.window_s:
        clicks = clicks.selectExpr("*", f"{_previous_click()} AS _previous")
    judged = clicks.selectExpr("*", f"{_verdict(rules)} AS verdict")
    return judged.drop("end_date", "_previous", "_robot")


def _with_robots(clicks: DataFrame) -> DataFrame:
    """The clicks with `_robot`. Each user agent is searched a few times and not for each of its clicks."""
    columns = ", ".join(f"`{name}`" for name in clicks.columns)
    grouped = clicks.groupBy("ua", F.expr(f"pmod(hash(create_time), {AGENT_PARTS}) AS _part")).agg(
        F.expr(f"collect_list(struct({columns})) AS _clicks")
    )
    agent = f"substring(ua, 1, {LONGEST_AGENT})"
    searched = grouped.selectExpr("_clicks", f"{agent} RLIKE {literal('(?d)' + robot_pattern())} AS _robot")
    return searched.selectExpr("_robot", "explode(_clicks) AS _click").selectExpr("_click.*", "_robot")


def _previous_click() -> str:
    """When the same person last clicked on the same job. Clicks of nobody are kept apart, on all processors."""
    person = "job_id, uid, if(coalesce(uid, '') = '', create_time, NULL)"
    return f"lag(event_time) OVER (PARTITION BY {person} ORDER BY event_time, create_time)"


def _verdict(rules: ClickRules) -> str:
    milliseconds = 1000 * rules.window_s
    duplicate = f"WHEN unix_millis(event_time) - unix_millis(_previous) < {milliseconds} THEN '{DUPLICATE.name}'"
    host = f"lower(regexp_extract(substring(dl, 1, {LONGEST_URL}), {literal(HOST)}, 1))"
    return (
        f"CASE {duplicate if rules.window_s else ''} "
        f"WHEN _robot THEN '{ROBOT.name}' "
        f"WHEN {host} RLIKE {literal(rules.internal_hosts)} THEN '{INTERNAL.name}' "
        f"WHEN {local_date('event_time', rules.timezone)} > end_date THEN '{EXPIRED.name}' "
        f"ELSE '{VALID.name}' END"
    )

"""cassandra_cdc_sensor: turns the changes since the last tick into runs of the pending hours.

Belongs here: reading, deciding, requesting, and saying what was looked at. Not here: how the feed is read
(`change_feed`), which hours are due and in which ranges (`pending`), how connections are kept (`connections`).
"""

import dagster as dg
from dagster._core.storage.tags import MAX_RETRIES_TAG, PRIORITY_TAG

from recruit_assets.change_feed import FeedState, read_feed
from recruit_assets.jobs import hours_job
from recruit_assets.partitions import hours
from recruit_assets.pending import HourRange, Plan, plan
from recruit_assets.resources import CassandraResource, MySqlResource
from recruit_assets.resources.addresses import settings_of
from recruit_assets.runs import living_runs, range_tags, recent_failures
from recruit_assets.sensors.connections import stores

NAME = "cassandra_cdc_sensor"
MINIMUM_INTERVAL_S = 5
OPEN_RUNS = 4
"""Requested and not finished: two run at once (dagster.yaml), two wait, so that no slot idles until the next tick."""


@dg.sensor(
    name=NAME,
    job=hours_job,
    minimum_interval_seconds=MINIMUM_INTERVAL_S,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Requests runs for the hours that changed and that the report doesn't cover yet.",
)
def cassandra_cdc_sensor(
    context: dg.SensorEvaluationContext, cassandra: CassandraResource, mysql: MySqlResource
) -> dg.SensorResult:
    """The cursor shows up to when the feed was read; the mark that counts is in the report database."""
    # before the pending hours are read: a run that ends in between leaves its hours to the next tick
    living = living_runs(context.instance)
    failures = recent_failures(context.instance)
    with stores.of(settings_of(cassandra.overrides, mysql.overrides)) as (session, database):
        state = read_feed(session, database, failures=failures)
    slots = max(0, OPEN_RUNS - living.by_sensor.get(NAME, 0))
    decided = plan(state.pending, now=state.now, first_hour=hours.start, slots=slots, running=living.hours)
    requests = [request(one, state) for one in decided.requests]
    cursor = state.low_water.isoformat(timespec="milliseconds")
    return dg.SensorResult(
        run_requests=requests,
        cursor=cursor,
        skip_reason=None if requests else dg.SkipReason(why_nothing(state, decided)),
    )


def request(one: HourRange, state: FeedState) -> dg.RunRequest:
    """A run of the range. Its key holds the tick's time, so that only a tick that Dagster resumes meets it again."""
    happens_now = one.last >= state.now.replace(minute=0, second=0, microsecond=0)
    return dg.RunRequest(
        run_key=f"{one}, feed read at {state.now:%Y-%m-%dT%H:%M:%S.%f}",
        tags=range_tags(one) | {MAX_RETRIES_TAG: "0", PRIORITY_TAG: "1" if happens_now else "0"},
    )


def why_nothing(state: FeedState, decided: Plan) -> str:
    """What a tick without a request looked at."""
    looked_at = (
        f"read {state.changes_read} changes through {state.low_water:%Y-%m-%d %H:%M:%S} (Cassandra's clock), "
        f"{len(state.pending)} hours pending"
    )
    reasons = {
        "in a run already": decided.running,
        "wait for their next try": decided.waiting,
        "wait for a free slot": decided.left,
        "aren't partitions (see RECRUIT_FIRST_HOUR)": decided.outside,
    }
    found = [f"{len(hours)} {why}, first {hours[0]:%Y-%m-%d %H:%M}" for why, hours in reasons.items() if hours]
    return "; ".join([looked_at, *found])

"""cassandra_cdc_sensor: turns the changes since the last tick into runs of the pending hours.

Belongs here: reading, deciding, requesting, and saying what was looked at. Not here: how the feed is read
(`change_feed`), which hours are due and in which ranges (`pending`), how connections are kept (`connections`).
"""

import time

import dagster as dg
from dagster._core.storage.tags import MAX_RETRIES_TAG, PRIORITY_TAG

from recruit_assets.defs.jobs import hours_job
from recruit_assets.defs.partitions import hours
from recruit_assets.defs.resources import CassandraResource, MySqlResource
from recruit_assets.defs.resources.base import settings_of
from recruit_assets.defs.runs import range_tags, recent_failures, unfinished_runs
from recruit_assets.defs.sensors.connections import stores
from recruit_assets.hours.change_feed import FeedState, read_feed
from recruit_assets.hours.planning import REST, HourRange, Plan, plan
from recruit_assets.runtime.settings import Settings
from recruit_assets.stores.cassandra.change_reader import ChangeReader
from recruit_assets.stores.mysql.pending_hours import PendingHours

NAME = "cassandra_cdc_sensor"
MINIMUM_INTERVAL_S = 1
"""Dagster's daemon looks at its sensors every 5 s. Asked for just these, it leaves out a round that comes 4.9 s after
the start of a tick."""
PATIENCE_S = 4.0
"""So long a tick waits for something to request. The daemon's next round begins the next one, if this one is over."""
LOOK_EVERY_S = 0.5
PAST_TAG = "recruit/past"
"""On runs of hours before the current one, of which one runs at a time (dagster.yaml)."""
OPEN_PAST_RUNS = 2
"""Requested and not finished: one runs, one waits, so that no slot idles."""


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
    settings = settings_of(cassandra.overrides, mysql.overrides)
    give_up_at = time.monotonic() + PATIENCE_S
    state, decided = look(context.instance, settings)
    while not decided.requests and time.monotonic() + LOOK_EVERY_S < give_up_at:
        time.sleep(LOOK_EVERY_S)
        state, decided = look(context.instance, settings)
    requests = [request(one, state) for one in decided.requests]
    return dg.SensorResult(
        run_requests=requests,
        cursor=state.checkpoint.isoformat(timespec="milliseconds"),
        skip_reason=None if requests else dg.SkipReason(why_nothing(state, decided)),
    )


def look(instance: dg.DagsterInstance, settings: Settings) -> tuple[FeedState, Plan]:
    """What is pending now, and what of it to request. Costs the number of new changes, never the history."""
    # before the pending hours are read: a run that ends in between leaves its hours to the next look
    unfinished = unfinished_runs(instance)
    failures = recent_failures(instance)
    with stores.of(settings) as (session, database):
        state = read_feed(ChangeReader(session), PendingHours(database), failures=failures)
    open_past_runs = [one for one in unfinished.by_sensor.get(NAME, ()) if is_past(one, state)]
    slots = max(0, OPEN_PAST_RUNS - len(open_past_runs))
    decided = plan(
        state.pending, now=state.now, first_hour=hours.start, slots=slots, running=unfinished.hours, rest=REST
    )
    return state, decided


def is_past(one: HourRange, state: FeedState) -> bool:
    return one.last < state.now.replace(minute=0, second=0, microsecond=0)


def request(one: HourRange, state: FeedState) -> dg.RunRequest:
    """A run of the range. Its key holds the tick's time, so that only a tick that Dagster resumes meets it again."""
    kind = {PRIORITY_TAG: "0", PAST_TAG: "yes"} if is_past(one, state) else {PRIORITY_TAG: "1"}
    return dg.RunRequest(
        run_key=f"{one}, feed read at {state.now:%Y-%m-%dT%H:%M:%S.%f}",
        tags=range_tags(one) | {MAX_RETRIES_TAG: "0"} | kind,
    )


def why_nothing(state: FeedState, decided: Plan) -> str:
    """What a tick without a request looked at."""
    looked_at = (
        f"read {state.changes_read} changes through {state.checkpoint:%Y-%m-%d %H:%M:%S} (Cassandra's clock), "
        f"{len(state.pending)} hours pending"
    )
    reasons = {
        "in a run already": decided.running,
        "wait for their next try": decided.waiting,
        "wait for a free slot": decided.left,
        "were done a moment ago": decided.resting,
        "aren't partitions (see RECRUIT_FIRST_HOUR)": decided.outside,
    }
    found = [f"{len(hours)} {why}, first {hours[0]:%Y-%m-%d %H:%M}" for why, hours in reasons.items() if hours]
    return "; ".join([looked_at, *found])

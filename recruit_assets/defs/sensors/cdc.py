"""cassandra_cdc_sensor: reads the change feed and requests runs for the pending hours.

How the feed is read is in `hours.change_feed`, which hours are due in `hours.planning`.
"""

import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import dagster as dg

from recruit_assets.contract.tables import HOURLY_SQL_TABLES
from recruit_assets.defs.jobs import hours_job
from recruit_assets.defs.launcher.coordinator import AT_ONCE_TAG
from recruit_assets.defs.partitions import hours
from recruit_assets.defs.resources import CassandraResource, MySqlResource
from recruit_assets.defs.resources.base import settings_of
from recruit_assets.defs.runs import (
    CDC_SENSOR,
    INCREMENTAL_TAG,
    SENSOR_TAG,
    range_tags,
    recent_failures,
    unfinished_runs,
)
from recruit_assets.defs.sensors.arrivals import arrivals
from recruit_assets.defs.sensors.connections import stores
from recruit_assets.hours.change_feed import FeedState, read_feed
from recruit_assets.hours.planning import (
    EVENTS_IF_UNKNOWN,
    HOUR,
    REST,
    HourRange,
    PendingHour,
    Plan,
    first_live_hour,
    is_resting,
    plan,
)
from recruit_assets.runtime.settings import Settings
from recruit_assets.stores.cassandra.change_reader import ChangeReader
from recruit_assets.stores.mysql.day_sums import refresh_days_when_due
from recruit_assets.stores.mysql.lookups import refresh_lookups_when_due
from recruit_assets.stores.mysql.pending_hours import PendingHours

MINIMUM_INTERVAL_S = 1
TICK_S = 4.0
"""How long a tick looks for something to request. Starting a tick costs more than looking once more in it."""
READ_EVERY_S = 1.0
ASK_EVERY_S = 0.25
"""How often a waiting tick asks Dagster whether a run has ended; then it reads at once."""
PAUSE = timedelta(seconds=5)
"""The least time between the beginnings of two runs of the current hour while fewer than FEW_EVENTS have arrived. A run
takes a second of processor time, however few events there are."""
FEW_EVENTS = 200
LATELY = 3 * REST
FEW_PAST_EVENTS = 5_000
PAST_PAUSE = timedelta(seconds=30)
"""The least time between two runs of past hours that were replaced LATELY, while fewer than FEW_PAST_EVENTS late events
are pending: one run for several hours costs little more than a run for one. Any other past hour doesn't wait."""
MAX_RETRIES_TAG = "dagster/max_retries"
PRIORITY_TAG = "dagster/priority"
PAST_TAG = "recruit/past"
"""On runs of past hours; dagster.yaml lets one of them run at a time."""
OPEN_PAST_RUNS = 2
"""Unfinished runs of past hours: one runs and one is queued, so that the slot never idles."""


@dg.sensor(
    name=CDC_SENSOR,
    job=hours_job,
    minimum_interval_seconds=MINIMUM_INTERVAL_S,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Requests runs for the hours whose changes the report doesn't cover yet.",
)
def cassandra_cdc_sensor(
    context: dg.SensorEvaluationContext, cassandra: CassandraResource, mysql: MySqlResource
) -> dg.SensorResult:
    """The cursor shows the time through which the feed was read; the checkpoint in force is in the report database."""
    settings = settings_of(cassandra.overrides, mysql.overrides)
    give_up_at = time.monotonic() + TICK_S
    state, decided = evaluate(context.instance, settings)
    while not decided.requests and time.monotonic() + READ_EVERY_S < give_up_at:
        wait_for_a_run(context.instance)
        state, decided = evaluate(context.instance, settings)
    requests = [request(one, state) for one in decided.requests]
    if state.set_back_from is not None:
        context.log.warning(why_nothing(state, decided))
    return dg.SensorResult(
        run_requests=requests,
        cursor=state.checkpoint.isoformat(timespec="milliseconds"),
        skip_reason=None if requests else dg.SkipReason(why_nothing(state, decided)),
        asset_events=arrivals(state, context.instance),
    )


def evaluate(instance: dg.DagsterInstance, settings: Settings) -> tuple[FeedState, Plan]:
    """The state of the feed, and what to request; the cost grows with the number of new changes."""
    # read first: the hours of a run that ends meanwhile are left to the next evaluation
    unfinished = unfinished_runs(instance)
    failures = recent_failures(instance)
    with stores.opened(settings) as (feed, database):
        state = read_feed(feed, PendingHours(database), failures=failures)
        paused = [one for one in state.pending if is_paused(one, state.now, feed)]
        paused += paused_past(instance, state)
        for table in HOURLY_SQL_TABLES:
            refresh_lookups_when_due(database, table)
        refresh_days_when_due(database)
    open_past_runs = [one for one in unfinished.of_sensor if is_past(one, state)]
    slots = max(0, OPEN_PAST_RUNS - len(open_past_runs))
    due = [one for one in state.pending if one not in paused]
    decided = plan(due, now=state.now, first_hour=hours.start, slots=slots, running=unfinished.hours, rest=REST)
    return state, replace(decided, resting=(*decided.resting, *(one.hour for one in paused)))


def wait_for_a_run(instance: dg.DagsterInstance) -> None:
    """Return when a run has ended or begun, or after READ_EVERY_S."""
    before, until = unfinished_runs(instance), time.monotonic() + READ_EVERY_S
    while time.monotonic() < until:
        time.sleep(ASK_EVERY_S)
        if unfinished_runs(instance) != before:
            return


def is_paused(one: PendingHour, now: datetime, feed: ChangeReader) -> bool:
    """Whether the hour is the current one, a run has just covered it, and few events came since."""
    covered = one.covered_through
    if covered is None or not one.hour <= now < min(one.hour + HOUR, covered + PAUSE):
        return False
    return feed.events_since(covered, one.hour, now=now) < FEW_EVENTS


def paused_past(instance: dg.DagsterInstance, state: FeedState) -> Sequence[PendingHour]:
    """The past hours that wait to share a run: one was requested a moment ago, and few late events are pending."""
    live = first_live_hour(state.now, rest=REST)
    past = [one for one in state.pending if one.hour < live and not one.attempts]
    late = sum(EVENTS_IF_UNKNOWN if one.event_count is None else one.event_count for one in past)
    sharing = [one for one in past if one.covered_through and one.covered_through > state.now - LATELY]
    # hours that rest don't run anyway: while there are no others, Dagster isn't asked
    if late >= FEW_PAST_EVENTS or all(is_resting(one, now=state.now, rest=REST) for one in sharing):
        return []
    tags = {SENSOR_TAG: CDC_SENSOR, PAST_TAG: "yes"}
    recent = instance.get_runs(dg.RunsFilter(tags=tags, created_after=datetime.now(UTC) - PAST_PAUSE), limit=1)
    return sharing if recent else []


def is_past(one: HourRange, state: FeedState) -> bool:
    return one.last < first_live_hour(state.now, rest=REST)


def request(one: HourRange, state: FeedState) -> dg.RunRequest:
    """A run of the range. Its key contains the time of the tick, so only a resumed tick requests the same run again.

    An hour that failed is replaced completely: a check may have found a bucket wrong that the next run would keep.
    """
    failed = any(pending.attempts for pending in state.pending if pending.hour in one)
    kind = {} if failed else {INCREMENTAL_TAG: "yes"}
    kind |= {PRIORITY_TAG: "0", PAST_TAG: "yes"} if is_past(one, state) else {PRIORITY_TAG: "1", AT_ONCE_TAG: "yes"}
    return dg.RunRequest(
        run_key=f"{one}, feed read at {state.now:%Y-%m-%dT%H:%M:%S.%f}",
        tags=range_tags(one) | {MAX_RETRIES_TAG: "0"} | kind,
    )


def why_nothing(state: FeedState, decided: Plan) -> str:
    """Why the tick requests nothing, with the counts behind it."""
    read = (
        f"read {state.changes_read} changes through {state.checkpoint:%Y-%m-%d %H:%M:%S} (Cassandra's clock), "
        f"{len(state.pending)} hours pending"
    )
    reasons = {
        "in a run already": decided.running,
        "wait for their next try": decided.waiting,
        "wait for a free slot": decided.left,
        "wait a moment for more events": decided.resting,
        "are frozen and were given up (see RECRUIT_RETENTION_DAYS)": state.frozen,
        "aren't partitions (see RECRUIT_FIRST_HOUR)": decided.outside,
    }
    if state.set_back_from is not None:
        read += (
            f"; Cassandra's clock was set back (the feed was read through {state.set_back_from:%Y-%m-%d %H:%M:%S}): "
            "reading the feed again from its beginning"
        )
    found = [f"{len(hours)} {why}, first {hours[0]:%Y-%m-%d %H:%M}" for why, hours in reasons.items() if hours]
    return "; ".join([read, *found])

"""The schedules: the daily lineage at 6 AM, and the deletion of old runs.

Which hours are due is in `hours.planning`; how often a failed tick is retried, in dagster.yaml.
"""

from dataclasses import dataclass
from datetime import UTC, datetime

import dagster as dg

from recruit_assets.contract.tables import HOURLY_SQL_TABLES
from recruit_assets.defs.jobs import HOURLY_ASSETS, delete_old_runs, lineage_job
from recruit_assets.defs.partitions import hours
from recruit_assets.defs.resources import CassandraResource, KafkaResource, MySqlResource
from recruit_assets.defs.resources.base import settings_of
from recruit_assets.defs.runs import range_tags, recent_failures, unfinished_runs
from recruit_assets.hours.change_feed import DAILY_LOOKBACK, DAILY_ROWS_PER_TICK, FeedState, read_feed
from recruit_assets.hours.planning import HOUR, HourRange, plan
from recruit_assets.runtime.errors import RecruitError
from recruit_assets.runtime.settings import Settings, load_settings
from recruit_assets.stores.cassandra.change_reader import ChangeReader
from recruit_assets.stores.cassandra.session import open_session
from recruit_assets.stores.kafka.offsets import uncommitted_records
from recruit_assets.stores.mysql.connection import open_report_database
from recruit_assets.stores.mysql.lookups import refresh_lookups_when_due
from recruit_assets.stores.mysql.pending_hours import PendingHours

OLDER_RUNS = 50
"""1,200 hours; older ones are left to the sensor."""


@dataclass(frozen=True, slots=True)
class Probe:
    """What the tick found; `feed` is None if a store failed, with the reason in `problem`."""

    lag: int
    feed: FeedState | None
    problem: str = ""

    @property
    def nothing_to_do(self) -> bool:
        return self.feed is not None and not (self.lag or self.feed.pending or self.feed.behind)


@dg.schedule(
    name="daily_6am_schedule",
    job=lineage_job,
    cron_schedule="0 6 * * *",
    execution_timezone=load_settings().timezone,
    default_status=dg.DefaultScheduleStatus.RUNNING,
    description="Drains Kafka, replaces the last 24 hours and every older pending hour.",
)
def daily_6am_schedule(
    context: dg.ScheduleEvaluationContext, cassandra: CassandraResource, mysql: MySqlResource, kafka: KafkaResource
) -> list[dg.RunRequest] | dg.SkipReason:
    """A store that fails is no reason to skip: the run reports the error, and is retried."""
    tick = context.scheduled_execution_time.astimezone(UTC)
    probe = read(settings_of(cassandra.overrides, mysql.overrides, kafka.overrides), context.instance)
    if probe.nothing_to_do:
        return dg.SkipReason("Kafka lag is 0 and no hour is pending, changes of the last 2 days read again")
    if probe.problem:
        context.log.warning(f"requesting the run, although the pending hours are unknown: {probe.problem}")
    day = the_day_before(tick)
    return [
        request(tick, day, with_raw_events=True),
        *(request(tick, one, with_raw_events=False) for one in older_ranges(probe, day, context.instance)),
    ]


def the_day_before(tick: datetime) -> HourRange:
    """The 24 whole hours before the tick, from the first partition on."""
    end = tick.replace(minute=0, second=0, microsecond=0)
    last = max(end - HOUR, hours.start)
    return HourRange(max(end - 24 * HOUR, hours.start), last)


def read(settings: Settings, instance: dg.DagsterInstance) -> Probe:
    """Read Kafka's lag and the pending hours; for these, the last two days of the feed are read again."""
    try:
        with open_session(settings) as session, open_report_database(settings) as database:
            lag = uncommitted_records(settings, keyspace_id=session.keyspace_id())
            feed = read_feed(
                ChangeReader(session),
                PendingHours(database),
                lookback=DAILY_LOOKBACK,
                failures=recent_failures(instance),
                rows_per_tick=DAILY_ROWS_PER_TICK,
            )
            for table in HOURLY_SQL_TABLES:
                refresh_lookups_when_due(database, table)
    except RecruitError as error:
        return Probe(lag=0, feed=None, problem=str(error))
    return Probe(lag, feed)


def older_ranges(probe: Probe, day: HourRange, instance: dg.DagsterInstance) -> tuple[HourRange, ...]:
    """Ranges of the pending hours before the day, except those in unfinished runs."""
    if probe.feed is None:
        return ()
    older = [one for one in probe.feed.pending if one.hour < day.first]
    running = unfinished_runs(instance).hours
    return plan(older, now=probe.feed.now, first_hour=hours.start, slots=OLDER_RUNS, running=running).requests


def request(tick: datetime, one: HourRange, *, with_raw_events: bool) -> dg.RunRequest:
    return dg.RunRequest(
        run_key=f"{tick:%Y-%m-%dT%H:%M} {one}",
        tags=range_tags(one),
        asset_selection=None if with_raw_events else list(HOURLY_ASSETS),
    )


delete_old_runs_daily = dg.ScheduleDefinition(
    name="delete_old_runs_daily",
    job=delete_old_runs,
    cron_schedule="30 3 * * *",
    execution_timezone=load_settings().timezone,
    default_status=dg.DefaultScheduleStatus.RUNNING,
)

SCHEDULES = (daily_6am_schedule, delete_old_runs_daily)

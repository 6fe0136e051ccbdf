"""downstream_sensor: requests the hours that the tables beside the report lack, or have older than the report."""

from datetime import timedelta

import dagster as dg

from recruit_assets.defs.downstream import DOWNSTREAM, due_ranges, reopen_changed
from recruit_assets.defs.jobs import downstream_job
from recruit_assets.defs.partitions import hours
from recruit_assets.defs.resources import CassandraResource, MySqlResource
from recruit_assets.defs.resources.base import settings_of
from recruit_assets.defs.runs import BEGUN, DOWNSTREAM_SENSOR, QUEUED, SENSOR_TAG, range_tags, recent_failures
from recruit_assets.defs.sensors.connections import stores

EVERY_S = 30
REST = timedelta(minutes=5)
"""The least time between two runs of an hour. A busy hour rests longer, since each run counts all of its events."""
DOWNSTREAM_TAG = "recruit/downstream"
"""On these runs; dagster.yaml lets one of them run at a time."""


@dg.sensor(
    name=DOWNSTREAM_SENSOR,
    job=downstream_job,
    minimum_interval_seconds=EVERY_S,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Requests runs for the hours in which a table beside the report isn't as new as the report.",
)
def downstream_sensor(
    context: dg.SensorEvaluationContext, cassandra: CassandraResource, mysql: MySqlResource
) -> dg.RunRequest | dg.SkipReason:
    """One range at a time, newest first, so that the report's own runs never wait for many of these."""
    unfinished = dg.RunsFilter(statuses=[*QUEUED, *BEGUN], tags={SENSOR_TAG: DOWNSTREAM_SENSOR})
    if context.instance.get_runs(unfinished, limit=1):
        return dg.SkipReason("the last run isn't finished")
    failures = recent_failures(context.instance, sensor=DOWNSTREAM_SENSOR)
    with stores.opened(settings_of(cassandra.overrides, mysql.overrides)) as (feed, database):
        reopen_changed(database, DOWNSTREAM, clock=feed.now)
        now = feed.now()
        ranges = due_ranges(
            database,
            DOWNSTREAM,
            now=now,
            first_hour=hours.start,
            frozen_before=feed.frozen_before(now),
            rest=REST,
            failures=failures,
        )
    if not ranges:
        return dg.SkipReason("no hour is due: none is stale, or those that are were made a moment ago")
    return dg.RunRequest(
        run_key=f"{ranges[0].hours} at {now:%Y-%m-%dT%H:%M:%S.%f}",
        asset_selection=[dg.AssetKey(name) for name in ranges[0].assets],
        tags=range_tags(ranges[0].hours) | {DOWNSTREAM_TAG: "yes"},
    )

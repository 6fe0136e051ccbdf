"""Sensors that send an alert, once each, for a failed run, a failed check, and a report that is not being updated.

Without a receiver in the settings they send nothing. They run in Dagster's daemon, so they can't report that the daemon
is down: `recruit-assets up` does (`local.daemon_health`).
"""

import json
import time
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

import dagster as dg

from recruit_assets.defs.resources import CassandraResource, MySqlResource
from recruit_assets.defs.resources.base import settings_of
from recruit_assets.defs.sensors.connections import stores
from recruit_assets.hours.planning import PendingHour
from recruit_assets.observability.alerts import Alert, is_configured, send
from recruit_assets.runtime.errors import RecruitError
from recruit_assets.runtime.settings import load_settings
from recruit_assets.stores.dagster.compat import CheckEvaluation, check_evaluations
from recruit_assets.stores.dagster.history import new_failures
from recruit_assets.stores.mysql.pending_hours import PendingHours

INTERVAL_S = 30
NOTHING_SET = dg.SkipReason("neither RECRUIT_ALERT_WEBHOOK nor RECRUIT_ALERT_SMTP_HOST and _TO are set")
UNREAD_AFTER = timedelta(minutes=2)
"""cassandra_cdc_sensor reads the feed every 5 s; Dagster repeats a tick that failed."""
AHEAD_BY = timedelta(minutes=1)
LATE_AFTER = timedelta(minutes=15)
FAILED_TRIES = 3
EVALUATIONS_READ = 100
"""Per check and tick; if there are more in 30 s, the oldest aren't reported."""


@dg.run_failure_sensor(
    name="run_failure_alert",
    minimum_interval_seconds=INTERVAL_S,
    monitor_all_code_locations=True,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Sends an alert for each failed run.",
)
def run_failure_alert(context: dg.RunFailureSensorContext) -> dg.SkipReason | None:
    settings = load_settings()
    if not is_configured(settings):
        return NOTHING_SET
    run = context.dagster_run
    hours = " to ".join(sorted({value for tag, value in run.tags.items() if tag.startswith("dagster/asset_partition")}))
    send(
        Alert(
            subject=f"Dagster run of {run.job_name} failed" + (f" ({hours})" if hours else ""),
            body="\n".join(
                [
                    str(context.failure_event.message),
                    *(_why(failed) for failed in context.get_step_failure_events()),
                    f"Run {run.run_id}. Its hours stay pending and will be tried again.",
                ]
            ),
        ),
        settings,
    )
    return None


@dg.sensor(
    name="check_failure_alert",
    minimum_interval_seconds=INTERVAL_S,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Sends an alert when an asset check finds something wrong that wasn't known to be wrong.",
)
def check_failure_alert(context: dg.SensorEvaluationContext) -> dg.SensorResult | dg.SkipReason:
    """The cursor holds each check's newest evaluation so far. The first tick only records it."""
    settings = load_settings()
    if not is_configured(settings):
        return NOTHING_SET
    if context.repository_def is None:
        return dg.SkipReason("no code location")
    seen: dict[str, int] = json.loads(context.cursor or "{}")
    failed: list[tuple[dg.AssetCheckKey, CheckEvaluation]] = []
    for key in sorted(context.repository_def.asset_graph.asset_check_keys, key=str):
        evaluations = check_evaluations(context.instance, key, limit=EVALUATIONS_READ)
        name = key.to_user_string()
        failed += [(key, one) for one in new_failures(evaluations) if one.id > seen.get(name, one.id)]
        seen[name] = max((one.id for one in evaluations), default=seen.get(name, 0))
    for key, evaluation in failed:
        send(_check_alert(key, evaluation), settings)
    return dg.SensorResult(cursor=json.dumps(seen), skip_reason=f"{len(failed)} checks failed since the last tick")


@dg.sensor(
    name="standstill_alert",
    minimum_interval_seconds=2 * INTERVAL_S,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Sends an alert when the report falls behind, and when it has caught up again.",
)
def standstill_alert(
    context: dg.SensorEvaluationContext, cassandra: CassandraResource, mysql: MySqlResource
) -> dg.SensorResult | dg.SkipReason:
    """The cursor holds the troubles of the last tick: an alert is sent when they change."""
    try:
        with stores.opened(settings_of(cassandra.overrides, mysql.overrides)) as (_, database):
            feed = PendingHours(database)
            # with a daemon that has just started, an old checkpoint is no news
            checkpoint = None if daemon_was_down(context) else feed.checkpoint()
            troubles = standstills(feed.load(), checkpoint=checkpoint, now=feed.now())
    except RecruitError as error:
        troubles = {"unreadable": f"cannot find out whether the report is up to date: {error}"}
    before: list[str] = json.loads(context.cursor or "[]")
    settings = load_settings()
    if sorted(troubles) != before and is_configured(settings):
        send(_standstill_alert(troubles), settings)
    return dg.SensorResult(
        cursor=json.dumps(sorted(troubles)), skip_reason="; ".join(troubles.values()) or "the report is up to date"
    )


def daemon_was_down(context: dg.SensorEvaluationContext) -> bool:
    """Whether this sensor's last tick is too long ago: then the feed's may be too, without a failure."""
    last_tick = context.last_tick_completion_time
    return last_tick is None or time.time() - last_tick > UNREAD_AFTER.total_seconds()


def standstills(pending: Sequence[PendingHour], *, checkpoint: datetime | None, now: datetime) -> dict[str, str]:
    """Why the report isn't up to date, by kind; empty if it is."""
    troubles = unread_feed(checkpoint, now=now) | wrong_clock(checkpoint, now=now)
    late = [one for one in pending if now - one.newest_change > LATE_AFTER]
    if late:
        troubles["late"] = (
            f"{len(late)} hours have waited for more than 15 minutes, first {late[0].hour:%Y-%m-%d %H:%M} UTC"
        )
    bad = [one for one in pending if one.attempts >= FAILED_TRIES]
    if bad:
        troubles["failing"] = f"{len(bad)} hours failed at least 3 times, first {bad[0].hour:%Y-%m-%d %H:%M} UTC"
    return troubles


def unread_feed(checkpoint: datetime | None, *, now: datetime) -> dict[str, str]:
    """That the change feed hasn't been read through for UNREAD_AFTER; nothing before its first reading."""
    if checkpoint is None or now - checkpoint <= UNREAD_AFTER:
        return {}
    return {"feed": f"the change feed was last read through {checkpoint:%Y-%m-%d %H:%M} UTC"}


def wrong_clock(checkpoint: datetime | None, *, now: datetime) -> dict[str, str]:
    """That the change feed was read through a time, by Cassandra's clock, that the report database's hasn't reached."""
    if checkpoint is None or checkpoint - now <= AHEAD_BY:
        return {}
    return {
        "clock": f"Cassandra's clock is ahead of the report database's: {checkpoint:%Y-%m-%d %H:%M:%S} and "
        f"{now:%Y-%m-%d %H:%M:%S} UTC. Check the clocks of both hosts"
    }


def _why(failed: dg.DagsterEvent) -> str:
    """The step, and our own message or the first line of its error."""
    data = failed.step_failure_data
    ours = data.user_failure_data.description if data.user_failure_data else None
    return f"{failed.step_key}: {ours or _message(data.error)}"


def _check_alert(key: dg.AssetCheckKey, evaluation: CheckEvaluation) -> Alert:
    return Alert(
        subject=f"Asset check {key.name} of {key.asset_key.to_user_string()} failed",
        body="\n".join(
            [f"Run {evaluation.run_id}", *(f"{name}: {value}" for name, value in evaluation.metadata.items())]
        ),
    )


def _standstill_alert(troubles: Mapping[str, str]) -> Alert:
    if not troubles:
        return Alert("The report has caught up", "No hour is late.")
    return Alert("The report is not being updated", "\n".join(troubles.values()))


def _message(error: object) -> str:
    return str(getattr(error, "message", error)).strip().splitlines()[0] if error else "unknown error"

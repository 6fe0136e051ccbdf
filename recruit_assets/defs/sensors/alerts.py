"""What is worth an alert: a failed run, a failed check, and a report that stands still. Nothing is sent when unset.

Belongs here: finding it, once each, and wording it. Not here: how it is sent (`alerts`). A daemon that is down can't
say so itself: `recruit-assets up` watches it, and the UI shows its last heartbeat.
"""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

import dagster as dg
from dagster._core.definitions.run_request import InstigatorType  # ticks of a sensor have no public query
from dagster._core.scheduler.instigation import TickStatus
from dagster._core.storage.asset_check_execution_record import (
    AssetCheckExecutionRecord,
    AssetCheckExecutionRecordStatus,
)

from recruit_assets.defs.resources import CassandraResource, MySqlResource
from recruit_assets.defs.resources.base import settings_of
from recruit_assets.defs.sensors.cdc import NAME as CDC_SENSOR
from recruit_assets.defs.sensors.connections import stores
from recruit_assets.hours.planning import PendingHour
from recruit_assets.observability.alerts import Alert, is_configured, send
from recruit_assets.runtime.errors import RecruitError
from recruit_assets.runtime.settings import load_settings
from recruit_assets.stores.mysql.pending_hours import PendingHours

FAILED, PLANNED = AssetCheckExecutionRecordStatus.FAILED, AssetCheckExecutionRecordStatus.PLANNED
INTERVAL_S = 30
NOTHING_SET = dg.SkipReason("neither RECRUIT_ALERT_WEBHOOK nor RECRUIT_ALERT_SMTP_HOST and _TO are set")
STALE_AFTER = timedelta(minutes=15)
FAILED_TICKS = 5
FAILED_TRIES = 3
EVALUATIONS_READ = 100
"""Per check and tick; of more in 30 s, the newest are reported."""


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
                    f"Run {run.run_id}. Its hours stay pending and are tried again.",
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
    description="Sends an alert for each failed asset check.",
)
def check_failure_alert(context: dg.SensorEvaluationContext) -> dg.SensorResult | dg.SkipReason:
    """The cursor holds the newest evaluation seen of each check; a first tick begins with what comes after it."""
    settings = load_settings()
    if not is_configured(settings):
        return NOTHING_SET
    if context.repository_def is None:
        return dg.SkipReason("no code location")
    seen: dict[str, int] = json.loads(context.cursor or "{}")
    failed: list[AssetCheckExecutionRecord] = []
    for key in sorted(context.repository_def.asset_graph.asset_check_keys, key=str):
        records = context.instance.event_log_storage.get_asset_check_execution_history(key, limit=EVALUATIONS_READ)
        finished = [one for one in records if one.status is not PLANNED]
        name = key.to_user_string()
        failed += [one for one in finished if one.status is FAILED and one.id > seen.get(name, one.id)]
        seen[name] = max((one.id for one in finished), default=seen.get(name, 0))
    for one in failed:
        send(_check_alert(one), settings)
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
    """The cursor holds what was wrong at the last tick: an alert is sent when that changes."""
    troubles = failing_ticks(context.instance)
    try:
        with stores.of(settings_of(cassandra.overrides, mysql.overrides)) as (_, database):
            feed = PendingHours(database)
            troubles |= standstills(feed.load(), checkpoint=feed.checkpoint(), now=feed.now())
    except RecruitError as error:
        troubles |= {"unreadable": f"whether the report is up to date can't be told: {error}"}
    before: list[str] = json.loads(context.cursor or "[]")
    settings = load_settings()
    if sorted(troubles) != before and is_configured(settings):
        send(_standstill_alert(troubles), settings)
    return dg.SensorResult(
        cursor=json.dumps(sorted(troubles)), skip_reason="; ".join(troubles.values()) or "the report is up to date"
    )


def standstills(pending: Sequence[PendingHour], *, checkpoint: datetime | None, now: datetime) -> dict[str, str]:
    """What keeps the report behind, by kind."""
    troubles = {}
    if checkpoint is not None and now - checkpoint > STALE_AFTER:
        troubles["feed"] = f"the change feed was last read through {checkpoint:%Y-%m-%d %H:%M} UTC"
    late = [one for one in pending if now - one.newest_change > STALE_AFTER]
    if late:
        troubles["late"] = f"{len(late)} hours wait for more than 15 minutes, first {late[0].hour:%Y-%m-%d %H:%M} UTC"
    bad = [one for one in pending if one.attempts >= FAILED_TRIES]
    if bad:
        troubles["failing"] = f"{len(bad)} hours failed at least 3 times, first {bad[0].hour:%Y-%m-%d %H:%M} UTC"
    return troubles


def failing_ticks(instance: dg.DagsterInstance) -> dict[str, str]:
    """That the change sensor's last ticks all failed."""
    for state in instance.all_instigator_state(instigator_type=InstigatorType.SENSOR):
        if state.instigator_name != CDC_SENSOR:
            continue
        ticks = instance.get_ticks(state.instigator_origin_id, state.selector_id, limit=FAILED_TICKS)
        if len(ticks) == FAILED_TICKS and all(tick.status is TickStatus.FAILURE for tick in ticks):
            return {"sensor": f"the last {FAILED_TICKS} ticks of {CDC_SENSOR} failed: {_message(ticks[0].error)}"}
    return {}


def _why(failed: dg.DagsterEvent) -> str:
    """The step and our own message, or else the first line of its error."""
    data = failed.step_failure_data
    told = data.user_failure_data.description if data.user_failure_data else None
    return f"{failed.step_key}: {told or _message(data.error)}"


def _check_alert(one: AssetCheckExecutionRecord) -> Alert:
    event = one.event.dagster_event if one.event else None
    evaluation = event.event_specific_data if event else None
    metadata = evaluation.metadata if isinstance(evaluation, dg.AssetCheckEvaluation) else {}
    return Alert(
        subject=f"Asset check {one.key.name} of {one.key.asset_key.to_user_string()} failed",
        body="\n".join([f"Run {one.run_id}", *(f"{name}: {found.value}" for name, found in metadata.items())]),
    )


def _standstill_alert(troubles: Mapping[str, str]) -> Alert:
    if not troubles:
        return Alert("The report has caught up", "Nothing is late any more.")
    return Alert("The report stands still", "\n".join(troubles.values()))


def _message(error: object) -> str:
    return str(getattr(error, "message", error)).strip().splitlines()[0] if error else "unknown error"

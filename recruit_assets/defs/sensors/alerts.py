"""Sensors that send alerts: when a run or a check fails, ingest or the report falls behind, and when that is over.

What is a trouble of ingest and of the report is in `observability.conditions`, who was told what in
`observability.troubles`. The sensors run in Dagster's daemon, so they can't report that it is down: `recruit-assets up`
does (`local.daemon_health`).
"""

import time
from collections.abc import Callable, Collection, Iterable, Sequence
from datetime import datetime
from functools import partial
from textwrap import shorten

import dagster as dg

from recruit_assets.defs.jobs import delete_old_runs, lineage_job
from recruit_assets.defs.resources import CassandraResource, KafkaResource, MySqlResource
from recruit_assets.defs.resources.base import settings_of
from recruit_assets.defs.runs import hours_of_tags, is_ours
from recruit_assets.defs.sensors.connections import database, kafka_lag
from recruit_assets.observability import conditions
from recruit_assets.observability.alerts import SETTING, channel_names, check_channels, send
from recruit_assets.observability.troubles import Memory, Troubles, tell
from recruit_assets.runtime.errors import RecruitError
from recruit_assets.runtime.settings import Settings, load_settings
from recruit_assets.stores.dagster.compat import check_evaluations
from recruit_assets.stores.dagster.history import last_checks
from recruit_assets.stores.mysql.pending_hours import PendingHours
from recruit_assets.stores.mysql.wrong_hours import checks_with_wrong_hours

STANDSTILL = "standstill_alert"
INTERVAL_S = 30
AD_HOC_JOB = "__ASSET_JOB"
"""Dagster's name for the materializations that people start."""
RUNS_READ = 50
"""How many of the newest runs are searched."""
EVALUATIONS_READ = 20
FINDING_LENGTH = 200


@dg.sensor(
    name="run_failure_alert",
    minimum_interval_seconds=INTERVAL_S,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Sends an alert when a job's runs begin to fail, and when one has succeeded again.",
)
def run_failure_alert(context: dg.SensorEvaluationContext) -> dg.SensorResult:
    """Runs of hours_job aren't here: they are tried again hour by hour, and `standstill_alert` reports their hours."""
    return evaluate(context, lambda _: failed_jobs(context.instance))


@dg.sensor(
    name="check_failure_alert",
    minimum_interval_seconds=INTERVAL_S,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Sends an alert when an asset check begins to fail, and when it has passed again.",
)
def check_failure_alert(context: dg.SensorEvaluationContext, mysql: MySqlResource) -> dg.SensorResult:
    graph = context.repository_def.asset_graph if context.repository_def else None
    keys = sorted(graph.asset_check_keys, key=str) if graph else []
    settings = settings_of(mysql.overrides)
    return evaluate(context, lambda known: _of_checks(settings, context.instance, keys, known))


@dg.sensor(
    name=STANDSTILL,
    minimum_interval_seconds=2 * INTERVAL_S,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Sends an alert when ingest or the report falls behind or hours fail, and when that is over.",
)
def standstill_alert(
    context: dg.SensorEvaluationContext, cassandra: CassandraResource, mysql: MySqlResource, kafka: KafkaResource
) -> dg.SensorResult:
    settings = settings_of(cassandra.overrides, mysql.overrides, kafka.overrides)
    return evaluate(context, lambda known: {**_of_ingest(settings, known), **_of_report(settings, context, known)})


def evaluate(context: dg.SensorEvaluationContext, find: Callable[[Troubles], Troubles]) -> dg.SensorResult:
    """Tell each channel what it doesn't know; the cursor holds what they know. `find` is given the known troubles.

    UserError if a channel's URL is wrong: the tick is red, also while there is nothing to tell.
    """
    settings = load_settings()
    check_channels(settings)
    memory = Memory.parse(context.cursor)
    if memory is None:
        context.log.warning("the cursor isn't one of this version, and is replaced: troubles that last are sent again")
        memory = Memory()
    troubles = find(memory.known)
    channels = channel_names(settings)
    outcome = tell(memory, troubles, channels, partial(send, settings=settings))
    notes = [*troubles.values()] or ["nothing is wrong"]
    notes += [
        f"{SETTING}: {name} didn't take the alert, which is sent again: {why}" for name, why in outcome.failed.items()
    ]
    if outcome.failed:
        context.log.warning(notes[-1])
    if not channels:
        notes.append(f"nothing is sent: {SETTING} isn't set")
    return dg.SensorResult(cursor=str(outcome.memory), skip_reason="; ".join(notes))


def failed_jobs(instance: dg.DagsterInstance) -> Troubles:
    """The jobs whose last run that ended by itself failed. A retry that fails as well is the same trouble."""
    found = {name: _last_run(instance, name) for name in (lineage_job.name, delete_old_runs.name, AD_HOC_JOB)}
    return {
        f"run {name}": f"the last run of {name} failed: {why_failed(instance, run)} (run {run.run_id})"
        for name, run in found.items()
        if run is not None and run.is_failure
    }


def failed_checks(
    instance: dg.DagsterInstance, keys: Iterable[dg.AssetCheckKey], *, wrong: Collection[tuple[str, str]]
) -> Troubles:
    """The checks that failed when they last ran or know of `wrong` hours, with what they found."""
    failed = {(one.asset, one.check) for one in last_checks(instance, keys, wrong=wrong) if not one.passed}
    return {
        f"check {asset} {check}": f"asset check {check} of {asset} failed{_findings(instance, asset, check)}"
        for asset, check in sorted(failed)
    }


def why_failed(instance: dg.DagsterInstance, run: dg.DagsterRun) -> str:
    """Why the run failed: the failed step with its message, or the run's own message if no step failed."""
    steps = instance.all_logs(run.run_id, of_type=dg.DagsterEventType.STEP_FAILURE)
    events = steps or instance.all_logs(run.run_id, of_type=dg.DagsterEventType.RUN_FAILURE)
    for event in (entry.dagster_event for entry in events):
        if event is not None and event.is_step_failure:
            data = event.step_failure_data
            ours = data.user_failure_data.description if data.user_failure_data else None
            return f"{event.step_key}: {ours or _first_line(getattr(data.error, 'message', ''))}"
        if event is not None:
            return _first_line(event.message)
    return "unknown error"


def why_hours_fail(instance: dg.DagsterInstance, hours: Collection[datetime]) -> str:
    """The error of the newest failed run of any of these hours; empty if it isn't among the newest failed runs."""
    for run in instance.get_runs(dg.RunsFilter(statuses=[dg.DagsterRunStatus.FAILURE]), limit=RUNS_READ):
        tried = hours_of_tags(run.tags)
        if tried is not None and is_ours(run) and any(hour in tried for hour in hours):
            return f"{why_failed(instance, run)} (run {run.run_id})"
    return ""


def daemon_was_down(context: dg.SensorEvaluationContext) -> bool:
    """Whether this sensor's last tick is too long ago: then the feed's may be too, without a failure."""
    last_tick = context.last_tick_completion_time
    return last_tick is None or time.time() - last_tick > conditions.UNREAD_AFTER.total_seconds()


def _of_ingest(settings: Settings, known: Troubles) -> Troubles:
    try:
        with kafka_lag.opened(settings) as reader:
            return conditions.of_ingest(reader.read(), known)
    except RecruitError as error:
        return conditions.unreadable(conditions.KAFKA, error, known)


def _of_checks(
    settings: Settings, instance: dg.DagsterInstance, keys: Sequence[dg.AssetCheckKey], known: Troubles
) -> Troubles:
    try:
        with database.opened(settings) as opened:
            wrong = checks_with_wrong_hours(opened)
    except RecruitError:
        return known  # standstill_alert says that the database can't be read
    return failed_checks(instance, keys, wrong=wrong)


def _of_report(settings: Settings, context: dg.SensorEvaluationContext, known: Troubles) -> Troubles:
    try:
        with database.opened(settings) as opened:
            feed = PendingHours(opened)
            # with a daemon that has just started, an old checkpoint is no news
            checkpoint = None if daemon_was_down(context) else feed.checkpoint()
            why = partial(why_hours_fail, context.instance)
            return conditions.of_report(feed.load(), checkpoint, now=feed.now(), known=known, why=why)
    except RecruitError as error:
        return conditions.unreadable(conditions.REPORT, error, known)


def _last_run(instance: dg.DagsterInstance, job: str) -> dg.DagsterRun | None:
    """The newest run that succeeded or failed; one that a person canceled says nothing."""
    ended = dg.RunsFilter(job_name=job, statuses=[dg.DagsterRunStatus.SUCCESS, dg.DagsterRunStatus.FAILURE])
    if job == delete_old_runs.name:
        return next(iter(instance.get_runs(ended, limit=1)), None)
    return next(filter(is_ours, instance.get_runs(ended, limit=RUNS_READ)), None)


def _findings(instance: dg.DagsterInstance, asset: str, check: str) -> str:
    key = dg.AssetCheckKey(dg.AssetKey.from_user_string(asset), check)
    for one in check_evaluations(instance, key, limit=EVALUATIONS_READ):
        if not one.passed:
            found = (f"{name}: {shorten(str(value), FINDING_LENGTH)}" for name, value in one.metadata.items())
            return ", ".join(["", *found]) + f" (run {one.run_id})"
    return ""


def _first_line(text: str | None) -> str:
    return next(iter((text or "").strip().splitlines()), "unknown error")

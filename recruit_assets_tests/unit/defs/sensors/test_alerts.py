"""What the alert sensors send to a real web server: once when a trouble begins, once when it is over."""

import json
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from datetime import UTC, datetime, timedelta
from pathlib import Path

import dagster as dg
import pytest

from recruit_assets.definitions import build_resources
from recruit_assets.defs.runs import range_tags
from recruit_assets.defs.sensors import alerts
from recruit_assets.defs.sensors.connections import database, kafka_lag
from recruit_assets.hours.planning import HourRange, PendingHour
from recruit_assets.runtime.errors import StoreUnavailable, UserError
from recruit_assets.runtime.settings import Settings, load_settings
from recruit_assets.stores.dagster.compat import sensor_cursors
from recruit_assets.stores.kafka.ingest_lag import IngestLag
from recruit_assets_tests.support.lags import a_lag
from recruit_assets_tests.support.receivers import Hook, web_hook
from recruit_assets_tests.support.sensor_ticks import tick_all

SEVEN = datetime(2026, 1, 5, 7, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral() as instance:
        yield instance


@pytest.fixture
def hook(monkeypatch: pytest.MonkeyPatch) -> Iterator[Hook]:
    """The only receiver of alerts."""
    with web_hook() as hook:
        monkeypatch.setenv("RECRUIT_ALERT_URLS", hook.url)
        monkeypatch.setenv("RECRUIT_MYSQL_PASSWORD", "")
        yield hook


@pytest.fixture
def no_wrong_hours(monkeypatch: pytest.MonkeyPatch) -> None:
    """The report database has none."""
    monkeypatch.setattr(database, "opened", lambda _: nullcontext(None))
    monkeypatch.setattr(alerts, "checks_with_wrong_hours", lambda _: set())


@dg.asset
def table() -> None:
    """An asset with a check."""


def a_check(*, passed: bool) -> dg.AssetChecksDefinition:
    @dg.asset_check(asset=table, name="rows_agree")
    def rows_agree() -> dg.AssetCheckResult:
        return dg.AssetCheckResult(passed=passed, metadata={"expected": 3, "found": 2})

    return rows_agree


def evaluate_check(instance: dg.DagsterInstance, *, passed: bool) -> str:
    return dg.materialize([table, a_check(passed=passed)], instance=instance).run_id


class Sensor:
    """One of the alert sensors, with its cursor."""

    def __init__(
        self, instance: dg.DagsterInstance, evaluate: Callable[..., object], *, cursor: str | None = None
    ) -> None:
        self._instance, self._evaluate, self.cursor = instance, evaluate, cursor
        self.said = ""

    def tick(self, *, last_tick: timedelta | None = MINUTE) -> None:
        """A tick, this long after the previous one."""
        settings = load_settings()
        resources = {name: build_resources(settings)[name] for name in ("cassandra", "mysql", "kafka")}
        location = dg.Definitions(assets=[table], asset_checks=[a_check(passed=True)])
        last_at = None if last_tick is None else time.time() - last_tick.total_seconds()
        with (
            dg.build_sensor_context(resources=resources) as built,
            dg.SensorEvaluationContext(
                None,
                last_at,
                cursor=self.cursor,
                instance=self._instance,
                resources=built.resource_defs,
                repository_def=location.get_repository_def(),
            ) as context,
        ):
            result = self._evaluate(context)
        assert isinstance(result, dg.SensorResult)
        self.cursor = result.cursor
        self.said = str(result.skip_reason.skip_message) if result.skip_reason else ""


@pytest.mark.usefixtures("no_wrong_hours")
def test_a_failed_check_is_sent_once_with_what_it_found_and_so_is_its_end(
    instance: dg.DagsterInstance, hook: Hook
) -> None:
    sensor = Sensor(instance, alerts.check_failure_alert)
    evaluate_check(instance, passed=True)
    sensor.tick()
    run_id = evaluate_check(instance, passed=False)
    sensor.tick()
    evaluate_check(instance, passed=False)
    sensor.tick()
    evaluate_check(instance, passed=True)
    sensor.tick()
    sensor.tick()

    begun = f"asset check rows_agree of table failed, expected: 3, found: 2 (run {run_id})"
    assert hook.messages == [begun, f"Over: {begun}"]


@pytest.mark.usefixtures("no_wrong_hours")
def test_a_check_that_passed_for_other_hours_still_fails_while_it_knows_of_wrong_ones(
    instance: dg.DagsterInstance, hook: Hook, monkeypatch: pytest.MonkeyPatch
) -> None:
    sensor = Sensor(instance, alerts.check_failure_alert)
    evaluate_check(instance, passed=False)
    monkeypatch.setattr(alerts, "checks_with_wrong_hours", lambda _: {("table", "rows_agree")})
    sensor.tick()
    evaluate_check(instance, passed=True)
    sensor.tick()

    assert len(hook.messages) == 1


@dg.op(config_schema={"fails": bool})
def work(context: dg.OpExecutionContext) -> None:
    if context.op_config["fails"]:
        raise dg.Failure("the disk is full")


def run_job(
    instance: dg.DagsterInstance, *, fails: bool, job: str = "lineage_job", hours: HourRange | None = None
) -> str:
    ran = dg.GraphDefinition(job, node_defs=[work]).to_job()
    config = {"ops": {"work": {"config": {"fails": fails}}}}
    tags = range_tags(hours) if hours else {}
    return ran.execute_in_process(instance=instance, raise_on_error=False, run_config=config, tags=tags).run_id


def test_a_job_that_fails_and_is_retried_in_vain_is_one_trouble(instance: dg.DagsterInstance, hook: Hook) -> None:
    sensor = Sensor(instance, alerts.run_failure_alert)
    run_id = run_job(instance, fails=True)
    sensor.tick()
    for _ in range(2):  # the retries
        run_job(instance, fails=True)
        sensor.tick()
    run_job(instance, fails=False)
    sensor.tick()

    begun = f"the last run of lineage_job failed: work: the disk is full (run {run_id})"
    assert hook.messages == [begun, f"Over: {begun}"]


def test_the_hours_jobs_runs_are_left_to_the_alert_about_hours(instance: dg.DagsterInstance, hook: Hook) -> None:
    """It runs every few seconds: the next hour's success says nothing about the one that failed."""
    sensor = Sensor(instance, alerts.run_failure_alert)
    run_job(instance, fails=True, job="hours_job")
    sensor.tick()

    assert (hook.messages, sensor.said) == ([], "nothing is wrong")


def test_ad_hoc_runs_of_other_projects_in_the_instance_are_not_ours(instance: dg.DagsterInstance, hook: Hook) -> None:
    def ran(key: str) -> None:
        run = dg.DagsterRun(
            job_name=alerts.AD_HOC_JOB,
            run_id=f"of-{key}",
            status=dg.DagsterRunStatus.FAILURE,
            asset_selection=frozenset({dg.AssetKey(key)}),
        )
        instance.add_run(run)

    sensor = Sensor(instance, alerts.run_failure_alert)
    ran("their_table")
    sensor.tick()
    assert hook.messages == []

    ran("mysql_report")
    sensor.tick()
    assert hook.messages == ["the last run of __ASSET_JOB failed: unknown error (run of-mysql_report)"]


class ReportWith:
    """A report database with these pending hours, whose feed was read just now or three minutes ago."""

    def __init__(self, pending: list[PendingHour], *, unread_for: timedelta = timedelta(0)) -> None:
        self._pending, self._unread_for = pending, unread_for

    def __call__(self, _: object) -> "ReportWith":
        return self

    def load(self) -> list[PendingHour]:
        return self._pending

    def now(self) -> datetime:
        return SEVEN

    def checkpoint(self) -> datetime:
        return SEVEN - self._unread_for


NOTHING_PENDING = ReportWith([])


class LagOf:
    """A reader that returns these readings one after the other."""

    def __init__(self, *readings: IngestLag) -> None:
        self._readings = list(readings)

    def read(self) -> IngestLag:
        return self._readings.pop(0) if len(self._readings) > 1 else self._readings[0]


@pytest.fixture
def standstill(
    instance: dg.DagsterInstance, hook: Hook, no_wrong_hours: None, monkeypatch: pytest.MonkeyPatch
) -> Callable[[ReportWith, LagOf], Sensor]:
    """The sensor, with stores that hold what a test says."""

    def with_stores(report: ReportWith, lag: LagOf) -> Sensor:
        monkeypatch.setattr(alerts, "PendingHours", report)
        monkeypatch.setattr(kafka_lag, "opened", lambda _: nullcontext(lag))
        return Sensor(instance, alerts.standstill_alert)

    return with_stores


Standstill = Callable[[ReportWith, LagOf], Sensor]


def test_a_dead_ingest_is_sent_once_and_its_recovery_too(standstill: Standstill, hook: Hook) -> None:
    dead, dead_still = a_lag(age_s=90, members=0), a_lag(age_s=150, members=0)
    sensor = standstill(NOTHING_PENDING, LagOf(a_lag(), dead, dead_still, a_lag(age_s=200), a_lag()))

    for _ in range(5):
        sensor.tick()

    begun, over = hook.messages
    assert begun.startswith("ingest hasn't stored 7 records of Kafka, the first since ")
    assert over == f"Over: {begun}"


def test_hours_that_fail_are_one_trouble_through_their_retries(standstill: Standstill, hook: Hook) -> None:
    def failing(*hours: int) -> ReportWith:
        return ReportWith([PendingHour(SEVEN + timedelta(hours=n), SEVEN, SEVEN, attempts=n + 1) for n in hours])

    cursor = None
    for report in (failing(0, 1, 2), failing(1, 2), failing(2), NOTHING_PENDING):
        sensor = standstill(report, LagOf(a_lag()))
        sensor.cursor = cursor
        sensor.tick()
        cursor = sensor.cursor

    begun = "3 hours fail, first 2026-01-05 07:00 UTC"
    assert hook.messages == [begun, f"Over: {begun}"]


def test_hours_that_fail_are_sent_with_the_error_of_their_run(
    standstill: Standstill, hook: Hook, instance: dg.DagsterInstance
) -> None:
    eight, nine = SEVEN + timedelta(hours=1), SEVEN + timedelta(hours=2)
    run_id = run_job(instance, fails=True, job="hours_job", hours=HourRange(SEVEN, eight))
    run_job(instance, fails=True, job="hours_job", hours=HourRange(nine, nine))

    standstill(ReportWith([PendingHour(eight, SEVEN, SEVEN, attempts=1)]), LagOf(a_lag())).tick()

    assert hook.messages == [f"the hour 2026-01-05 08:00 UTC fails: work: the disk is full (run {run_id})"]


def test_an_alert_that_nobody_takes_is_sent_at_the_next_tick(standstill: Standstill, hook: Hook) -> None:
    sensor = standstill(ReportWith([PendingHour(SEVEN, SEVEN, SEVEN, attempts=1)]), LagOf(a_lag()))
    hook.status = 500
    sensor.tick()
    assert "RECRUIT_ALERT_URLS: 1 json didn't take the alert, which is sent again: " in sensor.said

    hook.status = 200
    sensor.tick()
    sensor.tick()

    assert (len(hook.posted), hook.messages) == (2, ["the hour 2026-01-05 07:00 UTC fails"])


def test_a_store_that_cannot_be_read_is_sent_and_what_was_known_of_it_is_not_over(
    standstill: Standstill, hook: Hook, monkeypatch: pytest.MonkeyPatch
) -> None:
    def nobody(_: Settings) -> AbstractContextManager[object]:
        raise StoreUnavailable("nobody listens")

    sensor = standstill(ReportWith([PendingHour(SEVEN, SEVEN, SEVEN, attempts=1)]), LagOf(a_lag(age_s=90, members=0)))
    sensor.tick()
    with monkeypatch.context() as down:
        down.setattr(database, "opened", nobody)
        down.setattr(kafka_lag, "opened", nobody)
        sensor.tick()
    sensor.tick()

    unknown = "cannot find out whether the report is up to date: nobody listens"
    assert [message.count(unknown) for message in hook.messages] == [0, 2, 2]
    assert [message.count("Over: ") for message in hook.messages] == [0, 0, 2]
    assert hook.messages[2].count("Still: ") == 2


@pytest.mark.parametrize(
    ("daemon_down_for", "is_sent"),
    [
        pytest.param(MINUTE, True, id="the daemon runs"),
        pytest.param(3 * MINUTE, False, id="the daemon was down for as long"),
        pytest.param(None, False, id="the sensor's first tick"),
    ],
)
def test_an_unread_feed_sends_no_alert_right_after_the_daemon_has_started(
    standstill: Standstill, hook: Hook, daemon_down_for: timedelta | None, *, is_sent: bool
) -> None:
    """Otherwise every restart that takes longer than two minutes would send an alert, and its recovery."""
    standstill(ReportWith([], unread_for=3 * MINUTE), LagOf(a_lag())).tick(last_tick=daemon_down_for)

    assert hook.messages == ["the change feed was last read through 2026-01-05 06:57 UTC"] * is_sent


SENSORS = [alerts.check_failure_alert, alerts.run_failure_alert, alerts.standstill_alert]


@pytest.mark.parametrize("evaluate", SENSORS, ids=lambda one: one.name)
@pytest.mark.parametrize(
    "cursor", ["garbage", '["late"]', '{"table:rows_agree": 12}', '{"__class__": "RunStatusSensorCursor"}']
)
def test_a_cursor_of_another_version_or_a_persons_is_replaced(
    standstill: Standstill, evaluate: Callable[..., object], cursor: str, hook: Hook, instance: dg.DagsterInstance
) -> None:
    standstill(NOTHING_PENDING, LagOf(a_lag()))
    sensor = Sensor(instance, evaluate, cursor=cursor)

    sensor.tick()

    assert (sensor.cursor, sensor.said, hook.messages) == ('{"1 json": {}}', "nothing is wrong", [])


@pytest.mark.parametrize("evaluate", SENSORS, ids=lambda one: one.name)
def test_without_a_receiver_the_tick_says_that_nothing_is_sent(
    standstill: Standstill,
    evaluate: Callable[..., object],
    instance: dg.DagsterInstance,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    standstill(NOTHING_PENDING, LagOf(a_lag()))
    monkeypatch.delenv("RECRUIT_ALERT_URLS")
    sensor = Sensor(instance, evaluate)

    sensor.tick()

    assert sensor.said == "nothing is wrong; nothing is sent: RECRUIT_ALERT_URLS isn't set"


@pytest.mark.parametrize("evaluate", SENSORS, ids=lambda one: one.name)
def test_a_wrong_url_fails_every_tick_also_while_nothing_is_wrong(
    standstill: Standstill,
    evaluate: Callable[..., object],
    instance: dg.DagsterInstance,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Without this, nobody would notice the wrong URL before the first alert is lost."""
    standstill(NOTHING_PENDING, LagOf(a_lag()))
    monkeypatch.setenv("RECRUIT_ALERT_URLS", "slack://hunter2")

    with pytest.raises(UserError, match="RECRUIT_ALERT_URLS: URL 1 slack:// isn't one that Apprise can use"):
        Sensor(instance, evaluate).tick()


@pytest.mark.filterwarnings("ignore:Property `ScheduleDefinition:DeprecationWarning")  # Dagster's own use
def test_dagsters_daemon_ticks_each_sensor_and_keeps_what_it_told(hook: Hook, tmp_path: Path) -> None:
    """Without any store: `standstill_alert` can read neither."""
    with dg.instance_for_test(temp_dir=str(tmp_path)) as instance:
        for _ in range(2):
            tick_all(instance, "recruit_assets.definitions")
        cursors = {sensor.name: sensor_cursors(instance, sensor.name) for sensor in SENSORS}

    (only,) = hook.messages
    assert only.count("cannot find out whether the report is up to date: RECRUIT_") == 2
    assert cursors["run_failure_alert"] == cursors["check_failure_alert"] == ['{"1 json": {}}']
    assert list(json.loads(cursors["standstill_alert"][0])["1 json"]) == ["kafka unreadable", "report unreadable"]

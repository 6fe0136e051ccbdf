"""Which events send an alert, that each is sent once, and that nothing is sent without a receiver."""

import json
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from datetime import UTC, datetime, timedelta

import dagster as dg
import pytest

from recruit_assets.defs.resources import CassandraResource, MySqlResource
from recruit_assets.defs.sensors import alerts
from recruit_assets.defs.sensors.connections import stores
from recruit_assets.hours.planning import PendingHour
from recruit_assets.observability.alerts import Alert
from recruit_assets.runtime.errors import StoreUnavailable
from recruit_assets.runtime.settings import Settings, load_settings

SEVEN = datetime(2026, 1, 5, 7, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
SECOND = timedelta(seconds=1)


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral() as instance:
        yield instance


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[Alert]:
    """The alerts that would have been posted."""
    collected: list[Alert] = []

    def collect(alert: Alert, _: Settings) -> None:
        collected.append(alert)

    monkeypatch.setenv("RECRUIT_ALERT_WEBHOOK", "https://alerts.example/x")
    monkeypatch.setenv("RECRUIT_MYSQL_PASSWORD", "")
    monkeypatch.setattr(alerts, "send", collect)
    return collected


@dg.asset
def table() -> None:
    """An asset with a check."""


def a_check(*, passed: bool) -> dg.AssetChecksDefinition:
    @dg.asset_check(asset=table, name="rows_agree")
    def rows_agree() -> dg.AssetCheckResult:
        return dg.AssetCheckResult(passed=passed, metadata={"expected": 3, "found": 2})

    return rows_agree


def evaluate_check(instance: dg.DagsterInstance, *, passed: bool) -> None:
    dg.materialize([table, a_check(passed=passed)], instance=instance)


def check_tick(instance: dg.DagsterInstance, cursor: str | None) -> str | None:
    code_location = dg.Definitions(assets=[table], asset_checks=[a_check(passed=True)])
    with dg.build_sensor_context(
        instance=instance, cursor=cursor, repository_def=code_location.get_repository_def()
    ) as context:
        result = alerts.check_failure_alert(context)
    return result.cursor if isinstance(result, dg.SensorResult) else None


def test_a_failed_check_is_sent_once_with_what_was_expected_and_found(
    instance: dg.DagsterInstance, sent: list[Alert]
) -> None:
    evaluate_check(instance, passed=True)
    cursor = check_tick(instance, None)
    evaluate_check(instance, passed=False)

    check_tick(instance, check_tick(instance, cursor))

    (alert,) = sent
    assert alert.subject == "Asset check rows_agree of table failed"
    assert alert.body.splitlines()[1:] == ["expected: 3", "found: 2"]


def test_a_passed_check_and_what_failed_before_the_first_tick_are_not_sent(
    instance: dg.DagsterInstance, sent: list[Alert]
) -> None:
    evaluate_check(instance, passed=False)
    cursor = check_tick(instance, None)
    evaluate_check(instance, passed=True)

    check_tick(instance, cursor)

    assert sent == []


def test_a_check_that_is_still_red_is_not_sent_again(instance: dg.DagsterInstance, sent: list[Alert]) -> None:
    cursor = None
    for passed in (True, False, False, False):
        evaluate_check(instance, passed=passed)
        cursor = check_tick(instance, cursor)

    assert len(sent) == 1


def test_checks_say_nothing_when_no_receiver_is_set(instance: dg.DagsterInstance) -> None:
    with dg.build_sensor_context(instance=instance) as context:
        assert alerts.check_failure_alert(context) == alerts.NOTHING_SET


@dg.op
def fails() -> None:
    raise dg.Failure("the disk is full")


def failure_context(instance: dg.DagsterInstance) -> dg.RunFailureSensorContext:
    job = dg.GraphDefinition("hours_job", node_defs=[fails]).to_job()
    tags = {"dagster/asset_partition_range_start": "2026-01-05-07:00"}
    result = job.execute_in_process(instance=instance, raise_on_error=False, tags=tags)
    return dg.build_run_status_sensor_context(
        sensor_name="run_failure_alert",
        dagster_event=result.get_run_failure_event(),
        dagster_instance=instance,
        dagster_run=result.dagster_run,
    ).for_run_failure()


def test_a_failed_run_is_sent_with_its_hours_and_the_reason(instance: dg.DagsterInstance, sent: list[Alert]) -> None:
    with failure_context(instance) as context:
        alerts.run_failure_alert(context)

    (alert,) = sent
    assert alert.subject == "Dagster run of hours_job failed (2026-01-05-07:00)"
    assert "fails: the disk is full" in alert.body.splitlines()
    assert f"Run {context.dagster_run.run_id}" in alert.body


def test_a_failed_run_says_nothing_when_no_receiver_is_set(instance: dg.DagsterInstance) -> None:
    with failure_context(instance) as context:
        assert alerts.run_failure_alert(context) == alerts.NOTHING_SET


@pytest.mark.parametrize(
    ("pending", "checkpoint", "kinds"),
    [
        pytest.param([], SEVEN, set(), id="nothing is wrong"),
        pytest.param([], None, set(), id="nothing was ever read"),
        pytest.param([], SEVEN - 2 * MINUTE, set(), id="the feed was read 2 minutes ago"),
        pytest.param([], SEVEN - 2 * MINUTE - SECOND, {"feed"}, id="the feed isn't read"),
        pytest.param([PendingHour(SEVEN, SEVEN - 16 * MINUTE, SEVEN)], SEVEN, {"late"}, id="an hour waits"),
        pytest.param([PendingHour(SEVEN, SEVEN, SEVEN, attempts=3)], SEVEN, {"failing"}, id="an hour fails"),
        pytest.param([PendingHour(SEVEN, SEVEN - MINUTE, SEVEN, attempts=2)], SEVEN, set(), id="an hour is tried"),
    ],
)
def test_a_report_is_not_being_updated_when_the_feed_is_unread_or_hours_wait_or_fail(
    pending: list[PendingHour], checkpoint: datetime | None, kinds: set[str]
) -> None:
    assert alerts.standstills(pending, checkpoint=checkpoint, now=SEVEN).keys() == kinds


def test_a_clock_of_cassandra_that_is_ahead_is_sent() -> None:
    troubles = alerts.standstills([], checkpoint=SEVEN + 2 * MINUTE, now=SEVEN)

    assert troubles == {
        "clock": "Cassandra's clock is ahead of the report database's: 2026-01-05 07:02:00 and 2026-01-05 07:00:00 "
        "UTC. Check the clocks of both hosts"
    }
    assert alerts.standstills([], checkpoint=SEVEN + MINUTE, now=SEVEN) == {}


def test_an_unreadable_report_is_sent_once_and_its_recovery_too(
    instance: dg.DagsterInstance, sent: list[Alert], monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_database(_: Settings) -> AbstractContextManager[object]:
        raise StoreUnavailable("MySQL doesn't answer")

    with monkeypatch.context() as down:
        down.setattr(stores, "opened", no_database)
        cursor = standstill_tick(instance, standstill_tick(instance, None))
    monkeypatch.setattr(stores, "opened", lambda _: nullcontext((None, None)))
    monkeypatch.setattr(alerts, "PendingHours", NothingPending)
    standstill_tick(instance, cursor)

    assert [alert.subject for alert in sent] == ["The report is not being updated", "The report has caught up"]
    assert "MySQL doesn't answer" in sent[0].body


@pytest.mark.parametrize(
    ("daemon_down_for", "expected"),
    [
        pytest.param(MINUTE, ["feed"], id="the daemon runs"),
        pytest.param(3 * MINUTE, [], id="the daemon was down for as long"),
        pytest.param(None, [], id="the sensor's first tick"),
    ],
)
def test_an_unread_feed_sends_no_alert_right_after_the_daemon_has_started(
    instance: dg.DagsterInstance,
    sent: list[Alert],
    monkeypatch: pytest.MonkeyPatch,
    daemon_down_for: timedelta | None,
    expected: list[str],
) -> None:
    """Otherwise every restart that takes longer than two minutes would send an alert, and its recovery."""
    monkeypatch.setattr(stores, "opened", lambda _: nullcontext((None, None)))
    monkeypatch.setattr(alerts, "PendingHours", FeedUnread)

    cursor = standstill_tick(instance, None, last_tick=daemon_down_for)

    assert json.loads(cursor or "") == expected
    assert len(sent) == len(expected)


class NothingPending:
    """A report database without problems."""

    read_through = SEVEN

    def __init__(self, _: object) -> None:
        self.load = list[PendingHour]

    def checkpoint(self) -> datetime:
        return self.read_through

    def now(self) -> datetime:
        return SEVEN


class FeedUnread(NothingPending):
    """A report database whose feed wasn't read for three minutes."""

    read_through = SEVEN - 3 * MINUTE


def standstill_tick(
    instance: dg.DagsterInstance, cursor: str | None, *, last_tick: timedelta | None = MINUTE
) -> str | None:
    """A tick, this long after the previous one."""
    settings = load_settings()
    resources = {"cassandra": CassandraResource.from_settings(settings), "mysql": MySqlResource.from_settings(settings)}
    last_at = None if last_tick is None else time.time() - last_tick.total_seconds()
    with (
        dg.build_sensor_context(resources=resources) as built,
        dg.SensorEvaluationContext(
            None, last_at, cursor=cursor, instance=instance, resources=built.resource_defs
        ) as context,
    ):
        result = alerts.standstill_alert(context)
    assert isinstance(result, dg.SensorResult)
    return result.cursor

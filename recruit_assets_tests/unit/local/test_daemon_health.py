"""A daemon that is down or doesn't read the feed is noticed from outside and reported once, and so is its recovery."""

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import dagster as dg
import pytest
from dagster._daemon.types import DaemonHeartbeat  # as a daemon writes them
from dagster_shared.error import SerializableErrorInfo

from recruit_assets.defs.runs import CDC_SENSOR
from recruit_assets.defs.sensors.alerts import STANDSTILL
from recruit_assets.local import daemon_health
from recruit_assets.local.daemon_health import DaemonWatch, silent_daemons, unread_change_feed
from recruit_assets.runtime.settings import Settings, load_settings
from recruit_assets_tests.support.receivers import Hook, web_hook
from recruit_assets_tests.support.sensor_ticks import tick_that_fails, tick_with_cursor


@pytest.fixture
def instance(monkeypatch: pytest.MonkeyPatch) -> Iterator[dg.DagsterInstance]:
    """An instance on disk, which needs a daemon; a watch evaluates it at once and every time."""
    monkeypatch.setattr(daemon_health, "STARTING_S", 0.0)
    monkeypatch.setattr(daemon_health, "EVALUATE_EVERY_S", 0.0)
    with dg.instance_for_test() as instance:
        yield instance


def heartbeats(instance: dg.DagsterInstance, *, seconds_ago: float = 0) -> None:
    for daemon in instance.get_required_daemon_types():
        instance.add_daemon_heartbeat(DaemonHeartbeat(time.time() - seconds_ago, daemon, "its id", None))


def of(hook: Hook) -> Settings:
    return load_settings(alert_urls=hook.url)


@pytest.mark.parametrize("seconds_ago", [None, 3600])
def test_the_parts_of_a_daemon_without_a_recent_heartbeat_are_named(
    instance: dg.DagsterInstance, seconds_ago: int | None
) -> None:
    if seconds_ago:
        heartbeats(instance, seconds_ago=seconds_ago)

    assert silent_daemons(instance)["daemon"].startswith("Dagster's daemon is silent: no heartbeat of ")
    assert "SENSOR" in silent_daemons(instance)["daemon"]


def test_a_daemon_with_recent_heartbeats_is_not_silent(instance: dg.DagsterInstance) -> None:
    heartbeats(instance)

    assert silent_daemons(instance) == {}


def test_a_daemon_that_reports_errors_is_not_silent(instance: dg.DagsterInstance) -> None:
    """An error of one sensor, an alert's say, doesn't keep events from the report."""
    error = SerializableErrorInfo("it failed", [], "Error")
    for daemon in instance.get_required_daemon_types():
        instance.add_daemon_heartbeat(DaemonHeartbeat(time.time(), daemon, "its id", [error]))

    assert silent_daemons(instance) == {}


def read_through(moment: datetime, instance: dg.DagsterInstance, folder: Path) -> None:
    """A tick of the sensor that has read the feed so far."""
    tick_with_cursor(instance, folder, CDC_SENSOR, moment.isoformat(timespec="milliseconds"))


def test_a_sensor_whose_ticks_fail_is_noticed_two_minutes_after_it_last_read_the_feed(
    instance: dg.DagsterInstance, tmp_path: Path
) -> None:
    """With a daemon that is alive: only its sensor fails, as with a code location that can't be loaded."""
    three_minutes_ago = datetime.now(UTC) - timedelta(minutes=3)
    assert unread_change_feed(instance) == {}

    read_through(three_minutes_ago, instance, tmp_path)
    tick_that_fails(instance, tmp_path, CDC_SENSOR)
    assert unread_change_feed(instance) == {
        "report feed": f"the change feed was last read through {three_minutes_ago:%Y-%m-%d %H:%M} UTC"
    }

    read_through(datetime.now(UTC), instance, tmp_path)
    assert unread_change_feed(instance) == {}


@pytest.mark.parametrize("cursor", ["garbage", "", "2026-13-45", "[]", "\ud83d"])
def test_a_cursor_that_a_person_edited_is_no_error(instance: dg.DagsterInstance, tmp_path: Path, cursor: str) -> None:
    """The sensor's next tick writes its own."""
    tick_with_cursor(instance, tmp_path, CDC_SENSOR, cursor)

    assert unread_change_feed(instance) == {}


def test_a_cursor_without_a_zone_is_utc(instance: dg.DagsterInstance, tmp_path: Path) -> None:
    tick_with_cursor(instance, tmp_path, CDC_SENSOR, "2026-01-05 07:00")

    assert unread_change_feed(instance) == {"report feed": "the change feed was last read through 2026-01-05 07:00 UTC"}


def test_an_unread_feed_is_left_to_the_alert_sensor_while_that_ticks(
    instance: dg.DagsterInstance, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Otherwise each of the two would send an alert for the same failure."""
    read_through(datetime.now(UTC) - timedelta(minutes=3), instance, tmp_path)
    tick_with_cursor(instance, tmp_path, STANDSTILL, "{}")
    assert unread_change_feed(instance) == {}

    monkeypatch.setattr(daemon_health, "UNREAD_AFTER", timedelta(days=-1))
    assert unread_change_feed(instance).keys() == {"report feed"}


def test_an_unread_feed_is_reported_and_its_recovery_too(instance: dg.DagsterInstance, tmp_path: Path) -> None:
    heartbeats(instance)
    three_minutes_ago = datetime.now(UTC) - timedelta(minutes=3)
    with web_hook() as hook:
        watch = DaemonWatch(instance, of(hook), lambda _: None)
        for moment in (three_minutes_ago, three_minutes_ago, datetime.now(UTC)):
            read_through(moment, instance, tmp_path)
            watch.evaluate()

    trouble = f"the change feed was last read through {three_minutes_ago:%Y-%m-%d %H:%M} UTC"
    assert hook.messages == [trouble, f"Over: {trouble}"]


def test_silence_is_reported_when_it_begins_and_when_it_ends(instance: dg.DagsterInstance) -> None:
    said: list[str] = []
    with web_hook() as hook:
        watch = DaemonWatch(instance, of(hook), said.append)
        for _ in range(2):
            watch.evaluate()
        heartbeats(instance)
        for _ in range(2):
            watch.evaluate()

    begun, over = hook.messages
    assert begun.startswith("Dagster's daemon is silent: no heartbeat of ")
    assert over == f"Over: {begun}"
    assert said == [begun, over]


def test_an_alert_that_cannot_be_sent_is_printed_once_and_sent_later(instance: dg.DagsterInstance) -> None:
    said: list[str] = []
    with web_hook() as hook:
        hook.status = 503
        watch = DaemonWatch(instance, of(hook), said.append)
        for _ in range(3):
            watch.evaluate()
        hook.status = 200
        for _ in range(2):
            watch.evaluate()

    trouble, failure = said
    assert failure.startswith("RECRUIT_ALERT_URLS: 1 json didn't take the alert, which is sent again: ")
    assert (len(hook.posted), hook.messages) == (4, [trouble])


def test_a_daemon_that_is_starting_is_given_time(instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(daemon_health, "STARTING_S", 60.0)
    said: list[str] = []

    DaemonWatch(instance, load_settings(), said.append).evaluate()

    assert said == []

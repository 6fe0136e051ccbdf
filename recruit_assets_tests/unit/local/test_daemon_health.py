"""A daemon that says nothing is noticed from outside, told once, and told again when it is back."""

import time
from collections.abc import Iterator

import dagster as dg
import pytest
from dagster._daemon.types import DaemonHeartbeat

from recruit_assets.local import daemon_health as silence
from recruit_assets.local.daemon_health import SilenceWatch, silent_daemons
from recruit_assets.observability.alerts import Alert
from recruit_assets.runtime.errors import StoreUnavailable
from recruit_assets.runtime.settings import Settings, load_settings


@pytest.fixture
def instance(monkeypatch: pytest.MonkeyPatch) -> Iterator[dg.DagsterInstance]:
    """An instance on disk, which needs a daemon; whoever watches it looks at once and every time."""
    monkeypatch.setattr(silence, "STARTING_S", 0.0)
    monkeypatch.setattr(silence, "LOOK_EVERY_S", 0.0)
    with dg.instance_for_test() as instance:
        yield instance


def heartbeats(instance: dg.DagsterInstance, *, seconds_ago: float = 0) -> None:
    for daemon in instance.get_required_daemon_types():
        instance.add_daemon_heartbeat(DaemonHeartbeat(time.time() - seconds_ago, daemon, "its id", None))


def with_webhook() -> Settings:
    return load_settings(alert_webhook="http://127.0.0.1:1/hook")


@pytest.mark.parametrize("seconds_ago", [None, 3600])
def test_a_daemon_that_never_or_long_ago_spoke_is_named(instance: dg.DagsterInstance, seconds_ago: int | None) -> None:
    if seconds_ago:
        heartbeats(instance, seconds_ago=seconds_ago)

    assert silent_daemons(instance)["daemon"].startswith("Dagster's daemon is silent: no heartbeat of ")
    assert "SENSOR" in silent_daemons(instance)["daemon"]


def test_a_daemon_that_speaks_is_not_silent(instance: dg.DagsterInstance) -> None:
    heartbeats(instance)

    assert silent_daemons(instance) == {}


def test_silence_is_told_when_it_begins_and_when_it_ends(
    instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[Alert] = []
    said: list[str] = []
    monkeypatch.setattr(silence, "send", lambda alert, _: sent.append(alert))
    watch = SilenceWatch(instance, with_webhook(), said.append)

    for _ in range(2):
        watch.look()
    heartbeats(instance)
    for _ in range(2):
        watch.look()

    assert [alert.subject for alert in sent] == ["Events don't reach the report", "Dagster's daemon works again"]
    assert [line.split(".")[0] for line in said] == [alert.subject for alert in sent]


def test_an_alert_that_cannot_be_sent_is_said(instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(alert: Alert, settings: Settings) -> None:
        raise StoreUnavailable("RECRUIT_ALERT_WEBHOOK doesn't answer")

    said: list[str] = []
    monkeypatch.setattr(silence, "send", refuse)

    SilenceWatch(instance, with_webhook(), said.append).look()

    assert said[1:] == ["RECRUIT_ALERT_WEBHOOK doesn't answer"]


def test_a_daemon_that_is_starting_is_given_time(instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(silence, "STARTING_S", 60.0)
    said: list[str] = []

    SilenceWatch(instance, load_settings(), said.append).look()

    assert said == []

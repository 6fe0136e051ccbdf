"""Settings as this process gets them: what doctor says of them, and that it shows no secret."""

import pytest

from recruit_assets.observability.doctor import State
from recruit_assets.runtime.settings import load_settings
from recruit_assets_tests.support.doctor import look_at, verdict_of

SECRET = "T1JJ3T3L2-A1BRTD4JD"


def test_an_alert_url_that_cannot_be_used_is_found_and_its_secret_is_not_shown() -> None:
    findings = look_at(load_settings(alert_urls=f"slakk://{SECRET}"), "settings")

    verdict = verdict_of(findings, "alerts")
    assert verdict.state is State.FAIL
    assert "RECRUIT_ALERT_URLS: URL 1 slakk:// isn't one that Apprise can use" in verdict.found
    assert SECRET not in str(findings)


def test_alert_urls_are_counted() -> None:
    found = verdict_of(look_at(load_settings(alert_urls="json://localhost, jsons://localhost"), "settings"), "alerts")

    assert (found.state, found.found) == (State.OK, "2 channels")


def test_a_misspelt_variable_of_this_process_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RECRUIT_CASSANDRA_HOST", "db.example.com")

    verdict = verdict_of(look_at(load_settings(), "settings"), "names")

    assert verdict.state is State.WARN
    assert verdict.found == "RECRUIT_CASSANDRA_HOST isn't a setting (is it RECRUIT_CASSANDRA_HOSTS?)"

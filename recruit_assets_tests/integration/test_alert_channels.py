"""Alerts sent through Apprise to a real web server and a small mail server on this machine."""

import logging
import subprocess
import sys

import pytest

from recruit_assets.observability import alerts
from recruit_assets.observability.alerts import Alert, channel_names, check_channels, send
from recruit_assets.runtime.errors import UserError
from recruit_assets.runtime.settings import Settings, load_settings
from recruit_assets_tests.support.receivers import mail_server, web_hook

ALERT = Alert("Recruitment report: 2 hours wait", "2 hours wait\nStill: a check failed")


def with_urls(*urls: str) -> Settings:
    return load_settings(alert_urls=" ".join(urls))


def send_to_all(alert: Alert, settings: Settings) -> dict[str, str]:
    return dict(send(alert, channel_names(settings), settings))


def test_a_web_server_receives_subject_body_and_kind() -> None:
    with web_hook() as hook:
        assert send_to_all(ALERT, with_urls(hook.url)) == {}
        send_to_all(
            Alert("Recruitment report: Over: 2 hours wait", "Over: 2 hours wait", is_end=True), with_urls(hook.url)
        )

    begun, over = hook.accepted
    assert (begun["title"], begun["message"], begun["type"]) == (ALERT.subject, ALERT.body, "failure")
    assert (over["message"], over["type"]) == ("Over: 2 hours wait", "success")


def test_a_receiver_of_the_field_text_gets_it() -> None:
    """What RECRUIT_ALERT_WEBHOOK posted to Mattermost, Rocket.Chat and others."""
    with web_hook() as hook:
        assert send_to_all(ALERT, with_urls(f"{hook.url}?:message=text")) == {}

    assert hook.accepted[0]["text"] == ALERT.body


def test_a_receiver_that_fails_is_named_and_the_others_are_served(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    with web_hook() as good, web_hook() as bad:
        bad.status = 500
        settings = with_urls(bad.url, good.url, "json://user:hunter2@127.0.0.1:1/secret-path")
        failed = send_to_all(ALERT, settings)

    assert failed.keys() == {"1 json", "3 json"}
    assert "500" in failed["1 json"]
    assert good.messages == [ALERT.body]
    for secret in ("secret-path", "hunter2"):
        assert secret not in str(failed) + caplog.text


def test_a_receiver_that_never_answers_does_not_hold_up_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(alerts, "TIMEOUT_S", 1)
    with web_hook() as good, mail_server([]) as silent:
        # speaks SMTP, and so never answers in HTTP
        failed = send_to_all(ALERT, with_urls(f"json://127.0.0.1:{silent}?rto=3", good.url))

    assert failed.keys() == {"1 json"}
    assert good.messages == [ALERT.body]


def test_a_mail_has_subject_receivers_and_body() -> None:
    lines: list[str] = []
    with mail_server(lines) as port:
        url = f"mailto://127.0.0.1:{port}?from=recruit@example.org&to=a@example.org,b@example.org&format=text"
        assert send_to_all(ALERT, with_urls(url)) == {}

    assert f"Subject: {ALERT.subject}" in lines
    assert "2 hours wait" in lines
    recipients = {line.upper() for line in lines if line.upper().startswith("RCPT")}
    assert recipients == {"RCPT TO:<A@EXAMPLE.ORG>", "RCPT TO:<B@EXAMPLE.ORG>"}


def test_no_password_is_sent_where_starttls_is_not_offered() -> None:
    """Somebody in between may have taken it out of the server's answer."""
    lines: list[str] = []
    with mail_server(lines, offers=("AUTH PLAIN LOGIN",)) as port:
        url = f"mailtos://user:hunter2@127.0.0.1:{port}?from=recruit@example.org&to=a@example.org"
        failed = send_to_all(ALERT, with_urls(url))

    assert failed.keys() == {"1 mailtos"}
    assert [line for line in lines if line.upper().startswith(("AUTH", "MAIL", "DATA"))] == []


@pytest.mark.parametrize(
    "url",
    [
        "mailto://user:hunter2@mail.example.org?to=a@example.org",
        "mailtos://user:hunter2@mail.example.org?to=a@example.org&mode=insecure",
        "mailto://mail.example.org?user=user&pass=hunter2&to=a@example.org",
    ],
)
def test_a_url_that_would_send_a_mail_password_unencrypted_is_refused(url: str) -> None:
    with pytest.raises(UserError, match=r"RECRUIT_ALERT_URLS: URL 1 mailto.* unencrypted. Use mailtos://") as raised:
        check_channels(with_urls(url))

    assert "hunter2" not in str(raised.value)


@pytest.mark.parametrize("bad", ["file:///etc/passwd", "slack://hunter2", "json://", "nothing://hunter2"])
def test_a_url_that_apprise_cannot_use_is_named_without_its_secret(bad: str, capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(UserError, match=r"Invalid setting: RECRUIT_ALERT_URLS: URL 2 ") as raised:
        check_channels(with_urls("json://127.0.0.1/good", bad))

    assert "passwd" not in str(raised.value)
    assert "hunter2" not in str(raised.value) + "".join(capfd.readouterr())


@pytest.mark.parametrize(
    ("setting", "names"),
    [
        ("", []),
        ("json://a json://b", ["1 json", "2 json"]),
        (" json://a,\n  mailtos://u:p@b?to=x@y.org,z@y.org ; slack://c/d/e ", ["1 json", "2 mailtos", "3 slack"]),
    ],
)
def test_urls_are_separated_by_spaces_or_commas(setting: str, names: list[str]) -> None:
    """A comma inside a URL, between recipients, separates nothing."""
    assert channel_names(load_settings(alert_urls=setting)) == names


def test_without_urls_apprise_is_not_loaded() -> None:
    """It takes a second."""
    code = (
        "import sys; from recruit_assets.observability.alerts import check_channels; "
        "from recruit_assets.runtime.settings import load_settings; check_channels(load_settings()); "
        "print('apprise' in sys.modules)"
    )

    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "False\n"

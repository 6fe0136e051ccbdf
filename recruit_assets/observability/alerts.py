"""Sends alerts to a webhook, by mail, or both, as the settings say. `defs.sensors.alerts` decides what is worth one."""

import json
import smtplib
import ssl
import urllib.error
import urllib.request
from dataclasses import dataclass
from email.message import EmailMessage

from tenacity import retry, retry_if_exception_type, stop_after_attempt, wait_exponential

from recruit_assets.runtime.errors import StoreUnavailable
from recruit_assets.runtime.settings import Settings

TIMEOUT_S = 10
TRIES = 3


@dataclass(frozen=True, slots=True)
class Alert:
    """What is wrong in one line, and the details."""

    subject: str
    body: str


def is_configured(settings: Settings) -> bool:
    """True if a webhook or a mail receiver is set."""
    return bool(settings.alert_webhook.get_secret_value() or (settings.alert_smtp_host and settings.alert_to))


def send(alert: Alert, settings: Settings) -> None:
    """Send to every configured channel; StoreUnavailable if one still fails after three tries."""
    if settings.alert_webhook.get_secret_value():
        _post(alert, settings)
    if settings.alert_smtp_host and settings.alert_to:
        _mail(alert, settings)


_retried = retry(
    retry=retry_if_exception_type(StoreUnavailable),
    stop=stop_after_attempt(TRIES),
    wait=wait_exponential(multiplier=0.5, max=4),
    reraise=True,
)


@_retried
def _post(alert: Alert, settings: Settings) -> None:
    """Slack, Mattermost, Rocket.Chat and Teams' workflows read the field `text`."""
    request = urllib.request.Request(  # noqa: S310  # the setting must begin with http:// or https://
        settings.alert_webhook.get_secret_value(),
        data=json.dumps({"text": f"{alert.subject}\n{alert.body}"}).encode(),
        headers={"Content-Type": "application/json"},
        method="POST",
    )
    try:
        with urllib.request.urlopen(request, timeout=TIMEOUT_S):  # noqa: S310  # as above
            return
    except (urllib.error.URLError, OSError) as error:
        # without the URL: it is a secret, since everyone who knows it can post
        raise StoreUnavailable(f"The webhook rejected the alert: {error}. Check RECRUIT_ALERT_WEBHOOK") from error


@_retried
def _mail(alert: Alert, settings: Settings) -> None:
    message = EmailMessage()
    message["Subject"], message["From"], message["To"] = alert.subject, settings.alert_from, settings.alert_to
    message.set_content(alert.body)
    where = f"{settings.alert_smtp_host}:{settings.alert_smtp_port}"
    try:
        with smtplib.SMTP(settings.alert_smtp_host, settings.alert_smtp_port, timeout=TIMEOUT_S) as server:
            server.ehlo()
            if server.has_extn("starttls"):
                server.starttls(context=ssl.create_default_context())
            if settings.alert_smtp_user:
                server.login(settings.alert_smtp_user, settings.alert_smtp_password.get_secret_value())
            server.send_message(message)
    except (smtplib.SMTPException, OSError) as error:
        raise StoreUnavailable(
            f"Mail server {where} rejected the alert: {error}. Check RECRUIT_ALERT_SMTP_HOST and RECRUIT_ALERT_TO"
        ) from error

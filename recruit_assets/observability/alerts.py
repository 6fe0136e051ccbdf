"""Sends alerts through Apprise: RECRUIT_ALERT_URLS names Slack, Teams, mail and a hundred other services by URL.

`observability.troubles` decides what is worth one. Apprise is imported at the first use: it loads all of its services.
"""

import logging
import re
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

from recruit_assets.runtime.errors import UserError
from recruit_assets.runtime.foreign_text import printable
from recruit_assets.runtime.settings import Settings, variable

if TYPE_CHECKING:
    from apprise import NotifyBase

TIMEOUT_S = 20
"""A sensor's tick has 60 s."""
SETTING = variable("alert_urls")
_BETWEEN_URLS = re.compile(r"\s+|[,;](?=[a-z0-9]+://)", re.IGNORECASE)

# its errors quote URLs that it can't use; ours name them by their places
logging.getLogger("apprise").propagate = False
logging.getLogger("apprise").addHandler(logging.NullHandler())


@dataclass(frozen=True, slots=True)
class Alert:
    """A message: what has begun or is over in one line, and the details."""

    subject: str
    body: str
    is_end: bool = False
    """Whether it only says that something is over: services show it in green."""


def alert_urls(settings: Settings) -> Sequence[str]:
    """The URLs of the setting; each is a secret."""
    urls = _BETWEEN_URLS.split(settings.alert_urls.get_secret_value())
    return [stripped for url in urls if (stripped := url.strip(",; "))]


def channel_names(settings: Settings) -> Sequence[str]:
    """Names for the channels that reveal nothing: place and kind of the URL."""
    return [f"{number} {url.partition('://')[0][:20]}" for number, url in enumerate(alert_urls(settings), start=1)]


def check_channels(settings: Settings) -> None:
    """UserError, without the secret, if a URL isn't one that Apprise knows, or would send a password unencrypted."""
    if alert_urls(settings):
        _services(settings)


def send(alert: Alert, channels: Sequence[str], settings: Settings) -> Mapping[str, str]:
    """Send the alert to these channels in parallel; returns, for each one that didn't take it, why."""
    if not channels:
        return {}
    services = _services(settings)
    with ThreadPoolExecutor(len(channels)) as pool:
        reasons = pool.map(lambda channel: _send(alert, services[channel]), channels)
    return {channel: why for channel, why in zip(channels, reasons, strict=True) if why}


def _send(alert: Alert, service: "NotifyBase") -> str:
    """Why the channel didn't take the alert; empty if it did."""
    from apprise import Apprise, AppriseResultStatus, NotifyFormat, NotifyType

    result = Apprise(service).notify(
        title=printable(alert.subject),
        body=printable(alert.body, keep="\n"),
        body_format=NotifyFormat.TEXT,
        notify_type=NotifyType.SUCCESS if alert.is_end else NotifyType.FAILURE,
        timeout=TIMEOUT_S,
    )
    if result:
        return ""
    if result.status is AppriseResultStatus.TIMEOUT:
        return f"no answer within {TIMEOUT_S} s"
    # warnings name host and answer; Apprise keeps secrets to its debug log
    warnings = [printable(entry.message) for entry in result.logs()]
    return warnings[-1] if warnings else "it failed"


def _services(settings: Settings) -> Mapping[str, "NotifyBase"]:
    """By name, what Apprise makes of each URL."""
    from apprise import Apprise

    services = {}
    for name, url in zip(channel_names(settings), alert_urls(settings), strict=True):
        service = Apprise.instantiate(url)
        if service is None:
            raise UserError(
                f"Invalid setting: {SETTING}: URL {name}:// isn't one that Apprise can use. docs/operators.md has "
                "examples; the URLs are separated by spaces or commas, and special characters in them are %-encoded"
            )
        if service.password and getattr(service, "secure_mode", "") == "insecure":
            raise UserError(
                f"Invalid setting: {SETTING}: URL {name}:// would send the mail server's password unencrypted. Use "
                "mailtos://, which logs in only after STARTTLS"
            )
        services[name] = service
    return services

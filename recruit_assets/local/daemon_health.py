"""Noticing from outside that Dagster's daemon is silent: what it can't say itself.

Not here: what the daemon's own sensors notice (`sensors.alerts`), restarting it (`services`).
"""

import time
from collections.abc import Callable

import dagster as dg
from dagster._daemon.controller import get_daemon_statuses  # the UI shows the same; there is no public query

from recruit_assets.defs.sensors.alerts import failing_ticks
from recruit_assets.observability.alerts import Alert, is_configured, send
from recruit_assets.runtime.errors import StoreUnavailable
from recruit_assets.runtime.settings import Settings

LOOK_EVERY_S = 15.0
STARTING_S = 120.0
"""A daemon that was just started has sent no heartbeat yet."""

Echo = Callable[[str], object]


def silent_daemons(instance: dg.DagsterInstance) -> dict[str, str]:
    """The parts of the daemon that should run and weren't heard of for a while."""
    statuses = get_daemon_statuses(instance, instance.get_required_daemon_types(), ignore_errors=True)
    silent = sorted(name for name, status in statuses.items() if not status.healthy)
    return {"daemon": f"Dagster's daemon is silent: no heartbeat of {', '.join(silent)}"} if silent else {}


class SilenceWatch:
    """Says what is wrong, and sends it as an alert, when it begins and when it has ended."""

    def __init__(self, instance: dg.DagsterInstance, settings: Settings, echo: Echo) -> None:
        self._instance, self._settings, self._echo = instance, settings, echo
        self._next_look = time.monotonic() + STARTING_S
        self._known: dict[str, str] = {}

    def look(self) -> None:
        """To be called every second or so."""
        if time.monotonic() < self._next_look:
            return
        self._next_look = time.monotonic() + LOOK_EVERY_S
        found = silent_daemons(self._instance) | failing_ticks(self._instance)
        if found.keys() == self._known.keys():
            return
        self._known = found
        subject = "Events don't reach the report" if found else "Dagster's daemon works again"
        self._tell(Alert(subject, "\n".join(found.values())))

    def _tell(self, alert: Alert) -> None:
        self._echo(f"{alert.subject}. {alert.body}".strip())
        if is_configured(self._settings):
            try:
                send(alert, self._settings)
            except StoreUnavailable as error:
                self._echo(str(error))

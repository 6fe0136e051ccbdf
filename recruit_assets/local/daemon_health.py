"""Notices from outside that Dagster's daemon is down, or that its sensor no longer reads the change feed.

The alert sensors run in that daemon, so they can't report this. `local.supervisor` restarts the daemon.
"""

import time
from datetime import UTC, datetime

import dagster as dg

from recruit_assets.defs.runs import CDC_SENSOR
from recruit_assets.defs.sensors.alerts import unread_feed
from recruit_assets.observability.alerts import Alert, is_configured, send
from recruit_assets.runtime.echo import Echo
from recruit_assets.runtime.errors import StoreUnavailable
from recruit_assets.runtime.settings import Settings
from recruit_assets.stores.dagster.compat import sensor_cursors

EVALUATE_EVERY_S = 15.0
SILENT_AFTER_S = 1830.0
"""Dagster's own default: a heartbeat comes every 30 s, but a long tick may delay it."""
STARTING_S = 120.0
"""A daemon that has just started has sent no heartbeat and read no feed."""


def silent_daemons(instance: dg.DagsterInstance) -> dict[str, str]:
    """The required parts of the daemon without a recent heartbeat. `healthy` is also false for one with errors."""
    since = time.time() - SILENT_AFTER_S
    heartbeats = {name: status.last_heartbeat for name, status in instance.get_daemon_statuses().items()}
    silent = sorted(name for name, last in heartbeats.items() if last is None or last.timestamp < since)
    return {"daemon": f"Dagster's daemon is silent: no heartbeat of {', '.join(silent)}"} if silent else {}


def unread_change_feed(instance: dg.DagsterInstance) -> dict[str, str]:
    """That the sensor's last successful tick is too long ago. Its cursor is the time through which it read the feed."""
    checkpoints = [datetime.fromisoformat(cursor) for cursor in sensor_cursors(instance, CDC_SENSOR)]
    return unread_feed(max(checkpoints, default=None), now=datetime.now(UTC))


class DaemonWatch:
    """Reports a trouble when it begins and when it has ended: as a message, and as an alert."""

    def __init__(self, instance: dg.DagsterInstance, settings: Settings, echo: Echo) -> None:
        self._instance, self._settings, self._echo = instance, settings, echo
        self._next_at = time.monotonic() + STARTING_S
        self._known: dict[str, str] = {}

    def evaluate(self) -> None:
        """To be called every second or so."""
        if time.monotonic() < self._next_at:
            return
        self._next_at = time.monotonic() + EVALUATE_EVERY_S
        found = silent_daemons(self._instance) | unread_change_feed(self._instance)
        if found.keys() == self._known.keys():
            return
        self._known = found
        subject = "Events don't reach the report" if found else "Dagster's daemon works again"
        self._notify(Alert(subject, "\n".join(found.values())))

    def _notify(self, alert: Alert) -> None:
        self._echo(f"{alert.subject}. {alert.body}".strip())
        if is_configured(self._settings):
            try:
                send(alert, self._settings)
            except StoreUnavailable as error:
                self._echo(str(error))

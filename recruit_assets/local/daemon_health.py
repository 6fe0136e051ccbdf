"""Notices from outside that Dagster's daemon is down, or that its sensor no longer reads the change feed.

The alert sensors run in that daemon, so they can't report this. `local.supervisor` restarts the daemon.
"""

import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

import dagster as dg

from recruit_assets.defs.runs import CDC_SENSOR
from recruit_assets.defs.sensors.alerts import STANDSTILL as STANDSTILL_SENSOR
from recruit_assets.observability.alerts import SETTING, Alert, channel_names, send
from recruit_assets.observability.conditions import UNREAD_AFTER, unread_feed
from recruit_assets.observability.troubles import Memory, tell
from recruit_assets.runtime.echo import Echo
from recruit_assets.runtime.settings import Settings, as_utc
from recruit_assets.stores.dagster.compat import last_ticks, sensor_cursors
from recruit_assets.stores.dagster.heartbeats import heartbeats, silence, silent_parts

EVALUATE_EVERY_S = 15.0
TERMINAL = "terminal"
STARTING_S = 120.0
"""A daemon that has just started has sent no heartbeat and read no feed."""


def silent_daemons(instance: dg.DagsterInstance) -> dict[str, str]:
    """That a required part of the daemon has sent no heartbeat lately."""
    silent = silent_parts(heartbeats(instance), now=datetime.now(UTC))
    return {"daemon": silence(silent)} if silent else {}


def unread_change_feed(instance: dg.DagsterInstance) -> dict[str, str]:
    """That the sensor's last successful tick is too long ago. Its cursor is the time through which it read the feed.

    Nothing while `standstill_alert` ticks, which then reports it itself.
    """
    if any(datetime.now(UTC) - tick < UNREAD_AFTER for tick in last_ticks(instance, STANDSTILL_SENSOR)):
        return {}
    checkpoints = (_time_of(cursor) for cursor in sensor_cursors(instance, CDC_SENSOR))
    return unread_feed(max(filter(None, checkpoints), default=None), now=datetime.now(UTC))


def _time_of(cursor: str) -> datetime | None:
    """None for a cursor that a person edited: the sensor's next tick, in seconds, writes its own."""
    try:
        return as_utc(datetime.fromisoformat(cursor))
    except ValueError:
        return None


class DaemonWatch:
    """Reports a trouble when it begins and when it is over: as a message, and as an alert."""

    def __init__(self, instance: dg.DagsterInstance, settings: Settings, echo: Echo) -> None:
        self._instance, self._settings, self._echo = instance, settings, echo
        self._next_at = time.monotonic() + STARTING_S
        self._memory = Memory()
        self._failed: Mapping[str, str] = {}

    def evaluate(self) -> None:
        """To be called every second or so."""
        if time.monotonic() < self._next_at:
            return
        self._next_at = time.monotonic() + EVALUATE_EVERY_S
        found = silent_daemons(self._instance) | unread_change_feed(self._instance)
        outcome = tell(self._memory, found, [TERMINAL, *channel_names(self._settings)], self._send)
        self._memory = outcome.memory
        if outcome.failed != self._failed:
            self._failed = outcome.failed
            for name, why in outcome.failed.items():
                self._echo(f"{SETTING}: {name} didn't take the alert, which is sent again: {why}")

    def _send(self, alert: Alert, channels: Sequence[str]) -> Mapping[str, str]:
        if TERMINAL in channels:
            self._echo(alert.body)
        return send(alert, [one for one in channels if one != TERMINAL], self._settings)

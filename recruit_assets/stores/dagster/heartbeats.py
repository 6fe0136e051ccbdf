"""The heartbeats of Dagster's daemon, by which others see that it runs."""

from collections.abc import Collection, Mapping
from datetime import UTC, datetime, timedelta

import dagster as dg

SILENT_AFTER = timedelta(seconds=1830)
"""Dagster's own default: a heartbeat comes every 30 s, but a long tick may delay it."""


def heartbeats(instance: dg.DagsterInstance) -> dict[str, datetime | None]:
    """The last heartbeat of each required part of the daemon; None for one that has never run."""
    found = {name: status.last_heartbeat for name, status in instance.get_daemon_statuses().items()}
    return {name: datetime.fromtimestamp(last.timestamp, UTC) if last else None for name, last in found.items()}


def silent_parts(last: Mapping[str, datetime | None], *, now: datetime) -> list[str]:
    """The parts without a recent heartbeat. Dagster's own `healthy` is also false for one that has errors."""
    return sorted(name for name, at in last.items() if at is None or now - at > SILENT_AFTER)


def silence(silent: Collection[str]) -> str:
    """What is said of silent parts."""
    return f"Dagster's daemon is silent: no heartbeat of {', '.join(silent)}"

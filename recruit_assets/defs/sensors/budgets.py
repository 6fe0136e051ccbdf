"""The sensor that sends an alert when a budget's spend reaches 50, 75, 90 or 100 %, once each.

What was sent is in the report database, so it outlives the cursor, which only saves work: it has the version of each
month that was looked at. Late events change the version of an earlier month, and so may reach its thresholds too.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import partial

import dagster as dg

from recruit_assets.contract.budgets import Crossing
from recruit_assets.defs.resources import MySqlResource
from recruit_assets.defs.resources.base import settings_of
from recruit_assets.defs.sensors.connections import Warm
from recruit_assets.observability.alerts import SETTING, channel_names, check_channels, send
from recruit_assets.observability.budgets import messages
from recruit_assets.runtime.settings import Settings, load_settings
from recruit_assets.stores.mysql.budgets import month_versions, read_pacing, tell_crossings
from recruit_assets.stores.mysql.connection import ReportDatabase, open_report_database

INTERVAL_S = 10
"""About as long as an event takes to the report."""

database = Warm(open_report_database)
"""One of its own: the other alerts needn't wait for a channel that doesn't answer."""


@dg.sensor(
    name="budget_alert",
    minimum_interval_seconds=INTERVAL_S,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Sends an alert when a campaign or job has spent 50, 75, 90 and 100 % of its budget of a month.",
)
def budget_alert(context: dg.SensorEvaluationContext, mysql: MySqlResource) -> dg.SensorResult:
    settings = load_settings()
    check_channels(settings)
    with database.opened(settings_of(mysql.overrides)) as opened:
        look = evaluate(opened, context.cursor, settings)
    notes = [f"months with a budget: {look.months}, changed since the last look: {look.changed}"]
    for name, why in look.failed.items():
        notes.append(f"{SETTING}: {name} didn't take the alert, which is sent again: {why}")
        context.log.warning(notes[-1])
    if not channel_names(settings):
        notes.append(f"nothing is sent: {SETTING} isn't set")
    return dg.SensorResult(cursor=look.cursor, skip_reason="; ".join(notes))


@dataclass(frozen=True, slots=True)
class Look:
    """What a tick has found and done."""

    cursor: str
    months: int
    changed: int
    failed: Mapping[str, str]
    """For each channel that didn't take an alert, why."""


def evaluate(database: ReportDatabase, cursor: str | None, settings: Settings) -> Look:
    """Look at the months that have changed since the cursor was written, and tell the channels what they wait for."""
    # read first: what changes meanwhile is looked at again
    versions = {month.isoformat(): version for month, version in month_versions(database).items()}
    known = _parsed(cursor)
    changed = [date.fromisoformat(month) for month, version in versions.items() if known.get(month) != version]
    found = read_pacing(database, changed)
    failed = tell_crossings(database, found, channel_names(settings), partial(_send, settings=settings))
    return Look(json.dumps(versions), len(versions), len(changed), failed)


def _send(crossings: Sequence[Crossing], channels: Sequence[str], settings: Settings) -> Mapping[str, str]:
    failed: dict[str, str] = {}
    for alert, receivers in messages(crossings, channels).items():
        failed |= send(alert, receivers, settings)
    return failed


def _parsed(cursor: str | None) -> Mapping[str, str]:
    """Nothing for a text that a person edited: then every month is looked at, and nobody is told twice."""
    try:
        found = json.loads(cursor or "{}")
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}

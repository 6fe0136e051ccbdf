"""The downstream tables: recounted from the raw events, and which of their hours are as new as the report."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol

from recruit_assets.contract.tables import FUNNEL_ACTIONS, GRAIN
from recruit_assets.contract.types import DownstreamTable
from recruit_assets.hours.downstream import downstream_of
from recruit_assets.observability.audit.audit_db import AuditDatabase, Values, latest_text
from recruit_assets.observability.audit.results import EXAMPLES, Sample
from recruit_assets.runtime.settings import Settings
from recruit_assets.runtime.times import from_ms, naive
from recruit_assets.stores.cassandra.audit_reads import READ_COLUMNS
from recruit_assets.stores.mysql.audit_reads import ReportedHour
from recruit_assets.stores.mysql.connection import ReportDatabase
from recruit_assets.stores.mysql.downstream import downstream_rows, made_hours, stale_hours
from recruit_assets.transforms.found_jobs import JobFinder

LATE = timedelta(hours=1)
"""Much longer than it takes until the sensor asks for an hour."""

_IDS = [READ_COLUMNS.index(name) for name in GRAIN]
_TRACK, _ED, _DL, _RECEIVED_AT = (READ_COLUMNS.index(name) for name in ("custom_track", "ed", "dl", "received_at_ms"))


class Recount(Protocol):
    """Counts a downstream table a second time, in plain Python."""

    table: DownstreamTable

    def take(self, hour_ms: int, rows: Sequence[Values]) -> Iterable[Values]:
        """Rows of the table for some raw events of an hour; those with the same key are added up later."""


@dataclass(frozen=True, slots=True)
class DownstreamHours:
    """The hours of one table (naive UTC): those that are compared, and those that should have been made by now."""

    compared: frozenset[datetime] = frozenset()
    late: Sample = field(default_factory=Sample)
    stale: int = 0


class FunnelRecount:
    """Recounts funnel_actions."""

    table = FUNNEL_ACTIONS

    def __init__(self, actions: Sequence[str], jobs: JobFinder) -> None:
        self._actions = frozenset(actions)
        self._jobs = jobs

    def take(self, hour_ms: int, rows: Sequence[Values]) -> Iterable[Values]:
        """One row per event."""
        for row in rows:
            if row[_TRACK] not in self._actions:
                continue
            found = self._jobs.find([row[index] for index in _IDS], row[_ED], row[_DL])
            if found is not None:
                yield hour_text(hour_ms), *found.ids, row[_TRACK], 1, latest_text(row[_RECEIVED_AT] or 0)


def recounts_of(settings: Settings) -> list[Recount]:
    """A recount for each downstream table that the settings switch on."""
    if not settings.funnel_action_list:
        return []
    return [FunnelRecount(settings.funnel_action_list, JobFinder(settings.job_rules))]


def take_downstream(
    audit_db: AuditDatabase,
    database: ReportDatabase,
    settings: Settings,
    reported: Mapping[datetime, ReportedHour],
    *,
    now: datetime,
) -> dict[str, DownstreamHours]:
    """Copy the tables that are switched on; returns what of each can be compared, by name.

    Which hours are stale is asked before and after the rows are read, since they may be replaced meanwhile.
    """
    found = {}
    for one in downstream_of(settings):
        table, before = one.table, {naive(stale.hour) for stale in stale_hours(database, one)}
        for rows in downstream_rows(database, table):
            audit_db.add_downstream("reported", table, (_as_texts(table, row) for row in rows))
        stale = before | {naive(stale.hour) for stale in stale_hours(database, one)}
        late = sorted(hour for hour in stale if naive(now) - reported[hour].covered_through > LATE)
        found[table.name] = DownstreamHours(
            compared=frozenset(made_hours(database, table) - stale),
            late=Sample(len(late), tuple(_late(hour, reported[hour]) for hour in late[:EXAMPLES])),
            stale=len(stale),
        )
    return found


def hour_text(hour_ms: int) -> str:
    """An hour as the audit database has it."""
    return from_ms(hour_ms).strftime("%Y-%m-%d %H:%M:%S")


def _late(hour: datetime, reported: ReportedHour) -> str:
    return (
        f"{hour:%Y-%m-%d %H:%M}: the report was renewed at {reported.covered_through:%Y-%m-%d %H:%M:%S}, the hour "
        "wasn't made since then"
    )


def _as_texts(table: DownstreamTable, row: Values) -> Values:
    values = dict(zip(table.column_names, row, strict=True))
    values["event_hour"] = values["event_hour"].isoformat(sep=" ")
    values[table.updated_at] = values[table.updated_at].isoformat(sep=" ", timespec="milliseconds")
    return tuple(values.values())

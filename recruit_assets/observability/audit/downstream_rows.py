"""The downstream tables: recounted from the raw events, and which of their hours are as new as the report."""

from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from functools import partial
from typing import Protocol

from recruit_assets.contract.tables import FUNNEL_ACTIONS, JUDGED_TABLES
from recruit_assets.contract.types import DownstreamTable
from recruit_assets.hours.downstream import Downstream, downstream_of
from recruit_assets.hours.planning import HOUR
from recruit_assets.observability.audit.attributed_rows import JourneysRecount
from recruit_assets.observability.audit.attribution import job_of
from recruit_assets.observability.audit.audit_db import AuditDatabase, Values, as_texts, hour_text, latest_text
from recruit_assets.observability.audit.click_rows import ClickRecount
from recruit_assets.observability.audit.results import EXAMPLES, Sample
from recruit_assets.runtime.settings import Settings
from recruit_assets.runtime.times import naive
from recruit_assets.stores.cassandra.audit_reads import READ_COLUMNS
from recruit_assets.stores.mysql.audit_reads import rows_by
from recruit_assets.stores.mysql.connection import ReportDatabase
from recruit_assets.stores.mysql.downstream import made_hours, stale_hours
from recruit_assets.stores.mysql.end_dates import hours_to_reopen
from recruit_assets.transforms.click_judge import ClickJudge
from recruit_assets.transforms.found_jobs import JobFinder

LATE = timedelta(hours=1)
"""Much longer than it takes until the sensor asks for an hour."""

_TRACK, _RECEIVED_AT = READ_COLUMNS.index("custom_track"), READ_COLUMNS.index("received_at_ms")


class Recount(Protocol):
    """Counts a downstream table a second time, in plain Python."""

    table: DownstreamTable

    def take(self, hour_ms: int, rows: Sequence[Values]) -> Iterable[Values]:
        """Rows of the table for some raw events of an hour; those with the same key are added up later."""

    def rest(self) -> Iterable[Values]:
        """Rows that need all events, once all were taken."""


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
            found = job_of(row, self._jobs)
            if found is not None:
                yield hour_text(hour_ms), *found.ids, row[_TRACK], 1, latest_text(row[_RECEIVED_AT] or 0)

    def rest(self) -> Iterable[Values]:
        return ()


def recounts_of(settings: Settings, audit_db: AuditDatabase, last_days: Mapping[int, date]) -> list[Recount]:
    """A recount for each downstream table that the settings switch on. `last_days` are those of jobs."""
    jobs = JobFinder(settings.job_rules)
    recounts: list[Recount] = []
    if settings.funnel_action_list:
        recounts.append(FunnelRecount(settings.funnel_action_list, jobs))
    if settings.has_click_quality:
        recounts.append(ClickRecount(audit_db, jobs, rules=settings.click_rules, last_days=last_days))
    if settings.attribution_days:
        judge = partial(ClickJudge, settings.click_rules, last_days) if settings.has_click_quality else None
        recounts.append(JourneysRecount(audit_db, jobs, days=settings.attribution_days, judge=judge))
    return recounts


def take_downstream(
    audit_db: AuditDatabase,
    database: ReportDatabase,
    settings: Settings,
    *,
    now: datetime,
    frozen_before: datetime | None,
) -> dict[str, DownstreamHours]:
    """Copy the tables that are switched on; returns what of each can be compared, by name.

    Which hours are stale is asked before and after the rows are read, since they may be replaced meanwhile.
    """
    found = {}
    for one in downstream_of(settings):
        table, stale = one.table, stale_hours(database, one)
        for rows in rows_by(database, table, *table.hour_columns):
            audit_db.add_downstream("reported", table, as_texts(table, rows))
        since = {naive(each.hour): naive(each.since) for each in (*stale, *stale_hours(database, one))}
        late = sorted(hour for hour, at in since.items() if naive(now) - at > LATE)
        about_to_be: set[datetime] = set()
        if settings.has_click_quality and table in JUDGED_TABLES:
            about_to_be = {naive(hour) for hour in hours_to_reopen(database)}
        found[table.name] = DownstreamHours(
            compared=_comparable(made_hours(database, table), since.keys() | about_to_be, one, frozen_before),
            late=Sample(len(late), tuple(_late(hour, since[hour]) for hour in late[:EXAMPLES])),
            stale=len(since),
        )
    return found


def _comparable(
    made: set[datetime], stale: AbstractSet[datetime], one: Downstream, frozen_before: datetime | None
) -> frozenset[datetime]:
    """The hours whose events, and those of earlier hours that they depend on, are all known and all kept."""
    first = None if frozen_before is None else naive(frozen_before) + max(one.hours_before, one.looks_back) * HOUR
    unknown = {hour + number * HOUR for hour in stale for number in range(one.looks_back + 1)}
    return frozenset(hour for hour in made - unknown if first is None or hour >= first)


def _late(hour: datetime, since: datetime) -> str:
    return (
        f"{hour:%Y-%m-%d %H:%M}: what it depends on was renewed at {since:%Y-%m-%d %H:%M:%S}, the hour wasn't made "
        "since then"
    )

"""The raw events that Cassandra holds, and the hourly metrics that follow from them, counted in plain Python.

Counting is written a second time here on purpose, so that the audit can disagree with Spark (`transforms.hourly`).
"""

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import TypeVar
from zoneinfo import ZoneInfo

from recruit_assets.contract.measures import ACTION_SPELLINGS, COUNTS, MEASURES, SUMS
from recruit_assets.observability.audit.attribution import UNATTRIBUTED, FoundByHour, job_of
from recruit_assets.observability.audit.audit_db import AuditDatabase, Values
from recruit_assets.observability.audit.downstream_rows import Recount
from recruit_assets.observability.audit.event_digest import EventDigest
from recruit_assets.observability.audit.results import Progress
from recruit_assets.runtime.chunks import in_chunks
from recruit_assets.runtime.times import aware, to_ms
from recruit_assets.stores.cassandra.audit_reads import READ_COLUMNS
from recruit_assets.transforms.found_jobs import OWN_JOBS, JobFinder

ROWS_AT_ONCE = 2_000

Partition = tuple[datetime, int]
Grain = tuple[int, ...]
DayGrain = tuple[str, int]
"""Date and job."""
DateOf = Callable[[int], str]
Key = TypeVar("Key")

_EVENT_TIME, _RECEIVED_AT, _CREATE_TIME = (
    READ_COLUMNS.index(name) for name in ("event_time_ms", "received_at_ms", "create_time")
)
_FIRST_VALUE, _EXTRA = _CREATE_TIME + 1, READ_COLUMNS.index("extra")
_TRACK = READ_COLUMNS.index("custom_track")

_COUNTED = {count.action: MEASURES.index(count) for count in COUNTS}
"""By action: position of its count among the measures."""
_SUMMED = {
    count.action: [(MEASURES.index(one), READ_COLUMNS.index(one.of)) for one in SUMS if one.where is count]
    for count in COUNTS
}
"""By action: positions of each sum among the measures, and of the field that it adds up in the row."""


@dataclass(slots=True)
class Metrics:
    """The measures, in their order, of one job, publisher, campaign and group in one hour, or of a job on one day."""

    measures: list[int]
    latest_received_at_ms: int = 0


def take_rows(
    audit_db: AuditDatabase,
    partitions: Iterable[tuple[Partition, Iterator[Values]]],
    *,
    digest: EventDigest,
    date_of: DateOf,
    expected: int,
    progress: Progress,
    jobs: JobFinder = OWN_JOBS,
    found: FoundByHour | None = None,
    recounts: Collection[Recount] = (),
) -> int:
    """Copy every row into the audit database, with the metrics that follow; returns the number of rows.

    `found` gets the number of countable events by hour and rule.
    """
    found = {} if found is None else found
    read = 0
    for (hour, bucket), rows in partitions:
        hour_ms = to_ms(aware(hour))
        metrics: dict[Grain, Metrics] = {}
        days: dict[DayGrain, Metrics] = {}
        by_rule: Counter[int | None] = Counter()
        for chunk in in_chunks(rows, ROWS_AT_ONCE):
            audit_db.add_stored(
                (
                    hour_ms,
                    bucket,
                    row[_CREATE_TIME].bytes,
                    row[_EVENT_TIME],
                    digest.of(row[_FIRST_VALUE:_EXTRA], row[_EXTRA]),
                    row[_RECEIVED_AT],
                )
                for row in chunk
            )
            for recount in recounts:
                audit_db.add_downstream("recomputed", recount.table, recount.take(hour_ms, chunk))
            for row in chunk:
                by_rule[count_row(metrics, days, row, date_of=date_of, jobs=jobs)] += 1
            read += len(chunk)
            progress("rows in Cassandra", read, max(read, expected))
        found.setdefault(aware(hour), Counter()).update(
            {rule: count for rule, count in by_rule.items() if rule is not None}
        )
        audit_db.add_metrics(
            (hour_ms, *grain, *one.measures, one.latest_received_at_ms) for grain, one in metrics.items()
        )
        audit_db.add_days((*grain, *one.measures, one.latest_received_at_ms) for grain, one in days.items())
    for recount in recounts:
        audit_db.add_downstream("recomputed", recount.table, recount.rest())
    return read


def local_dates(zone: ZoneInfo) -> DateOf:
    """Returns the date that clocks in the zone showed, of a time in ms since the epoch."""

    @lru_cache(maxsize=2 * 3600)
    def of_second(second: int) -> str:
        return datetime.fromtimestamp(second, zone).strftime("%Y-%m-%d")

    return lambda instant_ms: of_second(instant_ms // 1000)


def count_row(
    metrics: dict[Grain, Metrics],
    days: dict[DayGrain, Metrics],
    row: Values,
    *,
    date_of: DateOf,
    jobs: JobFinder = OWN_JOBS,
) -> int | None:
    """Add a raw row to the metrics of its hour and day, if it has a countable action and a job. Null fields are 0.

    Returns the position of the rule that found the job, UNATTRIBUTED if none did, and None for another action.
    """
    action = ACTION_SPELLINGS.get(row[_TRACK])
    if action is None:
        return None
    found = job_of(row, jobs)
    if found is None:
        return UNATTRIBUTED
    _add(_of(metrics, found.ids), action, row)
    _add(_of(days, (date_of(row[_EVENT_TIME]), found.ids[0])), action, row)
    return found.rule


def _of(metrics: dict[Key, Metrics], grain: Key) -> Metrics:
    one = metrics.get(grain)
    if one is None:
        one = metrics[grain] = Metrics([0] * len(MEASURES))
    return one


def _add(one: Metrics, action: str, row: Values) -> None:
    one.measures[_COUNTED[action]] += 1
    for position, field in _SUMMED[action]:
        one.measures[position] += row[field] or 0
    one.latest_received_at_ms = max(one.latest_received_at_ms, row[_RECEIVED_AT] or 0)

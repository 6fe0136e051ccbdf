"""What Cassandra holds: its raw events, and the hourly metrics that follow from them, counted in plain Python.

Belongs here: which rows count, and for what; written a second time on purpose, beside `transforms.hourly`'s in Spark.
Not here: reading Cassandra (`stores.audit_reads`), the report's columns (`audit_db`).
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice

from recruit_assets.contract.measures import ACTION_SPELLINGS, Action
from recruit_assets.contract.tables import GRAIN
from recruit_assets.observability.audit.audit_db import AuditDatabase, Values
from recruit_assets.observability.audit.event_digest import content_of
from recruit_assets.observability.audit.results import Progress
from recruit_assets.stores.cassandra.audit_reads import READ_COLUMNS

ROWS_AT_ONCE = 2_000
ACTIONS = tuple(Action)
"""In the order of the scratch database's columns."""

Key = tuple[datetime, int]
Grain = tuple[int, ...]

_EVENT_TIME, _RECEIVED_AT, _CREATE_TIME = (
    READ_COLUMNS.index(name) for name in ("event_time_ms", "received_at_ms", "create_time")
)
_FIRST_VALUE, _EXTRA = _CREATE_TIME + 1, READ_COLUMNS.index("extra")
_TRACK, _BID = READ_COLUMNS.index("custom_track"), READ_COLUMNS.index("bid")
_JOB, *_OTHER_IDS = (READ_COLUMNS.index(name) for name in GRAIN)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(slots=True)
class Totals:
    """The counts of one hour's job, publisher, campaign and group."""

    actions: list[int]
    bid_sum: int = 0
    latest_received_at_ms: int = 0


def take_rows(
    audit_db: AuditDatabase, partitions: Iterable[tuple[Key, Iterator[Values]]], *, expected: int, progress: Progress
) -> int:
    """Take every row into the scratch database, with the metrics that follow; returns how many there are."""
    read = 0
    for (hour, bucket), rows in partitions:
        hour_ms = (hour.replace(tzinfo=UTC) - _EPOCH) // timedelta(milliseconds=1)
        totals: dict[Grain, Totals] = {}
        while chunk := list(islice(rows, ROWS_AT_ONCE)):
            audit_db.add_stored(
                (
                    hour_ms,
                    bucket,
                    row[_CREATE_TIME].bytes,
                    row[_EVENT_TIME],
                    content_of(row[_FIRST_VALUE:_EXTRA], row[_EXTRA]),
                    row[_RECEIVED_AT],
                )
                for row in chunk
            )
            for row in chunk:
                count_row(totals, row)
            read += len(chunk)
            progress("rows in Cassandra", read, max(read, expected))
        audit_db.add_metrics(
            (hour_ms, *grain, *one.actions, one.bid_sum, one.latest_received_at_ms) for grain, one in totals.items()
        )
    return read


def count_row(totals: dict[Grain, Totals], row: Values) -> None:
    """Add a raw row to the totals it counts for, if it counts: a countable action, of a job. Null ids, bids are 0."""
    action = ACTION_SPELLINGS.get(row[_TRACK])
    if action is None or row[_JOB] is None:
        return
    grain = (row[_JOB], *(row[index] or 0 for index in _OTHER_IDS))
    one = totals.get(grain)
    if one is None:
        one = totals[grain] = Totals([0] * len(ACTIONS))
    one.actions[ACTIONS.index(action)] += 1
    if action is Action.CLICK:
        one.bid_sum += row[_BID] or 0
    one.latest_received_at_ms = max(one.latest_received_at_ms, row[_RECEIVED_AT] or 0)

"""What the audit reads from Cassandra, a partition at a time."""

from collections import deque
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta

from cassandra.cluster import ResponseFuture

from recruit_assets.contract.events import EVENT_COLUMNS
from recruit_assets.contract.tables import EVENT_CHANGES, HOUR_COVERAGE, HOURLY_JOB_METRICS, RAW_EVENTS
from recruit_assets.runtime.times import aware
from recruit_assets.stores.cassandra.change_reader import ChangeReader
from recruit_assets.stores.cassandra.session import CassandraSession, Row, translated_errors

PAGE_ROWS = 2_000
PARTITIONS_IN_FLIGHT = 24
"""Partitions whose first page is requested while another partition is processed."""

READ_COLUMNS = ("event_time_ms", "received_at_ms", *(column.name for column in EVENT_COLUMNS), "extra")
"""The columns of a raw row as read here: instants in ms since the epoch, create_time as a UUID."""
_READ = ", ".join(
    (
        "toUnixTimestamp(event_time)",
        "toUnixTimestamp(received_at)",
        *(column.name for column in EVENT_COLUMNS),
        "extra",
    )
)


def stored_partitions(session: CassandraSession) -> Iterator[tuple[datetime, int]]:
    """The partitions of raw_events that have rows, in any hour; reads keys only."""
    key = ", ".join(RAW_EVENTS.partition_key)
    keys = session.stream(f"SELECT DISTINCT {key} FROM {session.table(RAW_EVENTS)}")
    return ((hour, bucket) for hour, bucket in keys)


def read_partitions(
    session: CassandraSession, keys: Iterable[tuple[datetime, int]]
) -> Iterator[tuple[tuple[datetime, int], Iterator[Row]]]:
    """Each partition with its rows (READ_COLUMNS), page by page; consume them before the next partition."""
    where = " AND ".join(f"{name} = ?" for name in RAW_EVENTS.partition_key)
    select = session.prepare(f"SELECT {_READ} FROM {session.table(RAW_EVENTS)} WHERE {where}")
    select.fetch_size = PAGE_ROWS
    in_flight: deque[tuple[tuple[datetime, int], ResponseFuture]] = deque()
    for key in keys:
        in_flight.append((key, session.driver.execute_async(select, key)))
        if len(in_flight) >= PARTITIONS_IN_FLIGHT:
            first, future = in_flight.popleft()
            yield first, _rows(future)
    while in_flight:
        first, future = in_flight.popleft()
        yield first, _rows(future)


def newest_changes(session: CassandraSession) -> dict[datetime, datetime]:
    """When each hour of the change feed changed last."""
    reader = ChangeReader(session)
    now = reader.now()
    newest: dict[datetime, datetime] = {}
    for page in reader.pages(now - timedelta(seconds=EVENT_CHANGES.ttl_s), now):
        for hour, changed_at in page.newest.items():
            newest[hour] = max(changed_at, newest.get(hour, changed_at))
    return newest


def versions_of_hours(session: CassandraSession) -> dict[datetime, int | None]:
    """How far each hour of hourly_job_metrics is complete (ms since the epoch); None while a run replaces it."""
    rows = session.stream(
        f"SELECT event_hour, stage, toUnixTimestamp(covered_through) FROM {session.table(HOUR_COVERAGE)}"
    )
    return {aware(hour): covered_ms for hour, stage, covered_ms in rows if stage == HOURLY_JOB_METRICS.name}


def _rows(future: ResponseFuture) -> Iterator[Row]:
    with translated_errors(f"read {RAW_EVENTS.name}"):
        yield from future.result()

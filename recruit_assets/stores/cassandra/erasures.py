"""The table erasures, and the events of a person: found by the index on uid, read, and freed of the person."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from recruit_assets.contract.privacy import Erasure
from recruit_assets.contract.tables import CONVERSION_CLICKS, ERASURES, RAW_EVENTS
from recruit_assets.runtime.chunks import in_chunks
from recruit_assets.runtime.errors import UserError
from recruit_assets.runtime.times import from_ms
from recruit_assets.stores.cassandra.session import CassandraSession, index_name

ID = 1
ROWS_AT_ONCE = 1_000
JOURNEY = ("person", "click_time", "click_create_time")
_KEY = (*RAW_EVENTS.partition_key, *RAW_EVENTS.clustering_key)


@dataclass(frozen=True, slots=True)
class StoredEvent:
    """The row of an event of raw_events, as far as an erasure needs it."""

    event_hour: datetime
    bucket: int
    create_time: UUID
    event_time_ms: int
    received_at_ms: int


def read_erasures(session: CassandraSession, *, after_ms: int = 0) -> list[Erasure]:
    """The erasures that are in force for events after this time."""
    rows = session.execute(
        f"SELECT person, salt, toUnixTimestamp(through) FROM {session.table(ERASURES)} WHERE id = %s AND through > %s",
        (ID, from_ms(after_ms)),
    )
    return [Erasure(*row) for row in rows]


def store_erasures(session: CassandraSession, erasures: Iterable[Erasure]) -> None:
    insert = f"INSERT INTO {session.table(ERASURES)} (id, through, person, salt) VALUES (%s, %s, %s, %s)"
    for one in erasures:
        session.execute(insert, (ID, from_ms(one.through_ms), one.person, one.salt))


def events_of(session: CassandraSession, names: Iterable[str]) -> Iterator[Mapping[str, Any]]:
    """The rows of raw_events with these uids, by column; nulls are left out."""
    columns = RAW_EVENTS.column_names
    for row in _found(session, ", ".join(columns), names):
        yield {name: value for name, value in zip(columns, row, strict=True) if value is not None}


def keys_of(session: CassandraSession, names: Iterable[str]) -> Iterator[StoredEvent]:
    """Where the events with these uids are stored, and their times."""
    wanted = f"{', '.join(_KEY)}, toUnixTimestamp(event_time), toUnixTimestamp(received_at)"
    return (StoredEvent(*row) for row in _found(session, wanted, names))


def delete_columns(
    session: CassandraSession, events: Iterable[StoredEvent], columns: Iterable[str], *, through_ms: int
) -> None:
    """Delete these columns of the events, whose rows stay.

    The deletions are newer than the events' records: a write that is still on its way doesn't bring the columns back.
    """
    where = " AND ".join(f"{name} = ?" for name in _KEY)
    delete = session.prepare(
        f"DELETE {', '.join(sorted(columns))} FROM {session.table(RAW_EVENTS)} USING TIMESTAMP ? WHERE {where}"
    )
    for chunk in in_chunks(events, ROWS_AT_ONCE):
        session.execute_batches(
            (delete, (max(through_ms, one.received_at_ms) * 1000, one.event_hour, one.bucket, one.create_time))
            for one in chunk
        )


def forget_journeys(session: CassandraSession, events: Iterable[StoredEvent]) -> None:
    """Delete who sent these applications, and after which click. A run that makes their hour anew doesn't find it."""
    key = (*CONVERSION_CLICKS.partition_key, *CONVERSION_CLICKS.clustering_key)
    where = " AND ".join(f"{name} = ?" for name in key)
    delete = session.prepare(f"DELETE {', '.join(JOURNEY)} FROM {session.table(CONVERSION_CLICKS)} WHERE {where}")
    for chunk in in_chunks(events, ROWS_AT_ONCE):
        calls = ((delete, (one.event_hour, one.create_time, one.event_time_ms)) for one in chunk)
        session.execute_concurrent(calls)


def _found(session: CassandraSession, wanted: str, names: Iterable[str]) -> Iterator[Sequence[Any]]:
    column = require_index(session)
    select = session.prepare(f"SELECT {wanted} FROM {session.table(RAW_EVENTS)} WHERE {column} = ?")
    for name in sorted(names):
        yield from session.stream(select, (name,))


def require_index(session: CassandraSession) -> str:
    """The column by which people's events are found; UserError without its index: a search would read every event."""
    (column,) = RAW_EVENTS.indexes
    if index_name(RAW_EVENTS, column) not in session.indexes():
        raise UserError(
            f"Cassandra table {session.table(RAW_EVENTS)} has no index on {column}: run `recruit-assets schema apply`"
        )
    return column

"""The table retention, which has every change of RECRUIT_RETENTION_DAYS, and the time to live of the hours' tables."""

import logging

from recruit_assets.contract.retention import Retention, RetentionChange, time_to_live_s
from recruit_assets.contract.tables import CASSANDRA_TABLES, RETENTION
from recruit_assets.runtime.errors import UserError
from recruit_assets.runtime.times import from_ms
from recruit_assets.stores.cassandra.session import CassandraSession

log = logging.getLogger(__name__)


def read_retention(session: CassandraSession) -> Retention:
    """All changes so far."""
    rows = session.execute(f"SELECT toUnixTimestamp(stored_at), days FROM {session.table(RETENTION)}")
    return Retention(tuple(sorted(RetentionChange(from_ms(stored_at), days) for stored_at, days in rows)))


def apply_retention(session: CassandraSession, days: int, *, may_change: bool) -> None:
    """Give the tables the time to live of these days, and store the change.

    UserError if other days are in force and this caller may not change them: a shell or service that lacks the setting
    must not switch the retention off.
    """
    stored = read_retention(session)
    if days == stored.days:
        _set_time_to_live(session, days)
        return
    if not may_change:
        require_retention(stored, days, keyspace=session.keyspace)
    # killed in between, rows must live longer than the stored days say
    if days and (not stored.days or days < stored.days):
        _store(session, days)
        _set_time_to_live(session, days)
    else:
        _set_time_to_live(session, days)
        _store(session, days)
    log.warning("RECRUIT_RETENTION_DAYS was %d and is now %d; in force within 3 hours", stored.days, days)


def require_retention(stored: Retention, days: int, *, keyspace: str) -> None:
    """UserError if other days are in force than these."""
    if stored.changes and days != stored.days:
        raise UserError(
            f"RECRUIT_RETENTION_DAYS is {days}, but the schema of keyspace {keyspace} has {stored.days}: set "
            f"it to {stored.days}, or change the schema with `recruit-assets schema apply`"
        )


def _store(session: CassandraSession, days: int) -> None:
    insert = f"INSERT INTO {session.table(RETENTION)} (stored_at, days) VALUES (toTimestamp(now()), %s)"
    session.execute(insert, (days,))


def _set_time_to_live(session: CassandraSession, days: int) -> None:
    wanted_s = time_to_live_s(days)
    rows = session.execute(
        "SELECT table_name, default_time_to_live FROM system_schema.tables WHERE keyspace_name = %s",
        (session.keyspace,),
    )
    existing: dict[str, int] = dict(rows)
    for table in CASSANDRA_TABLES:
        if table.is_of_hours and existing[table.name] != wanted_s:
            session.execute(f"ALTER TABLE {session.table(table)} WITH default_time_to_live = {wanted_s}")

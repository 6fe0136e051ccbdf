"""Cassandra: the nodes, the keyspace, and what was stored of the settings."""

from contextlib import AbstractContextManager
from datetime import UTC, datetime
from uuid import uuid4

from recruit_assets.observability.doctor.decisions import cassandra as decisions
from recruit_assets.observability.doctor.decisions import clocks, schema, versions
from recruit_assets.observability.doctor.examine import Check, Subject
from recruit_assets.observability.doctor.verdict import Verdict, ok
from recruit_assets.runtime.errors import StoreUnavailable
from recruit_assets.runtime.settings import Settings
from recruit_assets.runtime.times import from_ms
from recruit_assets.stores.cassandra.change_reader import ChangeReader
from recruit_assets.stores.cassandra.cluster import keyspace_replicas, read_nodes
from recruit_assets.stores.cassandra.erasures import keys_of
from recruit_assets.stores.cassandra.privacy import read_privacy
from recruit_assets.stores.cassandra.retention import read_retention, require_retention
from recruit_assets.stores.cassandra.schema import cassandra_differences
from recruit_assets.stores.cassandra.session import CassandraSession, open_session
from recruit_assets.transforms.privacy import privacy_of, require_privacy

KEYSPACE, TABLES = "keyspace", "tables"


def cassandra(settings: Settings, *, remedy: str) -> Subject[CassandraSession]:
    def opened() -> AbstractContextManager[CassandraSession]:
        return open_session(settings)

    return Subject("Cassandra", opened, checks(settings), remedy)


def checks(settings: Settings) -> tuple[Check[CassandraSession], ...]:
    return (
        Check("reachable", lambda session: _reachable(session, settings)),
        Check("version", lambda session: versions.version("Cassandra", *read_nodes(session).versions)),
        Check("nodes", lambda session: decisions.nodes(read_nodes(session))),
        Check("clock", _clock),
        Check(KEYSPACE, lambda session: _keyspace(session, settings)),
        Check(TABLES, lambda session: schema.tables(cassandra_differences(session)), needs=(KEYSPACE,)),
        Check("retention", lambda session: _retention(session, settings), needs=(TABLES,)),
        Check("privacy", lambda session: _privacy(session, settings), needs=(TABLES,)),
        Check("person index", _person_index, needs=(TABLES,)),
        Check("change feed", _changes_ahead, needs=(TABLES,)),
    )


def _reachable(session: CassandraSession, settings: Settings) -> Verdict:
    session.now_ms()  # a connection alone proves little
    return ok(f"{settings.cassandra_hosts}, port {settings.cassandra_port}")


def _clock(session: CassandraSession) -> Verdict:
    before = datetime.now(UTC)
    theirs = from_ms(session.now_ms())
    return clocks.clock("Cassandra", clocks.ClockReading(theirs, before, datetime.now(UTC)))


def _keyspace(session: CassandraSession, settings: Settings) -> Verdict:
    found = keyspace_replicas(session)
    return decisions.replication(found, settings.cassandra_replicas, keyspace=session.keyspace)


def _retention(session: CassandraSession, settings: Settings) -> Verdict:
    stored = read_retention(session)
    require_retention(stored, settings.retention_days, keyspace=session.keyspace)
    return decisions.retention(stored.days, wanted=settings.retention_days)


def _privacy(session: CassandraSession, settings: Settings) -> Verdict:
    *_, stored = read_privacy(session)
    require_privacy(stored, privacy_of(settings).in_force)
    return ok(f"RECRUIT_PRIVACY {stored.mode} is in force")


def _person_index(session: CassandraSession) -> Verdict:
    """Searches for nobody, as the privacy commands search for somebody: an index that is there may not answer."""
    try:
        next(keys_of(session, [uuid4().hex]), None)
    except StoreUnavailable as error:
        return decisions.unanswering_index(str(error))
    return ok("a person's events can be found")


def _changes_ahead(session: CassandraSession) -> Verdict:
    reader = ChangeReader(session)
    return decisions.changes_ahead(reader.hours_ahead(reader.now()))

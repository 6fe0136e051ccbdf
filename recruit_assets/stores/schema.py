"""The schema of all stores: topics, keyspace and report database, created, upgraded and compared with the contract."""

from collections.abc import Sequence

from pymysql.cursors import Cursor

from recruit_assets.contract.types import CassandraTable, HourlySqlTable, SqlTable
from recruit_assets.runtime.settings import Settings
from recruit_assets.runtime.times import from_ms
from recruit_assets.stores.cassandra import schema as cassandra_schema
from recruit_assets.stores.cassandra.attribution import apply_rules, note_pending
from recruit_assets.stores.cassandra.schema import complete_cassandra_tables, create_cassandra_tables
from recruit_assets.stores.cassandra.session import CassandraSession, open_session
from recruit_assets.stores.kafka.topics import ensure_topics
from recruit_assets.stores.migrations import MIGRATIONS
from recruit_assets.stores.migrations.runner import Migration, run_migrations
from recruit_assets.stores.mysql import schema as mysql_schema
from recruit_assets.stores.mysql.connection import address
from recruit_assets.stores.mysql.known_topics import record_topic
from recruit_assets.stores.mysql.pending_hours import reopen_all_hours
from recruit_assets.stores.mysql.schema import (
    LOCK_WAIT_S,
    complete_mysql_tables,
    create_mysql_tables,
    open_schema_session,
)
from recruit_assets.stores.mysql.schema_version import refuse_newer, stored_version


def apply_schema(
    settings: Settings,
    migrations: Sequence[Migration] = MIGRATIONS,
    *,
    rerun: bool = False,
    may_change_settings: bool = False,
    lock_wait_s: int = LOCK_WAIT_S,
) -> None:
    """Create or upgrade everything, one process at a time; `rerun` runs migrations again that are recorded as applied.

    A new installation goes the same way: its tables are created from the contract, and migrations find nothing to do.
    If it is killed, a second call finishes the work. SchemaMismatch if something exists and differs, StoreUnavailable
    if a store is down or another process holds the lock, UserError if a newer program made the schema, or
    if RECRUIT_RETENTION_DAYS, RECRUIT_PRIVACY, RECRUIT_REPORT_TIMEZONE or RECRUIT_ATTRIBUTION differs from what is
    stored and the caller may not change it.
    """
    topic = ensure_topics(settings)
    with open_session(settings) as session, open_schema_session(settings, lock_wait_s=lock_wait_s) as cursor:
        stored = stored_version(cursor)
        refuse_newer(stored, known=len(migrations), where=address(settings))
        # first, since an unfinished installation may lack tables that the migrations change
        create_cassandra_tables(session, settings)
        create_mysql_tables(cursor)
        run_migrations(session, cursor, migrations, after_version=0 if rerun else stored)
        complete_cassandra_tables(session, settings, may_change_settings=may_change_settings)
        complete_mysql_tables(cursor, settings, may_change_settings=may_change_settings)
        record_topic(cursor, settings.kafka_topic, topic.topic_id)
        _apply_rules(session, cursor, settings, may_change=may_change_settings)


def _apply_rules(session: CassandraSession, cursor: Cursor, settings: Settings, *, may_change: bool) -> None:
    """Put RECRUIT_ATTRIBUTION in force, and make the hours pending that other rules computed.

    Runs with the old rules fail from now on. So an hour that is covered later than it became pending has the new ones.
    """
    rules = apply_rules(session, settings.job_rules, may_change=may_change)
    if rules.hours_are_left:
        reopen_all_hours(cursor, now=from_ms(session.now_ms()))
        cursor.connection.commit()
        note_pending(session, rules)


def create_tables(settings: Settings, *tables: CassandraTable | SqlTable) -> None:
    """Apply the schema, then create those of a project's own tables that are missing.

    Each HourlySqlTable gets its coverage and applied tables. Existing tables of the project aren't compared or changed.
    """
    apply_schema(settings)
    with open_session(settings) as session, open_schema_session(settings) as cursor:
        for table in tables:
            if isinstance(table, CassandraTable):
                session.execute(cassandra_schema.create_table(settings.cassandra_keyspace, table))
                continue
            cursor.execute(mysql_schema.create_table(table))
            if isinstance(table, HourlySqlTable):
                for own in (table.coverage, *(lookup.applied for lookup in table.lookups)):
                    cursor.execute(mysql_schema.create_table(own))

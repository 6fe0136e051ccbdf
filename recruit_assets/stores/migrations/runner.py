"""Runs the migrations that an installation lacks."""

import logging
from collections.abc import Sequence
from typing import Protocol

from pymysql.cursors import Cursor

from recruit_assets.stores.cassandra.session import CassandraSession
from recruit_assets.stores.mysql.schema_version import record_version

log = logging.getLogger(__name__)


class Migration(Protocol):
    """A module of this folder. Both functions are additive, and idempotent: neither store can undo half a migration.

    All tables of the contract exist when they run, some perhaps in a later form: one may have been created just now.
    """

    __name__: str

    def cassandra(self, session: CassandraSession) -> None: ...

    def mysql(self, cursor: Cursor) -> None: ...


def run_migrations(
    session: CassandraSession, cursor: Cursor, migrations: Sequence[Migration], *, after_version: int
) -> None:
    """Run the later ones in order. A version is recorded once both stores have it, so a killed migration runs again.

    Cassandra comes first: a program must not find the version in MySQL before Cassandra has the columns.
    """
    for version, migration in enumerate(migrations, start=1):
        if version <= after_version:
            continue
        name = migration.__name__.rpartition(".")[2]
        migration.cassandra(session)
        migration.mysql(cursor)
        record_version(cursor, version, name)
        cursor.connection.commit()
        log.info("the schema has version %d now (%s)", version, name)

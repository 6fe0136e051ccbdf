"""Runs the migrations that an installation lacks."""

import logging
from collections.abc import Sequence
from typing import Protocol

from pymysql.cursors import Cursor

from recruit_assets.stores.cassandra.session import CassandraSession
from recruit_assets.stores.mysql.schema_version import record_version

log = logging.getLogger(__name__)


class Migration(Protocol):
    """A module of this folder. Both functions are idempotent and lose no row: neither store can roll DDL back.

    Every table of the contract exists when they run. A table that was just created already has its final form.
    """

    __name__: str

    def cassandra(self, session: CassandraSession) -> None: ...

    def mysql(self, cursor: Cursor) -> None: ...


def run_migrations(
    session: CassandraSession, cursor: Cursor, migrations: Sequence[Migration], *, after_version: int
) -> None:
    """Run the migrations after that version, in order.

    A version is recorded once both stores have it, so a migration that was killed halfway runs again.
    """
    for version, migration in enumerate(migrations, start=1):
        if version <= after_version:
            continue
        name = migration.__name__.rpartition(".")[2]
        migration.cassandra(session)
        migration.mysql(cursor)
        record_version(cursor, version, name)
        cursor.connection.commit()
        log.info("the schema is now at version %d (%s)", version, name)

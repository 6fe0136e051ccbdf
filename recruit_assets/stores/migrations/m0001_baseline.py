"""The schema from before migrations: an installation without a recorded version has it already."""

from pymysql.cursors import Cursor

from recruit_assets.stores.cassandra.session import CassandraSession


def cassandra(session: CassandraSession) -> None:
    """Nothing to change."""


def mysql(cursor: Cursor) -> None:
    """Nothing to change."""

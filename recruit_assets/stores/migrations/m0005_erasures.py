"""From this version on, ingest knows the table erasures: an earlier one would store again what was erased.

The table and the index that finds a person's events are created from the contract.
"""

from pymysql.cursors import Cursor

from recruit_assets.stores.cassandra.session import CassandraSession


def cassandra(session: CassandraSession) -> None:
    """Nothing to change."""


def mysql(cursor: Cursor) -> None:
    """Nothing to change."""

"""An index that finds the hours that are covered in the future: the sensor looks for them at every tick."""

from pymysql.cursors import Cursor

from recruit_assets.stores.cassandra.session import CassandraSession
from recruit_assets.stores.migrations.steps import add_mysql_index


def cassandra(session: CassandraSession) -> None:
    """Nothing to change."""


def mysql(cursor: Cursor) -> None:
    add_mysql_index(cursor, "report_hours", "covered_through")

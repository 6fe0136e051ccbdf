"""dead_letter_replays gets a row for each replay, with the place of the record that was sent again.

A row of version 1 stands for all replays of its origin, whose time it doesn't tell.
"""

from pymysql.cursors import Cursor

from recruit_assets.stores.cassandra.session import CassandraSession
from recruit_assets.stores.migrations.steps import add_mysql_column, has_mysql_index
from recruit_assets.stores.mysql.schema import index_name

TABLE = "dead_letter_replays"
COLUMNS = {
    "kafka_timestamp_ms": "bigint NOT NULL DEFAULT 0",
    "replay_partition": "int",
    "replay_offset": "bigint",
    "replay_timestamp_ms": "bigint",
}
PRIMARY_KEY = "topic, kafka_partition, kafka_offset, kafka_timestamp_ms, attempts"
INDEX = ("topic", "replay_partition", "replay_offset")


def cassandra(session: CassandraSession) -> None:
    """Nothing to change."""


def mysql(cursor: Cursor) -> None:
    for column, definition in COLUMNS.items():
        add_mysql_column(cursor, TABLE, column, definition)
    # an index is added and the primary key changed in one statement, so the index tells whether it is done
    if not has_mysql_index(cursor, TABLE, *INDEX):
        cursor.execute(
            f"ALTER TABLE {TABLE} DROP PRIMARY KEY, ADD PRIMARY KEY ({PRIMARY_KEY}), "
            f"ADD KEY {index_name(INDEX)} ({', '.join(INDEX)})"
        )

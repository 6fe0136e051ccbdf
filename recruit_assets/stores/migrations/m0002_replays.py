"""dead_letter_replays gets a row for each replay, with the place of the record that was sent again.

A row of version 1 stands for all replays of its origin, whose time it doesn't tell.
"""

from pymysql.cursors import Cursor

from recruit_assets.stores.cassandra.session import CassandraSession
from recruit_assets.stores.migrations.steps import add_mysql_column

TABLE = "dead_letter_replays"
COLUMNS = {
    "kafka_timestamp_ms": "bigint NOT NULL DEFAULT 0",
    "replay_partition": "int",
    "replay_offset": "bigint",
    "replay_timestamp_ms": "bigint",
}
PRIMARY_KEY = "topic, kafka_partition, kafka_offset, kafka_timestamp_ms, attempts"
INDEX = "topic, replay_partition, replay_offset"


def cassandra(session: CassandraSession) -> None:
    """Nothing to change."""


def mysql(cursor: Cursor) -> None:
    for column, definition in COLUMNS.items():
        add_mysql_column(cursor, TABLE, column, definition)
    # an index is added and the primary key changed in one statement, so the index tells whether it is done
    index = f"by_{INDEX.replace(', ', '_')}"
    if not cursor.execute(f"SHOW INDEX FROM {TABLE} WHERE key_name = %s", (index,)):
        cursor.execute(
            f"ALTER TABLE {TABLE} DROP PRIMARY KEY, ADD PRIMARY KEY ({PRIMARY_KEY}), ADD KEY {index} ({INDEX})"
        )

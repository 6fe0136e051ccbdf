"""Steps that migrations are made of, each idempotent."""

from pymysql.cursors import Cursor

from recruit_assets.stores.cassandra.session import CassandraSession, quoted
from recruit_assets.stores.mysql.schema import index_name


def add_cassandra_column(session: CassandraSession, table: str, column: str, type: str) -> None:
    """Add a regular column; old rows have null."""
    session.execute(f"ALTER TABLE {quoted(session.keyspace)}.{table} ADD IF NOT EXISTS {column} {type}")


def add_mysql_column(cursor: Cursor, table: str, column: str, definition: str) -> None:
    """Add a column; NOT NULL needs a DEFAULT, for old rows and for writers that don't know it yet."""
    # MySQL has no ADD COLUMN IF NOT EXISTS
    if not cursor.execute(
        "SELECT 1 FROM information_schema.columns "
        "WHERE table_schema = DATABASE() AND table_name = %s AND column_name = %s",
        (table, column),
    ):
        cursor.execute(f"ALTER TABLE {table} ADD COLUMN {column} {definition}")


def add_mysql_index(cursor: Cursor, table: str, *columns: str) -> None:
    """Add an index, with the name that the contract's tables give it, while others read and write the table."""
    if not has_mysql_index(cursor, table, *columns):
        name = index_name(columns)
        cursor.execute(f"ALTER TABLE {table} ADD INDEX {name} ({', '.join(columns)}), ALGORITHM=INPLACE, LOCK=NONE")


def drop_mysql_index(cursor: Cursor, table: str, *columns: str) -> None:
    """Drop an index that nothing uses any more, while others read and write the table."""
    if has_mysql_index(cursor, table, *columns):
        name = index_name(columns)
        cursor.execute(f"ALTER TABLE {table} DROP INDEX {name}, ALGORITHM=INPLACE, LOCK=NONE")


def has_mysql_index(cursor: Cursor, table: str, *columns: str) -> bool:
    """Whether the table has the index that the contract's tables would give these columns."""
    return bool(
        cursor.execute(
            "SELECT 1 FROM information_schema.statistics "
            "WHERE table_schema = DATABASE() AND table_name = %s AND index_name = %s",
            (table, index_name(columns)),
        )
    )

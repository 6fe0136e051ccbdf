"""An installation of commit 4ff88f8, from before there were migrations, with rows in every table of both stores."""

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

from pymysql.cursors import Cursor

from recruit_assets.runtime.settings import Settings
from recruit_assets.stores.cassandra.session import CassandraSession
from recruit_assets.stores.mysql.connection import connect

STATEMENTS = Path(__file__).parents[1] / "integration" / "schema_4ff88f8"
"""What the code of that commit sent to the stores, with NAME for the keyspace and the database."""
Row = dict[str, Any]
Tables = dict[str, list[Row]]
TIME = datetime(2026, 1, 5, 7, tzinfo=UTC)
CQL_VALUES: Mapping[str, object] = {
    "int": 7,
    "bigint": 7_000_000_000,
    "text": "a text",
    "timeuuid": UUID("3f2504e0-4f89-11d3-9a0c-0305e82c3301"),
    "uuid": UUID("3f2504e0-4f89-41d3-9a0c-0305e82c3301"),
    "date": date(2026, 1, 5),
    "timestamp": TIME,
    "frozen<set<int>>": {1, 2},
    "map<int, bigint>": {1: 2},
    "frozen<map<int, frozen<list<bigint>>>>": {1: [2, 3]},
}
SQL_VALUES: Mapping[str, object] = {
    "int": 7,
    "bigint": 7_000_000_000,
    "double": 0.5,
    "varchar": "a text",
    "datetime": TIME.replace(tzinfo=None),
}


def install_cassandra(session: CassandraSession) -> None:
    for statement in _statements("cassandra.cql", session.keyspace):
        session.execute(statement)
    for table, columns in _cassandra_columns(session).items():
        values = [CQL_VALUES[type] for type in columns.values()]
        insert = f"INSERT INTO {_named(session, table)} ({', '.join(columns)}) VALUES ({_markers(values)})"
        session.execute(session.prepare(insert.replace("%s", "?")), values)


def install_mysql(settings: Settings) -> None:
    with connect(settings, database=None) as connection, connection.cursor() as cursor:
        for statement in _statements("mysql.sql", settings.mysql_database):
            cursor.execute(statement)
        for table, columns in _mysql_columns(cursor).items():
            values = [SQL_VALUES[type] for type in columns.values()]
            cursor.execute(f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({_markers(values)})", values)
        connection.commit()


def cassandra_rows(session: CassandraSession) -> Tables:
    """Every row of every table."""
    return {
        table: [
            dict(zip(columns, row, strict=True))
            for row in session.execute(f"SELECT {', '.join(columns)} FROM {_named(session, table)}")
        ]
        for table, columns in _cassandra_columns(session).items()
    }


def mysql_rows(settings: Settings) -> Tables:
    """Every row of every table, but not of applied_views, which changes with the views."""
    found: Tables = {}
    with connect(settings, database=settings.mysql_database) as connection, connection.cursor() as cursor:
        for table, columns in _mysql_columns(cursor).items():
            cursor.execute(f"SELECT {', '.join(columns)} FROM {table}")
            found[table] = [dict(zip(columns, row, strict=True)) for row in cursor.fetchall()]
    del found["applied_views"]
    return found


def lost(before: Tables, after: Tables) -> list[tuple[str, Row]]:
    """Rows that are gone or have another value; columns may have been added."""
    return [
        (table, row)
        for table, rows in before.items()
        for row in rows
        if not any(all(other[column] == value for column, value in row.items()) for other in after[table])
    ]


def cassandra_shape(session: CassandraSession) -> list[Sequence[object]]:
    """Tables with their options, and columns; without comments, which are prose."""
    queries = (
        "SELECT table_name, column_name, type, kind, position, clustering_order FROM system_schema.columns",
        "SELECT table_name, default_time_to_live, gc_grace_seconds, compaction, compression, caching, flags "
        "FROM system_schema.tables",
        "SELECT table_name, index_name, kind, options FROM system_schema.indexes",
        "SELECT type_name, field_names, field_types FROM system_schema.types",
    )
    return [
        row for query in queries for row in session.execute(f"{query} WHERE keyspace_name = %s", (session.keyspace,))
    ]


def mysql_shape(settings: Settings) -> list[Sequence[object]]:
    """Tables, columns, indexes and views; without comments, which are prose."""
    queries = (
        "SELECT table_name, table_type, engine, table_collation FROM information_schema.tables",
        "SELECT table_name, ordinal_position, column_name, column_default, is_nullable, column_type, collation_name, "
        "column_key, extra FROM information_schema.columns",
        "SELECT table_name, index_name, seq_in_index, column_name, non_unique FROM information_schema.statistics",
        f"SELECT table_name, security_type, REPLACE(view_definition, '`{settings.mysql_database}`', '') "
        "FROM information_schema.views",
    )
    found: list[Sequence[object]] = []
    with connect(settings, database=settings.mysql_database) as connection, connection.cursor() as cursor:
        for query in queries:
            cursor.execute(f"{query} WHERE table_schema = DATABASE() ORDER BY 1, 2, 3")
            found += cursor.fetchall()
    return found


def _statements(file: str, name: str) -> list[str]:
    text = (STATEMENTS / file).read_text().replace("NAME", name)
    return [statement for statement in text.split(";\n") if statement]


def _cassandra_columns(session: CassandraSession) -> dict[str, dict[str, str]]:
    rows = session.execute(
        "SELECT table_name, column_name, type FROM system_schema.columns WHERE keyspace_name = %s", (session.keyspace,)
    )
    return _by_table(rows)


def _mysql_columns(cursor: Cursor) -> dict[str, dict[str, str]]:
    cursor.execute(
        "SELECT c.table_name, column_name, data_type FROM information_schema.columns c "
        "JOIN information_schema.tables t USING (table_schema, table_name) "
        "WHERE table_schema = DATABASE() AND table_type = 'BASE TABLE' ORDER BY 1, ordinal_position"
    )
    return _by_table(cursor.fetchall())


def _by_table(rows: Sequence[tuple[Any, ...]]) -> dict[str, dict[str, str]]:
    tables: dict[str, dict[str, str]] = {}
    for table, column, type in rows:
        tables.setdefault(table, {})[column] = type
    return tables


def _named(session: CassandraSession, table: str) -> str:
    return f'"{session.keyspace}".{table}'


def _markers(values: Sequence[object]) -> str:
    return ", ".join(["%s"] * len(values))

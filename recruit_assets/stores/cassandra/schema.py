"""The keyspace and its tables, derived from the contract: created, completed by new columns, and otherwise compared.

Belongs here: CQL types, DDL, and the comparison with what exists. Not here: what the tables are (`contract`), rows.
"""

from datetime import datetime

from recruit_assets.contract.tables import BUCKET_LAYOUT, CASSANDRA_TABLES
from recruit_assets.contract.types import CassandraTable, Column, Type
from recruit_assets.runtime.errors import SchemaMismatch
from recruit_assets.runtime.settings import Settings
from recruit_assets.stores.cassandra.session import CassandraSession, quoted

CQL_TYPES = {
    Type.INT: "int",
    Type.BIGINT: "bigint",
    Type.DOUBLE: "double",
    Type.TEXT: "text",
    Type.TIMEUUID: "timeuuid",
    Type.UUID: "uuid",
    Type.DATE: "date",
    Type.TIMESTAMP: "timestamp",
    Type.INT_SET: "frozen<set<int>>",
    Type.BIGINT_BY_INT: "map<int, bigint>",
    Type.BIGINTS_BY_INT: "frozen<map<int, frozen<list<bigint>>>>",
}

FIRST_LAYOUT = (24, 2)
"""Slices and shards of the first layout: 48 partitions an hour hold 4.8 million events under 100,000 rows each.

A sensor's run reads the current slice whole, so more slices make fresher reports; more buckets make every hour slower.
"""


def create_table(keyspace: str, table: CassandraTable) -> str:
    """The CREATE TABLE statement of a contract table."""
    columns = ", ".join(f"{column.name} {CQL_TYPES[column.type]}" for column in table.columns)
    key = f"({', '.join(table.partition_key)})"
    primary_key = ", ".join((key, *table.clustering_key))
    comment = table.description.replace("'", "''")
    options = f"comment = '{comment}' AND default_time_to_live = {table.ttl_s}"
    name = f"{quoted(keyspace)}.{table.name}"
    return f"CREATE TABLE IF NOT EXISTS {name} ({columns}, PRIMARY KEY ({primary_key})) WITH {options}"


def apply_cassandra_schema(session: CassandraSession, settings: Settings) -> None:
    """Create what is missing; SchemaMismatch when a table differs in a type or key. Nothing is dropped."""
    keyspace = settings.cassandra_keyspace
    existing = _existing_columns(session)
    if not session.execute("SELECT keyspace_name FROM system_schema.keyspaces WHERE keyspace_name = %s", (keyspace,)):
        replicas = ", ".join(f"'{name}': {count}" for name, count in settings.cassandra_replicas.items())
        strategy = f"{{'class': 'NetworkTopologyStrategy', {replicas}}}"
        session.execute(f"CREATE KEYSPACE IF NOT EXISTS {quoted(keyspace)} WITH replication = {strategy}")
    for table in CASSANDRA_TABLES:
        if table.name in existing:
            _complete(session, table, existing[table.name])
        else:
            session.execute(create_table(keyspace, table))
    _first_layout(session, settings.first_hour)


def _existing_columns(session: CassandraSession) -> dict[str, dict[str, tuple[str, str, int]]]:
    """Per table and column: type, kind (partition_key, clustering, regular) and position in its key."""
    rows = session.execute(
        "SELECT table_name, column_name, type, kind, position FROM system_schema.columns WHERE keyspace_name = %s",
        (session.keyspace,),
    )
    tables: dict[str, dict[str, tuple[str, str, int]]] = {}
    for table, column, type_, kind, position in rows:
        tables.setdefault(table, {})[column] = (type_, kind, position)
    return tables


def _complete(session: CassandraSession, table: CassandraTable, existing: dict[str, tuple[str, str, int]]) -> None:
    for column in table.columns:
        wanted = _wanted(table, column)
        found = existing.get(column.name)
        if found is None and wanted[1] == "regular":
            session.execute(f"ALTER TABLE {session.table(table)} ADD {column.name} {wanted[0]}")
        elif found != wanted:
            raise SchemaMismatch(
                f"Cassandra table {session.table(table)}, column {column.name}: wanted (type, kind, position) "
                f"{wanted}, found {found}. Nothing was changed; move the table away or use another "
                "RECRUIT_CASSANDRA_KEYSPACE"
            )


def _wanted(table: CassandraTable, column: Column) -> tuple[str, str, int]:
    type_ = CQL_TYPES[column.type]
    if column.name in table.partition_key:
        return type_, "partition_key", table.partition_key.index(column.name)
    if column.name in table.clustering_key:
        return type_, "clustering", table.clustering_key.index(column.name)
    return type_, "regular", -1


def _first_layout(session: CassandraSession, first_hour: datetime) -> None:
    """The layout that holds from the first hour on, unless one exists; every later row is an operator's."""
    table = session.table(BUCKET_LAYOUT)
    if not session.execute(f"SELECT slices FROM {table} LIMIT 1"):
        statement = f"INSERT INTO {table} (valid_from_hour, slices, shards) VALUES (%s, %s, %s)"
        session.execute(statement, (first_hour, *FIRST_LAYOUT))

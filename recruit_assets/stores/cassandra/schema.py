"""The keyspace and its tables as the contract declares them: created, given new columns, and otherwise compared."""

from collections.abc import Iterator
from contextlib import contextmanager

from cassandra import Unauthorized

from recruit_assets.contract.tables import CASSANDRA_TABLES
from recruit_assets.contract.types import CassandraTable, Column, Type
from recruit_assets.runtime.errors import Inconsistent, SchemaMismatch, UserError
from recruit_assets.runtime.settings import Settings
from recruit_assets.stores.cassandra.privacy import apply_privacy
from recruit_assets.stores.cassandra.retention import apply_retention
from recruit_assets.stores.cassandra.session import CassandraSession, index_name, quoted
from recruit_assets.transforms.privacy import privacy_of

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


def create_table(keyspace: str, table: CassandraTable) -> str:
    """The CREATE TABLE statement of a contract table."""
    columns = ", ".join(f"{column.name} {CQL_TYPES[column.type]}" for column in table.columns)
    key = f"({', '.join(table.partition_key)})"
    primary_key = ", ".join((key, *table.clustering_key))
    comment = table.description.replace("'", "''")
    options = f"comment = '{comment}' AND default_time_to_live = {table.ttl_s}"
    name = f"{quoted(keyspace)}.{table.name}"
    return f"CREATE TABLE IF NOT EXISTS {name} ({columns}, PRIMARY KEY ({primary_key})) WITH {options}"


def create_cassandra_tables(session: CassandraSession, settings: Settings) -> None:
    """Create the keyspace and tables that are missing; a login without DDL rights may call it."""
    keyspace = settings.cassandra_keyspace
    with _missing_rights(settings):
        if not session.execute(
            "SELECT keyspace_name FROM system_schema.keyspaces WHERE keyspace_name = %s", (keyspace,)
        ):
            replicas = ", ".join(f"'{name}': {count}" for name, count in settings.cassandra_replicas.items())
            strategy = f"{{'class': 'NetworkTopologyStrategy', {replicas}}}"
            session.execute(f"CREATE KEYSPACE IF NOT EXISTS {quoted(keyspace)} WITH replication = {strategy}")
        existing = _existing_columns(session)
        for table in CASSANDRA_TABLES:
            if table.name not in existing:
                session.execute(create_table(keyspace, table))


def complete_cassandra_tables(
    session: CassandraSession, settings: Settings, *, may_change_settings: bool = False
) -> None:
    """Add columns and indexes that are missing, set times to live; SchemaMismatch if a type or key differs.

    Nothing is dropped. UserError if RECRUIT_RETENTION_DAYS or RECRUIT_PRIVACY differs from what is stored and may not
    be changed.
    """
    existing = _existing_columns(session)
    with _missing_rights(settings):
        for table in CASSANDRA_TABLES:
            _complete(session, table, existing[table.name])
        _create_indexes(session)
        apply_retention(session, settings.retention_days, may_change=may_change_settings)
        apply_privacy(session, privacy_of(settings).in_force, may_change=may_change_settings)


def cassandra_differences(session: CassandraSession) -> list[str]:
    """What the keyspace lacks of the contract and what differs from it, a line each; empty if nothing. Only reads."""
    existing, found = _existing_columns(session), []
    for table in CASSANDRA_TABLES:
        stored = existing.get(table.name)
        if stored is None:
            found.append(f"table {session.table(table)} is missing")
            continue
        for column in table.columns:
            if stored.get(column.name) != _wanted(table, column):
                found.append(_difference(session, table, column, stored.get(column.name)))
    return found


@contextmanager
def _missing_rights(settings: Settings) -> Iterator[None]:
    """UserError if the login may not change the schema; Cassandra's message names the table or keyspace."""
    try:
        yield
    except Inconsistent as error:
        if not isinstance(error.__cause__, Unauthorized):
            raise
        raise UserError(
            f"Cassandra at {settings.cassandra_hosts} denies user {settings.cassandra_user} a change of the schema: "
            f"{error.__cause__}. Run `recruit-assets schema apply` as a user with CREATE and ALTER permissions"
        ) from error


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
                f"Cassandra {_difference(session, table, column, found)}. Nothing was changed; move the table away or "
                "use another RECRUIT_CASSANDRA_KEYSPACE"
            )


def _create_indexes(session: CassandraSession) -> None:
    """Create the indexes that are missing. Cassandra fills them from the rows that are there while others write."""
    existing = session.indexes()
    for table in CASSANDRA_TABLES:
        for column in table.indexes:
            name = index_name(table, column)
            if name not in existing:
                session.execute(f"CREATE INDEX IF NOT EXISTS {name} ON {session.table(table)} ({column}) USING 'sai'")


def _difference(
    session: CassandraSession, table: CassandraTable, column: Column, found: tuple[str, str, int] | None
) -> str:
    wanted = _wanted(table, column)
    return f"table {session.table(table)}, column {column.name}: wanted (type, kind, position) {wanted}, found {found}"


def _wanted(table: CassandraTable, column: Column) -> tuple[str, str, int]:
    type_ = CQL_TYPES[column.type]
    if column.name in table.partition_key:
        return type_, "partition_key", table.partition_key.index(column.name)
    if column.name in table.clustering_key:
        return type_, "clustering", table.clustering_key.index(column.name)
    return type_, "regular", -1

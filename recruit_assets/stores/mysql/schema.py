"""The report database's tables, derived from the contract: created, completed by new columns, and otherwise compared.

Belongs here: SQL types, DDL that MySQL and MariaDB both take, and the comparison with what exists. Not here: what the
tables are (`contract`, `analyst_model`), views (`analyst_views`), rows.
"""

from datetime import UTC, datetime

from pymysql.cursors import Cursor

from recruit_assets.contract.analyst_model import MODEL_TABLES
from recruit_assets.contract.tables import FIRST_HOUR, SQL_TABLES
from recruit_assets.contract.types import Column, SqlTable, Type
from recruit_assets.runtime.errors import SchemaMismatch, UserError
from recruit_assets.runtime.settings import Settings
from recruit_assets.stores.mysql.analyst_login import apply_analyst_login
from recruit_assets.stores.mysql.analyst_views import apply_views
from recruit_assets.stores.mysql.connection import connect, quoted, translated_errors

SQL_TYPES = {
    Type.INT: "int",
    Type.BIGINT: "bigint",
    Type.DOUBLE: "double",
    Type.VARCHAR: "varchar(255)",
    Type.VARCHAR_32: "varchar(32)",
    Type.TIMESTAMP: "datetime(3)",
    Type.DATE: "date",
    Type.DATETIME: "datetime",
    Type.DATETIME_MICROS: "datetime(6)",
}


def create_table(table: SqlTable) -> str:
    """The CREATE TABLE statement of a contract table."""
    keys = [f"PRIMARY KEY ({', '.join(table.primary_key)})"]
    keys += [f"KEY by_{'_'.join(columns)} ({', '.join(columns)})" for columns in table.indexes]
    body = ", ".join([_definition(column) for column in table.columns] + keys)
    return f"CREATE TABLE IF NOT EXISTS {table.name} ({body}) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4"


def apply_mysql_schema(settings: Settings) -> None:
    """Create what is missing, replace changed views; SchemaMismatch when a table differs. No table is dropped.

    The stored first hour is lowered to the setting's; a higher setting is a UserError, since hours would vanish.
    """
    settings.require("mysql_host", "mysql_user", "mysql_password")
    where = f"{settings.mysql_host}:{settings.mysql_port}/{settings.mysql_database}"
    with translated_errors(where), connect(settings, database=None) as connection, connection.cursor() as cursor:
        _use_database(cursor, settings.mysql_database)
        for table in (*SQL_TABLES, *MODEL_TABLES):
            found = _existing_columns(cursor, table)
            if found:
                _complete(cursor, table, found)
            else:
                cursor.execute(create_table(table))
        _lower_first_hour(cursor, settings.first_hour)
        apply_views(cursor)
        apply_analyst_login(cursor, settings)
        connection.commit()


def _definition(column: Column) -> str:
    null = "NULL" if column.nullable else "NOT NULL"
    comment = column.description.replace("'", "''")
    return f"{column.name} {SQL_TYPES[column.type]} {null} COMMENT '{comment}'"


def _use_database(cursor: Cursor, name: str) -> None:
    """Ask before creating: a least-privilege user may use the database and not create one."""
    if not cursor.execute("SELECT 1 FROM information_schema.schemata WHERE schema_name = %s", (name,)):
        cursor.execute(f"CREATE DATABASE IF NOT EXISTS {quoted(name)} CHARACTER SET utf8mb4")
    cursor.execute(f"USE {quoted(name)}")


def _existing_columns(cursor: Cursor, table: SqlTable) -> dict[str, tuple[str, bool, bool]]:
    """Per column: type as the contract spells it, nullable, part of the primary key."""
    cursor.execute(
        "SELECT column_name, data_type, character_maximum_length, datetime_precision, is_nullable, column_key "
        "FROM information_schema.columns WHERE table_schema = DATABASE() AND table_name = %s",
        (table.name,),
    )
    return {
        name: (_type_text(str(type_).lower(), length, precision), nullable == "YES", key == "PRI")
        for name, type_, length, precision, nullable, key in cursor.fetchall()
    }


def _type_text(type_: str, length: int | None, precision: int | None) -> str:
    size = length if type_ == "varchar" else precision
    return f"{type_}({size})" if size else type_


def _complete(cursor: Cursor, table: SqlTable, existing: dict[str, tuple[str, bool, bool]]) -> None:
    for column in table.columns:
        wanted = (SQL_TYPES[column.type], column.nullable, column.name in table.primary_key)
        found = existing.get(column.name)
        if found is None and column.nullable:
            cursor.execute(f"ALTER TABLE {table.name} ADD COLUMN {_definition(column)}")
        elif found != wanted:
            raise SchemaMismatch(
                f"MySQL table {table.name}, column {column.name}: wanted (type, nullable, in primary key) {wanted}, "
                f"found {found}. Nothing was changed; move the table away or use another RECRUIT_MYSQL_DATABASE"
            )


def _lower_first_hour(cursor: Cursor, wanted: datetime) -> None:
    cursor.execute(f"SELECT event_hour FROM {FIRST_HOUR.name} WHERE id = 1")
    row = cursor.fetchone()
    if row and row[0].replace(tzinfo=UTC) < wanted:
        stored = row[0].replace(tzinfo=UTC)
        raise UserError(
            f"RECRUIT_FIRST_HOUR is {wanted:%Y-%m-%dT%H:%M}, the report begins at {stored:%Y-%m-%dT%H:%M}: "
            "it may only be lowered"
        )
    if row and row[0].replace(tzinfo=UTC) == wanted:
        return  # so that a user who may only read finds nothing to do
    cursor.execute(f"DELETE FROM {FIRST_HOUR.name}")
    cursor.execute(f"INSERT INTO {FIRST_HOUR.name} (id, event_hour) VALUES (1, %s)", (wanted.replace(tzinfo=None),))

"""The report database's tables as the contract declares them: created, given new columns, and otherwise compared.

The DDL is what MySQL and MariaDB have in common.
"""

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime

import pymysql
from pymysql.constants import ER
from pymysql.cursors import Cursor

from recruit_assets.contract.analyst_model import MODEL_TABLES
from recruit_assets.contract.tables import FIRST_HOUR, SQL_TABLES
from recruit_assets.contract.types import Column, SqlTable, Type
from recruit_assets.runtime.errors import SchemaMismatch, StoreUnavailable, UserError
from recruit_assets.runtime.settings import Settings
from recruit_assets.runtime.times import aware, naive
from recruit_assets.stores.mysql.analyst_login import apply_analyst_login
from recruit_assets.stores.mysql.analyst_views import apply_views
from recruit_assets.stores.mysql.connection import address, connect, quoted, translated_errors
from recruit_assets.stores.mysql.report_zone import apply_zone

log = logging.getLogger(__name__)

LOCK_WAIT_S = 120
DDL_WAIT_S = 60
STATEMENT_TIMEOUT_S = 6 * 3600
"""Long enough for a migration of a large table, such as a new index."""
DENIED = frozenset({ER.DBACCESS_DENIED_ERROR, ER.TABLEACCESS_DENIED_ERROR, ER.SPECIFIC_ACCESS_DENIED_ERROR})

TABLES = (*SQL_TABLES, *MODEL_TABLES)
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


def index_name(columns: Sequence[str]) -> str:
    """The name of the index over these columns."""
    return f"by_{'_'.join(columns)}"


def create_table(table: SqlTable) -> str:
    """The CREATE TABLE statement of a contract table."""
    keys = [f"PRIMARY KEY ({', '.join(table.primary_key)})"]
    keys += [f"KEY {index_name(columns)} ({', '.join(columns)})" for columns in table.indexes]
    body = ", ".join([_definition(column) for column in table.columns] + keys)
    return f"CREATE TABLE IF NOT EXISTS {table.name} ({body}) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4"


def apply_mysql_schema(settings: Settings) -> None:
    """Create or complete the report database alone, without migrations; enough for some tests and benchmarks."""
    with open_schema_session(settings) as cursor:
        create_mysql_tables(cursor)
        complete_mysql_tables(cursor, settings)


@contextmanager
def open_schema_session(settings: Settings, *, lock_wait_s: int = LOCK_WAIT_S) -> Iterator[Cursor]:
    """A cursor in the report database, which is created if missing; only one process at a time gets one.

    All changes to MySQL go through the session that holds the lock, so a process that loses the lock can't go on. The
    server frees the lock when the session ends, also if the process was killed.
    """
    settings.require("mysql_host", "mysql_user", "mysql_password")
    with translated_errors(address(settings)):
        # a server that hangs is noticed here, and not after the long read timeout below
        connect(settings, database=None).close()
        with (
            connect(settings, database=None, read_timeout_s=STATEMENT_TIMEOUT_S) as connection,
            connection.cursor() as cursor,
            _missing_rights(settings),
        ):
            _lock(cursor, settings, lock_wait_s)
            _use_database(cursor, settings.mysql_database)
            yield cursor
            connection.commit()


def create_mysql_tables(cursor: Cursor) -> None:
    """Create the tables that are missing; a login without DDL rights may call it if none is."""
    cursor.execute("SELECT table_name FROM information_schema.tables WHERE table_schema = DATABASE()")
    existing = {name for (name,) in cursor.fetchall()}
    for table in TABLES:
        if table.name not in existing:
            cursor.execute(create_table(table))


def complete_mysql_tables(cursor: Cursor, settings: Settings, *, may_change_settings: bool = False) -> None:
    """Add nullable columns that are missing, renew changed views and the analysts' login; no table is dropped.

    SchemaMismatch if a table differs. The stored first hour is lowered to the setting's; a higher setting is a
    UserError, since hours would vanish from the report. So is another RECRUIT_REPORT_TIMEZONE that may not be changed.
    """
    for table in TABLES:
        _complete(cursor, table, _existing_columns(cursor, table))
    _lower_first_hour(cursor, settings.first_hour)
    apply_zone(cursor, settings, may_change=may_change_settings)
    apply_views(cursor)
    apply_analyst_login(cursor, settings)


def mysql_differences(cursor: Cursor) -> list[str]:
    """What the report database lacks of the contract and what differs from it, a line each. Only reads."""
    found = []
    for table in TABLES:
        existing = _existing_columns(cursor, table)
        if not existing:
            found.append(f"table {table.name} is missing")
            continue
        for column in table.columns:
            if existing.get(column.name) != _wanted(table, column):
                found.append(_difference(table, column, existing.get(column.name)))
    return found


def stored_first_hour(cursor: Cursor) -> datetime | None:
    """The report's first hour; None before the first `schema apply`."""
    cursor.execute(f"SELECT event_hour FROM {FIRST_HOUR.name} WHERE id = 1")
    row = cursor.fetchone()
    return aware(row[0]) if row else None


def require_first_hour(stored: datetime | None, wanted: datetime) -> None:
    """UserError if the report begins before the wanted hour."""
    if stored and stored < wanted:
        raise UserError(
            f"RECRUIT_FIRST_HOUR is {wanted:%Y-%m-%dT%H:%M}, the report begins at {stored:%Y-%m-%dT%H:%M}: "
            "it may only be lowered"
        )


def _lock(cursor: Cursor, settings: Settings, wait_s: int) -> None:
    """StoreUnavailable if another process holds the lock for longer than `wait_s`."""
    name = f"recruit_schema.{settings.mysql_database}"  # locks are the server's, not the database's
    # the session idles while Cassandra is migrated: a server that ends idle sessions early would free the lock.
    # DDL that waits for a long transaction blocks everyone behind it: MySQL's own limit is a year
    cursor.execute("SET SESSION wait_timeout = %s, SESSION lock_wait_timeout = %s", (STATEMENT_TIMEOUT_S, DDL_WAIT_S))
    for seconds in (0, wait_s):
        cursor.execute("SELECT GET_LOCK(%s, %s), IS_USED_LOCK(%s)", (name, seconds, name))
        ((locked, holder),) = cursor.fetchall()
        if locked:
            return
        if seconds == 0:
            log.info("waiting for connection %s, which changes the schema of %s", holder, address(settings))
    raise StoreUnavailable(
        f"MySQL at {address(settings)}: another process has been changing the schema for {wait_s} s "
        f"(connection {holder}). Wait until it ends, or end it (KILL {holder}), then try again"
    )


@contextmanager
def _missing_rights(settings: Settings) -> Iterator[None]:
    """UserError if the login may not change the schema; the server's message names the table or database."""
    try:
        yield
    except pymysql.err.OperationalError as error:
        if error.args[0] not in DENIED:
            raise
        raise UserError(
            f"MySQL at {address(settings)} denies {settings.mysql_user} a change of the schema: {error.args[1]}. "
            "Run `recruit-assets schema apply` as a user with all privileges on the database, such as recruit_owner"
        ) from error


def _definition(column: Column) -> str:
    null = "NULL" if column.nullable else "NOT NULL"
    comment = column.description.replace("'", "''")
    default = "" if column.default is None else f" DEFAULT {column.default}"
    return f"{column.name} {SQL_TYPES[column.type]} {null}{default} COMMENT '{comment}'"


def _use_database(cursor: Cursor, name: str) -> None:
    """Checks before creating it: a service's user may use the database but not create one."""
    if not cursor.execute("SELECT 1 FROM information_schema.schemata WHERE schema_name = %s", (name,)):
        cursor.execute(f"CREATE DATABASE IF NOT EXISTS {quoted(name)} CHARACTER SET utf8mb4")
    cursor.execute(f"USE {quoted(name)}")


def _existing_columns(cursor: Cursor, table: SqlTable) -> dict[str, tuple[str, bool, bool]]:
    """By column: type as SQL_TYPES spells it, whether nullable, whether in the primary key."""
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
        found = existing.get(column.name)
        if found is None and column.nullable:
            cursor.execute(f"ALTER TABLE {table.name} ADD COLUMN {_definition(column)}")
        elif found is None:
            raise SchemaMismatch(
                f"MySQL table {table.name}: column {column.name} is missing. Only a migration adds a column that is "
                "NOT NULL or in a key (recruit_assets/stores/migrations); the table was not changed"
            )
        elif found != _wanted(table, column):
            raise SchemaMismatch(
                f"MySQL {_difference(table, column, found)}. Nothing was changed; move the table away or use another "
                "RECRUIT_MYSQL_DATABASE"
            )


def _wanted(table: SqlTable, column: Column) -> tuple[str, bool, bool]:
    """As `_existing_columns` has it."""
    return SQL_TYPES[column.type], column.nullable, column.name in table.primary_key


def _difference(table: SqlTable, column: Column, found: tuple[str, bool, bool] | None) -> str:
    wanted = _wanted(table, column)
    return f"table {table.name}, column {column.name}: wanted (type, nullable, in primary key) {wanted}, found {found}"


def _lower_first_hour(cursor: Cursor, wanted: datetime) -> None:
    stored = stored_first_hour(cursor)
    require_first_hour(stored, wanted)
    if stored == wanted:
        return  # a login that may only read can go on
    cursor.execute(f"DELETE FROM {FIRST_HOUR.name}")
    cursor.execute(f"INSERT INTO {FIRST_HOUR.name} (id, event_hour) VALUES (1, %s)", (naive(wanted),))

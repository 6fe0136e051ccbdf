"""Connections to the report database (MySQL 8.4+ or MariaDB 10.11+): modes, timeouts, transactions and errors."""

import ssl
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import Any, TypeVar

import pymysql
from pymysql.constants import CR
from pymysql.cursors import Cursor
from tenacity import Retrying, retry_if_exception_type, stop_after_attempt, wait_random_exponential

from recruit_assets.contract.tables import CURRENT_VERSION
from recruit_assets.runtime.errors import Inconsistent, StoreUnavailable, UserError
from recruit_assets.runtime.places import host_port
from recruit_assets.runtime.settings import TLS_OFF, Settings
from recruit_assets.stores.mysql.compat import drop_connection
from recruit_assets.stores.mysql.schema_version import require_version
from recruit_assets.stores.tls import client_context, is_verified

CONNECT_TIMEOUT_S = 10
READ_TIMEOUT_S = 120
"""Longer than the server's lock wait of 50 s: the server reports a lock wait before the client gives up."""
TRANSACTION_TRIES = 8

SESSION = {
    "sql_mode": "'STRICT_ALL_TABLES,NO_ZERO_DATE,NO_ZERO_IN_DATE,ERROR_FOR_DIVISION_BY_ZERO'",
    "time_zone": "'+00:00'",
    "sql_safe_updates": 0,  # it forbids a DELETE of a whole table
    "sql_select_limit": 2**64 - 1,  # a lower one would cut results short without an error
    "wait_timeout": 28_800,  # how long a connection may idle: while Spark computes an hour
}
"""Set on each connection, whatever the server's own settings are."""
LOGIN_REFUSED = frozenset({1044, 1045, 1698})
"""Access denied: to the database, with this password, with this plugin."""
UNKNOWN_DATABASE = 1049
TLS_REQUIRED = 3159
SERVER_SETTING = frozenset({1153, 1290, 1665, 1792, 3750})
"""A setting of the server forbids the statement: max_allowed_packet, read_only, binlog_format = STATEMENT,
transaction_read_only, sql_require_primary_key."""
NO_ROOM = frozenset({1021, 1114})
"""Disk full, table full."""
CLEAR_TEXT_PLUGINS = ("mysql_clear_password", "dialog")
"""With these, a server gets the password as it is. One that poses as the database would ask for them."""
WRONG_ANSWER = (pymysql.err.IntegrityError, pymysql.err.DataError, pymysql.err.ProgrammingError)

Result = TypeVar("Result")


def quoted(database: str) -> str:
    """The name as SQL needs it: it may be a reserved word."""
    return f"`{database}`"


def placeholders(values: Collection[object]) -> str:
    """A placeholder for each value, for IN (...) and VALUES (...)."""
    return ", ".join(["%s"] * len(values))


class KeepsPassword:
    """In place of a login plugin that sends the password as it is."""

    def __init__(self, _: object) -> None: ...

    def authenticate(self, _: object) -> None:
        raise pymysql.err.OperationalError(CR.CR_AUTH_PLUGIN_ERR, "the server asks for the password in clear text")


class ReportDatabase:
    """One connection, opened at the first statement and reopened after a failure; not thread-safe.

    Opening it fails with UserError if another version of this program made the schema.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._connection: pymysql.Connection[Cursor] | None = None

    @property
    def name(self) -> str:
        return self._settings.mysql_database

    def query(self, sql: str, parameters: Sequence[object] = ()) -> list[tuple[Any, ...]]:
        """All rows of one statement in its own transaction, which may be retried, so it must be idempotent."""

        def rows(cursor: Cursor) -> list[tuple[Any, ...]]:
            cursor.execute(sql, parameters)
            return list(cursor.fetchall())

        return self.run_transaction(rows)

    def transaction(self) -> AbstractContextManager[Cursor]:
        """A READ COMMITTED transaction: committed on leaving, rolled back on any error.

        Raises StoreUnavailable if the server doesn't answer or asks for a retry. That includes a connection lost
        during COMMIT: whether it took effect is unknown, so whatever is retried must be idempotent.
        """
        return self._begun("START TRANSACTION")

    def snapshot(self) -> AbstractContextManager[Cursor]:
        """A read-only transaction that sees one point in time, whatever is committed meanwhile."""
        return self._begun(
            "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ", "START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY"
        )

    def run_transaction(self, work: Callable[[Cursor], Result]) -> Result:
        """Run `work` in a transaction; retry with backoff after deadlocks, lock waits and lost connections."""
        tries = Retrying(
            retry=retry_if_exception_type(StoreUnavailable),
            stop=stop_after_attempt(TRANSACTION_TRIES),
            wait=wait_random_exponential(multiplier=0.05, max=5),
            reraise=True,
        )
        result: Result = tries(self._once, work)
        return result

    def close(self) -> None:
        """Drop the connection; the next statement opens another."""
        connection, self._connection = self._connection, None
        if connection is not None and connection.open:
            drop_connection(connection)

    def __enter__(self) -> "ReportDatabase":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @contextmanager
    def _begun(self, *statements: str) -> Iterator[Cursor]:
        with self._translated_errors():
            connection = self._open()
            try:
                with connection.cursor() as cursor:
                    for statement in statements:
                        cursor.execute(statement)
                    yield cursor
                connection.commit()
            except BaseException:
                self.close()  # the server rolls back; a session after an error may be read-only or half-dead
                raise

    def _once(self, work: Callable[[Cursor], Result]) -> Result:
        with self.transaction() as cursor:
            return work(cursor)

    def _open(self) -> "pymysql.Connection[Cursor]":
        if self._connection is None:
            self._connection = connect(self._settings, database=self._settings.mysql_database)
            try:
                # once per connection and not per tick: this is how a run, sensor or report notices an upgrade
                with self._connection.cursor() as cursor:
                    require_version(cursor, known=CURRENT_VERSION, where=address(self._settings))
                self._connection.rollback()  # ends the transaction that the read began
            except BaseException:
                self.close()
                raise
        return self._connection

    @contextmanager
    def _translated_errors(self) -> Iterator[None]:
        with translated_errors(address(self._settings)):
            yield


@contextmanager
def open_report_database(settings: Settings) -> Iterator[ReportDatabase]:
    """The report database, closed on leaving. Nothing is sent until the first statement."""
    settings.require("mysql_host", "mysql_user", "mysql_password")
    with ReportDatabase(settings) as database:
        yield database


def address(settings: Settings) -> str:
    """Host, port and database, for messages."""
    return f"{host_port(settings.mysql_host, settings.mysql_port)}/{settings.mysql_database}"


def connect(
    settings: Settings, *, database: str | None, read_timeout_s: int = READ_TIMEOUT_S
) -> "pymysql.Connection[Cursor]":
    """A connection in strict mode, UTC and READ COMMITTED, with finite timeouts.

    The password isn't sent in clear text, except to a server whose certificate was verified.
    """
    refused = () if is_verified(settings.mysql_tls_ca) else CLEAR_TEXT_PLUGINS
    connection = pymysql.connect(
        host=settings.mysql_host,
        port=settings.mysql_port,
        user=settings.mysql_user,
        password=settings.mysql_password.get_secret_value(),
        database=database,
        charset="utf8mb4",
        connect_timeout=CONNECT_TIMEOUT_S,
        read_timeout=read_timeout_s,
        write_timeout=READ_TIMEOUT_S,
        init_command="SET SESSION " + ", ".join(f"{name} = {value}" for name, value in SESSION.items()),
        autocommit=False,
        ssl=client_context(settings.mysql_tls_ca),
        ssl_disabled=settings.mysql_tls_ca == TLS_OFF,
        auth_plugin_map=dict.fromkeys(refused, KeepsPassword),
    )
    with connection.cursor() as cursor:
        # not init_command: the system variable has another name on MariaDB before 11.1
        cursor.execute("SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED, READ WRITE")
    return connection


@contextmanager
def translated_errors(where: str) -> Iterator[None]:
    """Turn the driver's errors into the platform's; `where` is host:port/database."""
    try:
        yield
    except WRONG_ANSWER as error:
        raise Inconsistent(f"MySQL at {where} rejected the statement: {_message(error)}") from error
    except (pymysql.err.Error, OSError) as error:
        code = error.args[0] if error.args else None
        if code in LOGIN_REFUSED:
            message = f"MySQL at {where} refuses the login: {_message(error)}"
            raise UserError(f"{message}. Check RECRUIT_MYSQL_USER and RECRUIT_MYSQL_PASSWORD") from error
        if code == UNKNOWN_DATABASE:
            raise UserError(f"MySQL at {where}: {_message(error)}. Run `recruit-assets schema apply`") from error
        if trouble := _tls_trouble(error, code):
            raise UserError(f"MySQL at {where} {trouble}: check RECRUIT_MYSQL_TLS_CA") from error
        if code in SERVER_SETTING:
            raise UserError(f"MySQL at {where} has a setting that forbids this: {_message(error)}") from error
        if code in NO_ROOM:
            raise StoreUnavailable(f"MySQL at {where} has no room left, make some: {_message(error)}") from error
        raise StoreUnavailable(f"MySQL at {where}: request failed: {_message(error)}") from error


def _tls_trouble(error: Exception, code: object) -> str:
    """How the server's TLS differs from what the setting asks for; empty if the failure is something else."""
    cause = getattr(error, "original_exception", None)
    if isinstance(cause, ssl.SSLCertVerificationError):
        return f"isn't trusted: {cause.verify_message}"
    if code == CR.CR_AUTH_PLUGIN_ERR:
        return f"may be another server: {error.args[1]}, which only one with a verified certificate gets"
    if code == CR.CR_SSL_CONNECTION_ERROR:
        return "doesn't speak TLS"
    return "requires TLS for this login" if code == TLS_REQUIRED else ""


def _message(error: Exception) -> str:
    return " ".join(str(argument) for argument in error.args) or type(error).__name__

"""What MySQL or MariaDB says about itself and about the report database, whatever state that is in. It only reads."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from pymysql.cursors import Cursor

from recruit_assets.contract.tables import CURRENT_VERSION
from recruit_assets.runtime.settings import Settings
from recruit_assets.runtime.times import aware
from recruit_assets.stores.mysql.connection import address, connect, placeholders, quoted, translated_errors
from recruit_assets.stores.mysql.schema import mysql_differences, stored_first_hour
from recruit_assets.stores.mysql.schema_version import require_version, stored_version

READ_TIMEOUT_S = 10
VARIABLES = ("version", "read_only", "log_bin", "binlog_format", "max_allowed_packet")

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Server:
    """The server's version and those of its settings that could keep us from writing."""

    version: str
    """As the server spells it: 9.7.4, or 11.4.5-MariaDB-log."""
    read_only: bool
    binlog_format: str
    """Empty if nothing is written to a binary log."""
    max_allowed_packet: int


class ServerReader:
    """Reads with one connection. StoreUnavailable if the server doesn't answer, UserError if the user can mend it."""

    def __init__(self, cursor: Cursor, settings: Settings) -> None:
        self._cursor, self._settings = cursor, settings

    def server(self) -> Server:
        return self._ask(_server)

    def now(self) -> datetime:
        """The server's clock."""
        return self._ask(_now)

    def enter_database(self) -> bool:
        """Make the report database the connection's; False if it doesn't exist. What follows needs this."""
        return self._ask(lambda cursor: _enter(cursor, self._settings.mysql_database))

    def schema_version(self) -> int:
        """The stored version, 0 if none is; UserError if it is older or newer than the program's."""

        def read(cursor: Cursor) -> int:
            require_version(cursor, known=CURRENT_VERSION, where=address(self._settings))
            return stored_version(cursor)

        return self._ask(read)

    def differences(self) -> list[str]:
        """What the report database's tables lack of the contract, and what differs; a line each."""
        return self._ask(mysql_differences)

    def first_hour(self) -> datetime | None:
        """The report's first hour; None if it isn't stored."""
        return self._ask(stored_first_hour)

    def _ask(self, read: Callable[[Cursor], Result]) -> Result:
        with translated_errors(address(self._settings)):
            return read(self._cursor)


@contextmanager
def open_server(settings: Settings) -> Iterator[ServerReader]:
    """A connection to no database, with a shorter time-out than that of runs."""
    settings.require("mysql_host", "mysql_user", "mysql_password")
    with (
        translated_errors(address(settings)),
        connect(settings, database=None, read_timeout_s=READ_TIMEOUT_S) as connection,
        connection.cursor() as cursor,
    ):
        yield ServerReader(cursor, settings)


def _server(cursor: Cursor) -> Server:
    cursor.execute(f"SHOW GLOBAL VARIABLES WHERE Variable_name IN ({placeholders(VARIABLES)})", VARIABLES)
    found = dict(cursor.fetchall())
    return Server(
        version=found["version"],
        read_only=found["read_only"] != "OFF",
        binlog_format=found.get("binlog_format", "") if found["log_bin"] == "ON" else "",
        max_allowed_packet=int(found["max_allowed_packet"]),
    )


def _now(cursor: Cursor) -> datetime:
    cursor.execute("SELECT UTC_TIMESTAMP(6)")
    ((now,),) = cursor.fetchall()
    return aware(now)


def _enter(cursor: Cursor, database: str) -> bool:
    if not cursor.execute("SELECT 1 FROM information_schema.schemata WHERE schema_name = %s", (database,)):
        return False
    cursor.execute(f"USE {quoted(database)}")
    return True

"""The table schema_version: which migrations an installation has, and whether this program fits them."""

import pymysql
from pymysql.constants import ER
from pymysql.cursors import Cursor

from recruit_assets.contract.tables import SCHEMA_VERSION
from recruit_assets.runtime.errors import UserError


def stored_version(cursor: Cursor) -> int:
    """The last migration applied; 0 if none is recorded, as in a new installation or one from before migrations."""
    try:
        cursor.execute(f"SELECT COALESCE(MAX(version), 0) FROM {SCHEMA_VERSION.name}")
    except pymysql.err.ProgrammingError as error:
        if error.args[0] != ER.NO_SUCH_TABLE:
            raise
        return 0
    ((version,),) = cursor.fetchall()
    return int(version)


def record_version(cursor: Cursor, version: int, name: str) -> None:
    """Note that both stores have this migration."""
    cursor.execute(
        f"REPLACE INTO {SCHEMA_VERSION.name} (version, name, applied_at) VALUES (%s, %s, UTC_TIMESTAMP(6))",
        (version, name),
    )


def require_version(cursor: Cursor, *, known: int, where: str) -> None:
    """UserError if the schema isn't of the version that the program knows; fine if no version is recorded."""
    stored = stored_version(cursor)
    if 0 < stored < known:
        raise UserError(
            f"MySQL at {where}: the schema has version {stored}, this program needs {known}. "
            "Run `recruit-assets schema apply`"
        )
    refuse_newer(stored, known=known, where=where)


def refuse_newer(stored: int, *, known: int, where: str) -> None:
    """UserError if a newer program made the schema: this one wouldn't write what it doesn't know of."""
    if stored > known:
        raise UserError(
            f"MySQL at {where}: the schema has version {stored}, this program only knows {known}. "
            "Install the newer recruit-assets that upgraded it"
        )

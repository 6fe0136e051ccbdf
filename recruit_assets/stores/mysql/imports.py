"""The table imports: which files were sent to the event topic, and how far."""

from dataclasses import dataclass
from datetime import datetime

from recruit_assets.contract.tables import IMPORTS
from recruit_assets.runtime.times import aware
from recruit_assets.stores.mysql.connection import ReportDatabase

_TABLE = IMPORTS.name


@dataclass(frozen=True, slots=True)
class Import:
    """An import that was begun."""

    file_name: str
    options: str
    """What identifies the options that it was begun with."""
    rows_done: int
    """So many rows of the file, from its first, are in the topic or were refused."""
    finished_at: datetime | None


def find_import(database: ReportDatabase, topic: str, digest: str) -> Import | None:
    """The import of the file with this SHA-256; None if there was none."""
    rows = database.query(
        f"SELECT file_name, options, rows_done, finished_at FROM {_TABLE} WHERE topic = %s AND digest = %s",
        (topic, digest),
    )
    for name, options, rows_done, finished_at in rows:
        return Import(name, options, rows_done, finished_at and aware(finished_at))
    return None


def begin_import(database: ReportDatabase, topic: str, digest: str, *, file_name: str, options: str) -> None:
    """Record that the file is sent from its first row on, whatever was recorded of it before."""
    database.query(
        f"REPLACE INTO {_TABLE} (topic, digest, file_name, options, rows_done, started_at) "
        "VALUES (%s, %s, %s, %s, 0, UTC_TIMESTAMP(6))",
        (topic, digest, file_name, options),
    )


def advance_import(database: ReportDatabase, topic: str, digest: str, *, rows_done: int) -> None:
    """Record that these rows are done; call it after Kafka acknowledged them."""
    database.query(f"UPDATE {_TABLE} SET rows_done = %s WHERE topic = %s AND digest = %s", (rows_done, topic, digest))


def finish_import(database: ReportDatabase, topic: str, digest: str, *, rows_done: int) -> None:
    """Record that the whole file is done."""
    database.query(
        f"UPDATE {_TABLE} SET rows_done = %s, finished_at = UTC_TIMESTAMP(6) WHERE topic = %s AND digest = %s",
        (rows_done, topic, digest),
    )

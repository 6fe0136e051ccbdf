"""Looked-up columns, such as the report's company, which follow the tables that they come from.

Every row has the value that the lookup's applied table has for its key. An hour is stored with these values under a
shared lock; a correction changes them and the rows in one transaction under an exclusive one. So whichever comes first,
no row keeps another value.
"""

import time
from collections.abc import Sequence
from typing import Any, LiteralString

import orjson
import pymysql
from pymysql.constants import ER
from pymysql.cursors import Cursor

from recruit_assets.contract.tables import LOOKUP_CHECKS, LOOKUP_LOCKS
from recruit_assets.contract.types import DailySqlTable, DailySums, HourlySqlTable, Lookup
from recruit_assets.runtime.errors import StoreUnavailable
from recruit_assets.stores.mysql.connection import ReportDatabase, placeholders

CHECK_EVERY_S = 20
BUDGET_S = 2.0
"""How long a call works on corrections; the next one continues."""
HOLD_S = 0.5
"""After this long, a transaction begins no other key's rows: hours that are to be stored wait for it."""
LOCK_WAIT_S = 1
"""How long a correction waits for the hours that are being stored. Those that begin meanwhile wait behind it."""
KEYS = 1000
"""Keys per transaction at most."""
PAUSE_S = 0.2
SHARED: LiteralString = "LOCK IN SHARE MODE"
EXCLUSIVE: LiteralString = "FOR UPDATE"


def hold_lookups(cursor: Cursor, table: HourlySqlTable) -> None:
    """Keep the applied values as they are until the transaction ends."""
    if table.lookups:
        _lock(cursor, table, SHARED)


def applied_values(cursor: Cursor, lookup: Lookup, keys: set[object]) -> dict[object, object]:
    """The value for each key that has one; reads these keys only, whatever the table's size."""
    (key,) = lookup.applied.primary_key
    cursor.execute(
        f"SELECT {key}, {lookup.value} FROM {lookup.applied.name} WHERE {key} IN ({placeholders(keys)})", list(keys)
    )
    return dict(cursor.fetchall())


def refresh_lookups(database: ReportDatabase, table: HourlySqlTable, *, budget_s: float = BUDGET_S) -> bool:
    """Correct the table's looked-up columns; False if some of it is left for the next call.

    Without corrections the cost is that of reading the other tables once, whatever the size of `table`. With them it
    grows with the rows to change. May be killed at any point and run by several processes at once.
    """
    give_up_at = time.monotonic() + budget_s
    for lookup in table.lookups:
        changed = _changed(database, lookup)
        while changed:
            done = _correct(database, table, lookup, changed=changed[:KEYS])
            if not done or time.monotonic() > give_up_at:
                return False
            changed = changed[done:] or _changed(database, lookup)
    return True


def refresh_lookups_when_due(database: ReportDatabase, table: HourlySqlTable) -> None:
    """`refresh_lookups`, unless the table was found up to date less than 20 s ago."""
    if is_due(database, table, every_s=CHECK_EVERY_S) and refresh_lookups(database, table):
        note_check(database, table)


def is_due(database: ReportDatabase, table: HourlySqlTable, *, every_s: float) -> bool:
    """Whether the table was last found up to date longer than this ago."""
    # a time in the future is of a clock that was set back
    recent = "checked_at BETWEEN UTC_TIMESTAMP(6) - INTERVAL %s SECOND AND UTC_TIMESTAMP(6)"
    return not database.query(
        f"SELECT 1 FROM {LOOKUP_CHECKS.name} WHERE table_name = %s AND {recent}", (table.name, every_s)
    )


def note_check(database: ReportDatabase, table: HourlySqlTable) -> None:
    """The table was found up to date just now."""
    database.query(f"REPLACE INTO {LOOKUP_CHECKS.name} VALUES (%s, UTC_TIMESTAMP(6))", (table.name,))


def refresh_lookups_completely(database: ReportDatabase, table: HourlySqlTable, *, timeout_s: float = 600) -> None:
    """Return when the table is up to date; StoreUnavailable if that takes too long."""
    give_up_at = time.monotonic() + timeout_s
    while not refresh_lookups(database, table):
        if time.monotonic() > give_up_at:
            raise StoreUnavailable(
                f"MySQL table {table.name} couldn't be brought up to date with {_sources(table)} within "
                f"{timeout_s:.0f} s, because hours are being stored or rows changed all the time. Try again later"
            )
        time.sleep(PAUSE_S)


def _changed(database: ReportDatabase, lookup: Lookup) -> list[tuple[Any, Any]]:
    """Keys whose value isn't the applied one, with the value to apply; some of them if there are many."""
    (key,) = lookup.table.primary_key
    now, applied = f"source.{lookup.value}", f"applied.{lookup.value}"
    return database.query(
        # as bytes: a collation may take different texts for equal
        f"SELECT source.{key}, {now} FROM {lookup.table.name} source LEFT JOIN {lookup.applied.name} applied "
        f"USING ({key}) WHERE {now} IS NOT NULL "
        f"AND ({applied} IS NULL OR CAST({applied} AS BINARY) <> CAST({now} AS BINARY)) "
        f"UNION ALL SELECT applied.{key}, NULL FROM {lookup.applied.name} applied LEFT JOIN {lookup.table.name} source "
        f"USING ({key}) WHERE {now} IS NULL LIMIT {20 * KEYS}"
    )


def _correct(
    database: ReportDatabase, table: HourlySqlTable, lookup: Lookup, *, changed: Sequence[tuple[Any, Any]]
) -> int:
    """Correct the first of the keys in one transaction; returns how many, 0 if hours are being stored all the time."""

    def correct(cursor: Cursor) -> int:
        if not _locked_soon(cursor, table):
            return 0
        end_at = time.monotonic() + HOLD_S
        stored = _keys_of_rows(cursor, table, lookup, keys=[key for key, _ in changed])
        done = []
        for key, value in changed:
            if key in stored:
                cursor.execute(f"UPDATE {table.name} SET {lookup.column} = %s WHERE {lookup.by} = %s", (value, key))
            done.append((key, value))
            if time.monotonic() > end_at:
                break
        _store_applied(cursor, lookup, done)
        if isinstance(table, DailySqlTable) and table.sums is not None:
            _mark_sums(cursor, table, table.sums, where=lookup.by, keys=[key for key, _ in done if key in stored])
        return len(done)

    return database.run_transaction(correct)


def _mark_sums(cursor: Cursor, table: DailySqlTable, sums: DailySums, *, where: str, keys: Sequence[object]) -> None:
    """The sums of every day that has rows of these keys are to be made again."""
    if keys:
        cursor.execute(f"SELECT DISTINCT date FROM {table.name} WHERE {where} IN ({placeholders(keys)})", keys)
        days = [day for (day,) in cursor.fetchall()]
        cursor.execute(f"UPDATE {sums.days.name} SET t = 0 WHERE date IN ({placeholders(days)})", days)


def _keys_of_rows(cursor: Cursor, table: HourlySqlTable, lookup: Lookup, *, keys: Sequence[object]) -> set[object]:
    """Those of the keys that the table has rows of, at the cost of an index entry each."""
    cursor.execute(
        "SELECT id FROM JSON_TABLE(%s, '$[*]' COLUMNS (id bigint PATH '$' ERROR ON ERROR)) changed "
        f"WHERE (SELECT 1 FROM {table.name} WHERE {lookup.by} = changed.id LIMIT 1) IS NOT NULL",
        (orjson.dumps(keys).decode(),),
    )
    return {key for (key,) in cursor.fetchall()}


def _store_applied(cursor: Cursor, lookup: Lookup, values: Sequence[tuple[Any, Any]]) -> None:
    (key,) = lookup.applied.primary_key
    present = [(id, value) for id, value in values if value is not None]
    cursor.executemany(f"REPLACE INTO {lookup.applied.name} ({key}, {lookup.value}) VALUES (%s, %s)", present)
    absent = [id for id, value in values if value is None]
    if absent:
        cursor.execute(f"DELETE FROM {lookup.applied.name} WHERE {key} IN ({placeholders(absent)})", absent)


def _locked_soon(cursor: Cursor, table: HourlySqlTable) -> bool:
    """Lock out hours; False, without the lock, if some are still being stored after a second."""
    cursor.execute("SET SESSION innodb_lock_wait_timeout = %s", (LOCK_WAIT_S,))
    try:
        _lock(cursor, table, EXCLUSIVE)
    except pymysql.err.OperationalError as error:
        if error.args[0] != ER.LOCK_WAIT_TIMEOUT:
            raise
        return False
    finally:
        cursor.execute("SET SESSION innodb_lock_wait_timeout = DEFAULT")
    return True


def _lock(cursor: Cursor, table: HourlySqlTable, mode: LiteralString) -> None:
    """Lock the table's row; only rows can be locked, so it is inserted if it is missing."""
    select = f"SELECT table_name FROM {LOOKUP_LOCKS.name} WHERE table_name = %s {mode}"
    if not cursor.execute(select, (table.name,)):
        cursor.execute(f"INSERT IGNORE INTO {LOOKUP_LOCKS.name} (table_name) VALUES (%s)", (table.name,))
        cursor.execute(select, (table.name,))


def _sources(table: HourlySqlTable) -> str:
    return " and ".join(lookup.table.name for lookup in table.lookups)

"""The table wrong_hours: what each asset check has found wrong and not good again since.

Dagster's own history can't tell: it has the evaluations in the order in which their runs were queued.
"""

from collections.abc import Collection

from pymysql.cursors import Cursor

from recruit_assets.contract.tables import WRONG_HOURS
from recruit_assets.hours.wrong_parts import Part, ranges_of
from recruit_assets.runtime.times import aware, naive
from recruit_assets.stores.mysql.connection import ReportDatabase


class WrongHours:
    """The wrong parts of the hours of one asset, by check."""

    def __init__(self, database: ReportDatabase, asset: str) -> None:
        self._database, self._asset = database, asset

    def read(self, check: str) -> frozenset[Part]:
        """What the check has found wrong and not good again."""
        return self._database.run_transaction(lambda cursor: self._read(cursor, check))

    def update(self, check: str, *, wrong: Collection[Part], good: Collection[Part], run_id: str) -> frozenset[Part]:
        """Add and remove these; returns what is wrong then, with what other runs have found meanwhile."""
        key = (self._asset, check)
        removed = [(*key, sample, naive(hours.first), naive(hours.last)) for hours, sample in ranges_of(good)]

        def apply(cursor: Cursor) -> frozenset[Part]:
            cursor.executemany(
                f"DELETE FROM {WRONG_HOURS.name} "
                "WHERE asset = %s AND check_name = %s AND sample = %s AND event_hour BETWEEN %s AND %s",
                removed,
            )
            cursor.execute("SELECT UTC_TIMESTAMP(6)")
            ((now,),) = cursor.fetchall()
            # one statement for many rows, which PyMySQL makes only of values without functions
            cursor.executemany(
                f"INSERT IGNORE INTO {WRONG_HOURS.name} (asset, check_name, event_hour, sample, found_at, run_id) "
                "VALUES (%s, %s, %s, %s, %s, %s)",
                [(*key, naive(hour), sample, now, run_id) for hour, sample in wrong],
            )
            return self._read(cursor, check)

        return self._database.run_transaction(apply)

    def _read(self, cursor: Cursor, check: str) -> frozenset[Part]:
        cursor.execute(
            f"SELECT event_hour, sample FROM {WRONG_HOURS.name} WHERE asset = %s AND check_name = %s",
            (self._asset, check),
        )
        return frozenset(Part(aware(hour), sample) for hour, sample in cursor.fetchall())


def checks_with_wrong_hours(database: ReportDatabase) -> set[tuple[str, str]]:
    """Asset and name of each check that has found something wrong that isn't good again."""
    rows = database.query(f"SELECT DISTINCT asset, check_name FROM {WRONG_HOURS.name}")
    return {(asset, check) for asset, check in rows}

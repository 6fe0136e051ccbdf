"""The hourly tables in the report database: replaces an hour in one transaction, and reads the totals of hours."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from pymysql.cursors import Cursor

from recruit_assets.contract.types import HourlySqlTable
from recruit_assets.hours.bucket_state import RowCounts
from recruit_assets.hours.ports import SqlRow, StoredHour
from recruit_assets.runtime.errors import Inconsistent
from recruit_assets.runtime.foreign_text import markdown
from recruit_assets.runtime.times import aware, from_ms, naive
from recruit_assets.stores.mysql.connection import ReportDatabase, placeholders
from recruit_assets.stores.mysql.lookups import applied_values, hold_lookups
from recruit_assets.stores.mysql.spill_file import open_spill_file

CHUNK_ROWS = 1000
"""Rows of one INSERT: about 200 KB, far below any max_allowed_packet."""
PREVIEW_ROWS = 10

NEVER = datetime(1970, 1, 2)
"""The coverage of an hour whose first transaction hasn't ended; older than any real one."""


class MySqlHourSink:
    """Implements `ports.HourSink` for one table, whose rows come with `columns`, in this order."""

    def __init__(self, database: ReportDatabase, table: HourlySqlTable) -> None:
        self.database = database
        self._table = table
        looked_up = {lookup.column for lookup in table.lookups}
        self.columns = tuple(name for name in table.column_names if name not in looked_up)
        self._counted = tuple(self.columns.index(name) for name in table.events_in)

    def replace_hour(
        self, hour: datetime, rows: Iterable[SqlRow], *, covered_through_ms: int, write_timestamp: int, run_id: str
    ) -> StoredHour:
        """Replace the hour's rows and coverage in one transaction, unless those of a newer run are stored.

        Newer is the greater covered_through or, if these are equal, write timestamp. Deadlocks, lock waits and lost
        connections are retried. If the server had committed, the next try replaces the rows by the same rows.
        """
        hour = naive(hour)
        covered_through = naive(from_ms(covered_through_ms))
        with open_spill_file(chunk_rows=CHUNK_ROWS) as spill_file:
            counts = self.count(spill_file.fill(rows))

            def replace(cursor: Cursor) -> bool:
                if self.lock_coverage(cursor, hour) > (covered_through, write_timestamp):
                    return False
                hold_lookups(cursor, self._table)
                self.delete_rows(cursor, hour)
                for chunk in spill_file.chunks():
                    self.insert_rows(cursor, chunk)
                coverage = (covered_through, write_timestamp, counts.row_count, counts.event_count, run_id)
                self.store_coverage(cursor, hour, coverage)
                return True

            return StoredHour(counts, stored=self.database.run_transaction(replace))

    def count(self, rows: Iterable[SqlRow]) -> RowCounts:
        row_count = event_count = 0
        for row in rows:
            row_count += 1
            event_count += sum(row[index] for index in self._counted) if self._counted else 1
        return RowCounts(row_count, event_count)

    def lock_coverage(self, cursor: Cursor, hour: datetime) -> tuple[datetime, int]:
        """The hour's covered_through and write timestamp, locked until the transaction ends.

        Inserts the row if it is missing, since only rows can be locked.
        """
        name = self._table.coverage.name
        cursor.execute(
            f"INSERT IGNORE INTO {name} (event_hour, covered_through, t, row_count, event_count, run_id) "
            "VALUES (%s, %s, 0, 0, 0, '')",
            (hour, NEVER),
        )
        cursor.execute(f"SELECT covered_through, t FROM {name} WHERE event_hour = %s FOR UPDATE", (hour,))
        ((covered_through, write_timestamp),) = cursor.fetchall()
        return covered_through, write_timestamp

    def delete_rows(self, cursor: Cursor, hour: datetime) -> None:
        where, values = _is_hour(self._table, hour)
        cursor.execute(f"DELETE FROM {self._table.name} WHERE {where}", values)

    def insert_rows(self, cursor: Cursor, rows: Sequence[SqlRow]) -> None:
        lookups = self._table.lookups
        columns = (*self.columns, *(lookup.column for lookup in lookups))
        keys = [self.columns.index(lookup.by) for lookup in lookups]
        found = [
            (key, applied_values(cursor, lookup, {row[key] for row in rows}))
            for key, lookup in zip(keys, lookups, strict=True)
        ]
        values = [value for row in rows for value in (*row, *(by_key.get(row[key]) for key, by_key in found))]
        row_values = f"({placeholders(columns)})"
        cursor.execute(
            f"INSERT INTO {self._table.name} ({', '.join(columns)}) VALUES {', '.join([row_values] * len(rows))}",
            values,
        )
        if cursor.rowcount != len(rows) or cursor.warning_count:
            raise Inconsistent(
                f"MySQL stored {cursor.rowcount} of {len(rows)} rows of {self._table.name} with "
                f"{cursor.warning_count} warnings; the hour was left as it was"
            )

    def store_coverage(self, cursor: Cursor, hour: datetime, coverage: tuple[datetime, int, int, int, str]) -> None:
        cursor.execute(
            f"UPDATE {self._table.coverage.name} SET covered_through = %s, t = %s, row_count = %s, event_count = %s, "
            "run_id = %s WHERE event_hour = %s",
            (*coverage, hour),
        )


@dataclass(frozen=True, slots=True)
class HourTotals:
    """The sums over the rows of an hour; `newest_event` is when Kafka received the newest of its events."""

    totals: Mapping[str, float]
    newest_event: datetime | None = None


def totals_by_hour(
    database: ReportDatabase, table: HourlySqlTable, hours: Sequence[datetime]
) -> Mapping[datetime, HourTotals]:
    """The declared totals of each hour, zeros for one without rows. Reads every hour from the first to the last."""
    names = [name for name, _ in table.totals]
    sums = [f"SUM({column})" for _, column in table.totals]
    where, values = _between(table, hours)
    key = ", ".join(table.hour_columns)
    rows = database.query(
        f"SELECT {', '.join([key, f'MAX({table.updated_at})' if table.updated_at else 'NULL', *sums])} "
        f"FROM {table.name} WHERE {where} GROUP BY {key}",
        values,
    )
    width = len(table.hour_columns)
    found = {
        _hour_of(row[:width]): HourTotals(
            {name: _number(value) for name, value in zip(names, row[width + 1 :], strict=True)},
            None if row[width] is None else aware(row[width]),
        )
        for row in rows
    }
    return {hour: found.get(hour, HourTotals(dict.fromkeys(names, 0))) for hour in hours}


def preview(database: ReportDatabase, table: HourlySqlTable, hours: Sequence[datetime]) -> str:
    """A Markdown table of the rows with the greatest totals from the first to the last of these hours."""
    names = dict.fromkeys((*table.primary_key, *(column for _, column in table.totals)))
    where, values = _between(table, hours)
    order = ", ".join([*(f"{column} DESC" for _, column in table.totals[:1]), *table.primary_key])
    rows = database.query(
        f"SELECT {', '.join(names)} FROM {table.name} WHERE {where} ORDER BY {order} LIMIT {PREVIEW_ROWS}", values
    )
    lines = [tuple(names), ("---",) * len(names), *([markdown(str(value)) for value in row] for row in rows)]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def _between(table: HourlySqlTable, hours: Sequence[datetime]) -> tuple[str, tuple[object, ...]]:
    """A condition, with its values, for the rows from the first to the last of these hours."""
    first, last = naive(min(hours)), naive(max(hours))
    if len(table.hour_columns) == 1:
        return f"{table.hour_columns[0]} BETWEEN %s AND %s", (first, last)
    day, hour = table.hour_columns
    return (
        f"{day} BETWEEN %s AND %s AND ({day} > %s OR {hour} >= %s) AND ({day} < %s OR {hour} <= %s)",
        (first.date(), last.date(), first.date(), first.hour, last.date(), last.hour),
    )


def _hour_of(key: Sequence[Any]) -> datetime:
    """The hour, from the values of a table's hour columns."""
    day, *hour = key
    return aware(day) + timedelta(hours=sum(hour))


def _number(value: Decimal | float) -> float:
    """MySQL sums whole numbers as decimals."""
    return int(value) if isinstance(value, Decimal) else value


def _is_hour(table: HourlySqlTable, hour: datetime) -> tuple[str, tuple[object, ...]]:
    """A condition for the rows of an hour, with its values."""
    if len(table.hour_columns) == 1:
        return f"{table.hour_columns[0]} = %s", (hour,)
    day, hour_of_day = table.hour_columns
    return f"{day} = %s AND {hour_of_day} = %s", (hour.replace(hour=0), hour.hour)

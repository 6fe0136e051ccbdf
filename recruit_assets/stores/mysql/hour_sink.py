"""The hourly tables in the report database: replaces an hour in one transaction, and reads the totals of hours.

In a daily table, a day takes the place of the hour, as the label that `hours.days` gives it.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from itertools import islice
from typing import Any

from pymysql.cursors import Cursor

from recruit_assets.contract.types import DailySqlTable, HourlySqlTable
from recruit_assets.hours.bucket_state import RowCounts
from recruit_assets.hours.ports import RowsByHour, SqlRow, StoredHour
from recruit_assets.runtime.chunks import in_chunks
from recruit_assets.runtime.errors import Inconsistent
from recruit_assets.runtime.foreign_text import markdown
from recruit_assets.runtime.times import aware, from_ms, naive
from recruit_assets.stores.mysql.connection import ReportDatabase, placeholders
from recruit_assets.stores.mysql.lookups import applied_values, hold_lookups
from recruit_assets.stores.mysql.spill_file import SpillFile, open_spill_file

CHUNK_ROWS = 1000
"""Rows of one INSERT: about 200 KB, far below any max_allowed_packet."""
HOURS_PER_TRANSACTION = 100
"""While these hours together have few rows: a durable commit takes longer than writing them."""
PREVIEW_ROWS = 10

NEVER = datetime(1970, 1, 2)
"""The coverage of an hour whose first transaction hasn't ended; older than any real one."""


@dataclass(frozen=True, slots=True)
class HourRows:
    """An hour's rows in a file, with their counts and how far they are complete."""

    hour: datetime
    covered_through: datetime
    counts: RowCounts
    rows: SpillFile


class MySqlHourSink:
    """Implements `ports.HourSink` for one table, whose rows come with `columns`, in this order."""

    def __init__(self, database: ReportDatabase, table: HourlySqlTable) -> None:
        self.database = database
        self._table = table
        looked_up = {lookup.column for lookup in table.lookups}
        self.columns = tuple(name for name in table.column_names if name not in looked_up)
        self._counted = tuple(self.columns.index(name) for name in table.events_in)

    def replace_hours(
        self, rows: RowsByHour, *, covered_through_ms: Mapping[datetime, int], write_timestamp: int, run_id: str
    ) -> Iterator[tuple[datetime, StoredHour]]:
        """Replace each hour's rows and coverage in one transaction, unless those of a newer run are stored.

        Newer is the greater covered_through or, if these are equal, write timestamp. Deadlocks, lock waits and lost
        connections are retried. If the server had committed, the next try replaces the rows by the same rows.
        """
        for read in self._read_several(rows, covered_through_ms):

            def replace(cursor: Cursor, read: Sequence[HourRows] = read) -> set[datetime]:
                older = self._lock_older(cursor, read, write_timestamp=write_timestamp)
                hold_lookups(cursor, self._table)
                for one in older:
                    self.delete_rows(cursor, one.hour)
                for chunk in in_chunks((row for one in older for row in one.rows.read()), CHUNK_ROWS):
                    self.insert_rows(cursor, chunk)
                for one in older:
                    self.store_coverage(cursor, one, (write_timestamp, run_id))
                return {one.hour for one in older}

            stored = self.database.run_transaction(replace)
            yield from ((one.hour, StoredHour(one.counts, stored=one.hour in stored)) for one in read)

    def _read_several(self, rows: RowsByHour, covered_through_ms: Mapping[datetime, int]) -> Iterator[list[HourRows]]:
        """The hours that share a transaction, with their rows in files until the next ones are read."""
        hours = iter(rows)
        while True:
            with ExitStack() as stack:
                several: list[HourRows] = []
                for hour, hour_rows in islice(hours, HOURS_PER_TRANSACTION):
                    file = stack.enter_context(open_spill_file(chunk_rows=CHUNK_ROWS))
                    covered_through = naive(from_ms(covered_through_ms[hour]))
                    several.append(HourRows(hour, covered_through, self.count(file.fill(hour_rows)), file))
                    if sum(one.counts.row_count for one in several) >= CHUNK_ROWS:
                        break
                if not several:
                    return
                yield several

    def _lock_older(self, cursor: Cursor, read: Sequence[HourRows], *, write_timestamp: int) -> Sequence[HourRows]:
        """The hours whose stored rows aren't newer than this run's; all are locked until the transaction ends."""
        stored = self.lock_coverage(cursor, [one.hour for one in read])
        return [one for one in read if stored[one.hour] <= (one.covered_through, write_timestamp)]

    def count(self, rows: Iterable[SqlRow]) -> RowCounts:
        row_count = event_count = 0
        for row in rows:
            row_count += 1
            event_count += sum(row[index] for index in self._counted) if self._counted else 1
        return RowCounts(row_count, event_count)

    def lock_coverage(self, cursor: Cursor, hours: Sequence[datetime]) -> dict[datetime, tuple[datetime, int]]:
        """Each hour's covered_through and write timestamp, locked until the transaction ends.

        Inserts the rows that are missing, since only rows can be locked.
        """
        name, keys = self._table.coverage.name, [_key(self._table, hour) for hour in sorted(hours)]
        (key,) = self._table.coverage.primary_key
        cursor.executemany(
            f"INSERT IGNORE INTO {name} ({key}, covered_through, t, row_count, event_count, run_id) "
            f"VALUES (%s, '{NEVER}', 0, 0, 0, '')",
            [(one,) for one in keys],
        )
        cursor.execute(
            f"SELECT {key}, covered_through, t FROM {name} WHERE {key} IN ({placeholders(keys)}) "
            f"ORDER BY {key} FOR UPDATE",
            keys,
        )
        return {_hour_of([one]): (covered_through, timestamp) for one, covered_through, timestamp in cursor.fetchall()}

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

    def store_coverage(self, cursor: Cursor, one: HourRows, written: tuple[int, str]) -> None:
        """`written` is the write timestamp and the run's id."""
        cursor.execute(
            f"UPDATE {self._table.coverage.name} SET covered_through = %s, t = %s, run_id = %s, row_count = %s, "
            f"event_count = %s WHERE {self._table.coverage.primary_key[0]} = %s",
            (one.covered_through, *written, one.counts.row_count, one.counts.event_count, _key(self._table, one.hour)),
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
    if len(table.hour_columns) == 1:
        return f"{table.hour_columns[0]} BETWEEN %s AND %s", (_key(table, min(hours)), _key(table, max(hours)))
    first, last = naive(min(hours)), naive(max(hours))
    day, hour = table.hour_columns
    return (
        f"{day} BETWEEN %s AND %s AND ({day} > %s OR {hour} >= %s) AND ({day} < %s OR {hour} <= %s)",
        (first.date(), last.date(), first.date(), first.hour, last.date(), last.hour),
    )


def _key(table: HourlySqlTable, hour: datetime) -> date:
    """The hour, or the date of a daily table, as the table's coverage has it."""
    return naive(hour).date() if isinstance(table, DailySqlTable) else naive(hour)


def _hour_of(key: Sequence[Any]) -> datetime:
    """The hour, from the values of a table's hour columns; of a daily table the label of the day."""
    day, *hour = key
    midnight = day if isinstance(day, datetime) else datetime.combine(day, time())
    return aware(midnight) + timedelta(hours=sum(hour))


def _number(value: Decimal | float) -> float:
    """MySQL sums whole numbers as decimals."""
    return int(value) if isinstance(value, Decimal) else value


def _is_hour(table: HourlySqlTable, hour: datetime) -> tuple[str, tuple[object, ...]]:
    """A condition for the rows of an hour, with its values."""
    if len(table.hour_columns) == 1:
        return f"{table.hour_columns[0]} = %s", (_key(table, hour),)
    day, hour_of_day = table.hour_columns
    return f"{day} = %s AND {hour_of_day} = %s", (naive(hour).replace(hour=0), hour.hour)

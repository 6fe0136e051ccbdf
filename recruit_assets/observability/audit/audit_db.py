"""Where an audit keeps what it has read: a private SQLite database that spills to a temporary file and dies with it.

Belongs here: its tables and how they are filled. Not here: reading the stores (`stores.audit_reads`), what the facts
mean (`records`, `rows`, `report`), comparing them (`differences`). Memory stays at the page cache's size, whatever the
topic holds; the file lies where SQLITE_TMPDIR or TMPDIR says and is gone even after a kill -9.
"""

import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from recruit_assets.contract.measures import MEANS, MEASURES
from recruit_assets.contract.tables import GRAIN, MYSQL_REPORT, REPORT_SOURCE
from recruit_assets.contract.types import Type
from recruit_assets.transforms.buckets import HOUR_MS

_SQLITE_TYPES = {Type.INT: "integer", Type.DOUBLE: "real"}
CACHE_KIB = 64 * 1024
LATEST = "latest_update_time"
LEDGER_COLUMNS = tuple(name for name in MYSQL_REPORT.column_names if name != LATEST)

_METRICS_KEY = ("hour_ms", *GRAIN)
METRICS_COLUMNS = (*_METRICS_KEY, *(measure.column for measure in MEASURES), "latest_received_at_ms")

_PRIMARY_KEY = ", ".join(MYSQL_REPORT.primary_key)
TABLES = (
    # one row per distinct content of an event; the Cassandra key comes first, so that neighbours in time are neighbours
    "events (hour_ms, bucket, create_time, event_time_ms, content, received_at_ms, records, countable, unattributed, "
    "kafka_partition, kafka_offset, PRIMARY KEY (hour_ms, bucket, create_time, event_time_ms, content))",
    "stored (hour_ms, bucket, create_time, event_time_ms, content, received_at_ms, "
    "PRIMARY KEY (hour_ms, bucket, create_time))",
    "refused (kafka_partition, kafka_offset, reason, PRIMARY KEY (kafka_partition, kafka_offset, reason))",
    "dead_letters (kafka_partition, kafka_offset, reason, PRIMARY KEY (kafka_partition, kafka_offset, reason))",
    f"metrics ({', '.join(METRICS_COLUMNS)}, PRIMARY KEY ({', '.join(_METRICS_KEY)}))",
    "companies (job_id PRIMARY KEY, company_id)",
    f"reported ({', '.join(MYSQL_REPORT.column_names)}, PRIMARY KEY ({_PRIMARY_KEY}))",
    f"recomputed ({', '.join(MYSQL_REPORT.column_names)}, PRIMARY KEY ({_PRIMARY_KEY}))",
    f"ledger ({', '.join(LEDGER_COLUMNS)}, PRIMARY KEY ({_PRIMARY_KEY}))",
)

Values = tuple[Any, ...]

_ADD_EVENT = (
    "INSERT INTO events VALUES (?, ?, ?, ?, ?, ?, 1, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET "
    "records = records + 1, received_at_ms = max(received_at_ms, excluded.received_at_ms)"
)
_ADD_METRICS = (
    f"INSERT INTO metrics VALUES ({', '.join('?' * len(METRICS_COLUMNS))}) ON CONFLICT DO UPDATE SET "
    + "".join(f"{measure.column} = {measure.column} + excluded.{measure.column}, " for measure in MEASURES)
    + "latest_received_at_ms = max(latest_received_at_ms, excluded.latest_received_at_ms)"
)
_RECOMPUTED = {
    **{name: name for name in (*GRAIN, "company_id")},
    "dates": "date(hour_ms / 1000, 'unixepoch') || ' 00:00:00'",
    "hours": f"hour_ms / {HOUR_MS} % 24",
    "impressions": "NULL",
    "sources": f"'{REPORT_SOURCE}'",
    LATEST: "strftime('%Y-%m-%d %H:%M:%S', latest_received_at_ms / 1000, 'unixepoch')"
    " || printf('.%03d', latest_received_at_ms % 1000)",
    **{one.report_column: f"CAST({one.column} AS {_SQLITE_TYPES[one.type]})" for one in MEASURES},
    **{mean.report_column: f"mean({mean.sum.column}, {mean.count.column})" for mean in MEANS},
}
_RECOMPUTE = f"""
    INSERT INTO recomputed ({", ".join(MYSQL_REPORT.column_names)})
    SELECT {", ".join(_RECOMPUTED[name] for name in MYSQL_REPORT.column_names)}
    FROM metrics LEFT JOIN companies USING (job_id)
"""


class AuditDatabase:
    """The facts of one audit. Times are ms since the epoch, but in the report tables, where they are UTC texts."""

    def __init__(self, database: sqlite3.Connection) -> None:
        self._database = database
        for table in TABLES:
            database.execute(f"CREATE TABLE {table} WITHOUT ROWID")
        database.create_function("mean", 2, rounded_mean, deterministic=True)

    def add_events(self, rows: Iterable[Values]) -> None:
        """(hour_ms, bucket, create_time, event_time_ms, content, received_at_ms, countable, unattributed, partition,
        offset) of valid records; records of the same event are counted.
        """
        self._database.executemany(_ADD_EVENT, rows)

    def add_stored(self, rows: Iterable[Values]) -> None:
        """(hour_ms, bucket, create_time, event_time_ms, content, received_at_ms) of rows in Cassandra.

        A row read twice (the topology changed meanwhile) is one row.
        """
        self._database.executemany("INSERT OR REPLACE INTO stored VALUES (?, ?, ?, ?, ?, ?)", rows)

    def add_refused(self, rows: Iterable[Values]) -> None:
        """(partition, offset, reason) of refused records, by the record that was refused first."""
        self._database.executemany("INSERT OR IGNORE INTO refused VALUES (?, ?, ?)", rows)

    def add_dead_letters(self, rows: Iterable[Values]) -> None:
        """(partition, offset, reason) of dead letters; one that was sent twice is one."""
        self._database.executemany("INSERT OR IGNORE INTO dead_letters VALUES (?, ?, ?)", rows)

    def dead_letters_of(self, partition: int, first: int, last: int) -> Mapping[int, str]:
        """Reason by offset of the dead letters from these records; the last one where there are several."""
        select = (
            "SELECT kafka_offset, reason FROM dead_letters WHERE kafka_partition = ? AND kafka_offset BETWEEN ? AND ?"
        )
        return dict(self._database.execute(select, (partition, first, last)))

    def add_metrics(self, rows: Iterable[Values]) -> None:
        """Rows of hourly metrics, to be added to those of the same key."""
        self._database.executemany(_ADD_METRICS, rows)

    def add_companies(self, rows: Iterable[Values]) -> None:
        """(job_id, company_id)."""
        self._database.executemany("INSERT OR REPLACE INTO companies VALUES (?, ?)", rows)

    def add_reported(self, rows: Iterable[Values]) -> None:
        """Rows of the report as MySQL has them, in the contract's columns."""
        self._add("reported", MYSQL_REPORT.column_names, rows)

    def add_ledger(self, rows: Iterable[Values]) -> None:
        """Rows of the report as the ledger wants them: the contract's columns without the last."""
        self._add("ledger", LEDGER_COLUMNS, rows)

    def recompute(self) -> None:
        """Make the report that follows from the metrics and the companies."""
        self._database.execute(_RECOMPUTE)

    def rows(self, query: str, parameters: Mapping[str, object] | None = None) -> Iterator[Values]:
        """The rows of a query over these tables."""
        yield from self._database.execute(query, parameters or {})

    def number(self, query: str, parameters: Mapping[str, object] | None = None) -> int:
        """The one whole number that a query gives; nothing counts as 0."""
        row = self._database.execute(query, parameters or {}).fetchone()
        return int(row[0] or 0) if row else 0

    def _add(self, table: str, columns: tuple[str, ...], rows: Iterable[Values]) -> None:
        markers = ", ".join("?" * len(columns))
        self._database.executemany(f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({markers})", rows)


@contextmanager
def open_audit_database() -> Iterator[AuditDatabase]:
    """An empty scratch database, gone on leaving."""
    database = sqlite3.connect("", isolation_level=None)  # no name: a temporary file that is deleted when closed
    try:
        database.execute(f"PRAGMA cache_size = -{CACHE_KIB}")
        database.execute("PRAGMA temp_store = FILE")  # sorting a topic's worth of keys isn't for memory
        database.execute("PRAGMA journal_mode = OFF")
        database.execute("BEGIN")
        yield AuditDatabase(database)
    finally:
        database.close()


def rounded_mean(total: int, count: int) -> float:
    """total / count to 2 decimals, half away from zero, in whole numbers; 0 of none."""
    if count == 0:
        return 0.0
    hundredths = (abs(total) * 200 + count) // (2 * count)
    return (hundredths if total >= 0 else -hundredths) / 100

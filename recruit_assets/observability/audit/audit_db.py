"""A private SQLite database with what an audit has read.

It spills to a temporary file in SQLITE_TMPDIR or TMPDIR, so memory stays at the size of the page cache however much the
topic holds. The file has no name and is gone even after a kill -9.
"""

import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from recruit_assets.contract.measures import KPIS, MEANS, MEASURES
from recruit_assets.contract.tables import (
    DAILY_COMPANY_METRICS,
    DAILY_JOB_METRICS,
    DOWNSTREAM_TABLES,
    GRAIN,
    MYSQL_REPORT,
    REPORT_SOURCE,
)
from recruit_assets.contract.types import DownstreamTable, SqlTable, Type
from recruit_assets.runtime.times import from_ms
from recruit_assets.transforms.buckets import HOUR_MS

_SQLITE_TYPES = {Type.INT: "integer", Type.DOUBLE: "real"}
_TEXTS: Mapping[Type, Callable[[Any], str]] = {
    Type.DATE: lambda day: day.isoformat(),
    Type.DATETIME: lambda at: at.isoformat(sep=" "),
    Type.TIMESTAMP: lambda at: at.isoformat(sep=" ", timespec="milliseconds"),
}
"""How each type of time is stored."""
CACHE_KIB = 64 * 1024
LATEST = "latest_update_time"
LEDGER_COLUMNS = tuple(name for name in MYSQL_REPORT.column_names if name != LATEST)

_METRICS_KEY = ("hour_ms", *GRAIN)
METRICS_COLUMNS = (*_METRICS_KEY, *(measure.column for measure in MEASURES), "latest_received_at_ms")

DAILY_TABLES = (DAILY_JOB_METRICS, DAILY_COMPANY_METRICS)
DAYS_COLUMNS = ("date", "job_id", *(measure.name for measure in MEASURES), "latest_received_at_ms")

CLICK_COLUMNS = ("at_ms", "create_time", "person", *GRAIN, "bid", "verdict", "received_at_ms")
JOURNEYS_COLUMNS = (
    *("person", "job_id", "at_ms", "create_time", "hour", "action", "publisher_id", "campaign_id", "group_id"),
    *("ua", "dl", "received_at_ms"),
)

_PRIMARY_KEY = ", ".join(MYSQL_REPORT.primary_key)
TABLES = (
    # one row per distinct content of an event; Cassandra's key comes first to keep neighbours in time together
    "events (hour_ms, bucket, create_time, event_time_ms, content, received_at_ms, records, countable, unattributed, "
    "kafka_partition, kafka_offset, PRIMARY KEY (hour_ms, bucket, create_time, event_time_ms, content))",
    "stored (hour_ms, bucket, create_time, event_time_ms, content, received_at_ms, "
    "PRIMARY KEY (hour_ms, bucket, create_time))",
    # the time tells apart the records at the same place of a topic that was made anew
    "rejected (kafka_partition, kafka_offset, timestamp_ms, reason, PRIMARY KEY (kafka_partition, kafka_offset))",
    "dead_letters (kafka_partition, kafka_offset, timestamp_ms, reason, "
    "PRIMARY KEY (kafka_partition, kafka_offset, timestamp_ms, reason))",
    "replays (kafka_partition, kafka_offset, timestamp_ms, PRIMARY KEY (kafka_partition, kafka_offset, timestamp_ms))",
    f"metrics ({', '.join(METRICS_COLUMNS)}, PRIMARY KEY ({', '.join(_METRICS_KEY)}))",
    "companies (job_id PRIMARY KEY, company_id)",
    f"reported ({', '.join(MYSQL_REPORT.column_names)}, PRIMARY KEY ({_PRIMARY_KEY}))",
    f"recomputed ({', '.join(MYSQL_REPORT.column_names)}, PRIMARY KEY ({_PRIMARY_KEY}))",
    f"ledger ({', '.join(LEDGER_COLUMNS)}, PRIMARY KEY ({_PRIMARY_KEY}))",
    f"days ({', '.join(DAYS_COLUMNS)}, PRIMARY KEY (date, job_id))",
    *(
        f"{side}_{table.name} ({', '.join(table.column_names)}, PRIMARY KEY ({', '.join(table.primary_key)}))"
        for table in DAILY_TABLES
        for side in ("reported", "recomputed")
    ),
    *(
        f"{side}_{table.name} ({', '.join(table.column_names)}, PRIMARY KEY ({', '.join(table.primary_key)}))"
        for table in DOWNSTREAM_TABLES
        for side in ("reported", "recomputed", "ledger")
    ),
    f"judged_clicks ({', '.join(CLICK_COLUMNS)}, PRIMARY KEY (at_ms, create_time))",
    # in the order of a person's events on a job
    f"journeys ({', '.join(JOURNEYS_COLUMNS)}, PRIMARY KEY (person, job_id, at_ms, create_time))",
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
_ADD_DAYS = (
    f"INSERT INTO days VALUES ({', '.join('?' * len(DAYS_COLUMNS))}) ON CONFLICT DO UPDATE SET "
    + "".join(f"{measure.name} = {measure.name} + excluded.{measure.name}, " for measure in MEASURES)
    + "latest_received_at_ms = max(latest_received_at_ms, excluded.latest_received_at_ms)"
)
_LATEST_TEXT = (
    "strftime('%Y-%m-%d %H:%M:%S', latest_received_at_ms / 1000, 'unixepoch')"
    " || printf('.%03d', latest_received_at_ms % 1000)"
)
_RECOMPUTED = {
    **{name: name for name in (*GRAIN, "company_id")},
    "dates": "date(hour_ms / 1000, 'unixepoch') || ' 00:00:00'",
    "hours": f"hour_ms / {HOUR_MS} % 24",
    "impressions": "NULL",
    "sources": f"'{REPORT_SOURCE}'",
    LATEST: _LATEST_TEXT,
    **{one.report_column: f"CAST({one.column} AS {_SQLITE_TYPES[one.type]})" for one in MEASURES},
    **{mean.report_column: f"mean({mean.sum.column}, {mean.count.column})" for mean in MEANS},
}
_RECOMPUTE = f"""
    INSERT INTO recomputed ({", ".join(MYSQL_REPORT.column_names)})
    SELECT {", ".join(_RECOMPUTED[name] for name in MYSQL_REPORT.column_names)}
    FROM metrics LEFT JOIN companies USING (job_id)
"""
_DAY_SUMS = ", ".join(f"sum({measure.name}) AS {measure.name}" for measure in MEASURES)
_RECOMPUTED_DAY = {
    **{measure.name: f"CAST({measure.name} AS {_SQLITE_TYPES[measure.type]})" for measure in MEASURES},
    **{kpi.name: f"CAST({kpi.numerator.name} AS real) / nullif({kpi.denominator.name}, 0)" for kpi in KPIS},
    LATEST: _LATEST_TEXT,
}
_RECOMPUTE_DAYS = tuple(
    f"INSERT INTO recomputed_{table.name} ({keys}, {', '.join(_RECOMPUTED_DAY)}) "
    f"SELECT {keys}, {', '.join(_RECOMPUTED_DAY.values())} "
    f"FROM (SELECT {chosen}, {_DAY_SUMS}, max(latest_received_at_ms) AS latest_received_at_ms "
    "FROM days LEFT JOIN companies USING (job_id) GROUP BY 1, 2)"
    for table, keys, chosen in (
        (DAILY_JOB_METRICS, "date, job_id, company_id", "date, job_id, company_id"),
        (DAILY_COMPANY_METRICS, "date, company_id", "date, coalesce(company_id, 0) AS company_id"),
    )
)


class AuditDatabase:
    """What one audit has read. Times are ms since the epoch, in the report tables UTC strings."""

    def __init__(self, database: sqlite3.Connection) -> None:
        self._database = database
        for table in TABLES:
            database.execute(f"CREATE TABLE {table} WITHOUT ROWID")
        database.create_function("mean", 2, rounded_mean, deterministic=True)

    def add_events(self, rows: Iterable[Values]) -> None:
        """(hour_ms, bucket, create_time, event_time_ms, content, received_at_ms, countable, unattributed, partition,
        offset) of valid records. Records with the same content are one row with a count. `countable` is 0, or 1 plus
        the position of the rule that found the job.
        """
        self._database.executemany(_ADD_EVENT, rows)

    def add_stored(self, rows: Iterable[Values]) -> None:
        """(hour_ms, bucket, create_time, event_time_ms, content, received_at_ms) of rows in Cassandra.

        A row that is read twice, because the topology changed, counts once.
        """
        self._database.executemany("INSERT OR REPLACE INTO stored VALUES (?, ?, ?, ?, ?, ?)", rows)

    def add_rejected(self, rows: Iterable[Values]) -> None:
        """(partition, offset, timestamp_ms, reason) of rejected records."""
        self._database.executemany("INSERT OR IGNORE INTO rejected VALUES (?, ?, ?, ?)", rows)

    def add_dead_letters(self, rows: Iterable[Values]) -> None:
        """(partition, offset, timestamp_ms, reason) of dead letters; one that was sent twice counts once."""
        self._database.executemany("INSERT OR IGNORE INTO dead_letters VALUES (?, ?, ?, ?)", rows)

    def add_replays(self, rows: Iterable[Values]) -> None:
        """(partition, offset, timestamp_ms) of records that `dead-letters replay` sent."""
        self._database.executemany("INSERT OR IGNORE INTO replays VALUES (?, ?, ?)", rows)

    def dead_letters_of(self, partition: int, first: int, last: int) -> Mapping[tuple[int, int], str]:
        """Reasons by offset and time of the dead letters of these records; the last one if there are several."""
        return {(offset, at): reason for offset, at, reason in self._of("dead_letters", partition, (first, last))}

    def replays_of(self, partition: int, first: int, last: int) -> set[tuple[int, int]]:
        """Offsets and times of the replays among these records."""
        return {(offset, at) for offset, at in self._of("replays", partition, (first, last))}

    def add_metrics(self, rows: Iterable[Values]) -> None:
        """Rows of hourly metrics; rows with the same key are added up."""
        self._database.executemany(_ADD_METRICS, rows)

    def add_days(self, rows: Iterable[Values]) -> None:
        """Counts of jobs on days; rows with the same date and job are added up."""
        self._database.executemany(_ADD_DAYS, rows)

    def add_reported_days(self, table: SqlTable, rows: Iterable[Values]) -> None:
        """Rows of a daily table in MySQL, with the contract's columns."""
        self._add(f"reported_{table.name}", table.column_names, rows)

    def add_downstream(self, side: str, table: DownstreamTable, rows: Iterable[Values]) -> None:
        """Rows of a downstream table as `reported`, `recomputed` or in the `ledger`, with the contract's columns.

        Rows with the same key are added up.
        """
        name, latest = f"{side}_{table.name}", table.updated_at
        counts = (column for column in table.column_names if column not in (*table.primary_key, latest))
        added = "".join(f"{column} = {column} + excluded.{column}, " for column in counts)
        self._database.executemany(
            f"INSERT INTO {name} VALUES ({', '.join('?' * len(table.columns))}) ON CONFLICT DO UPDATE SET "
            f"{added}{latest} = max({latest}, excluded.{latest})",
            rows,
        )

    def add_clicks(self, rows: Iterable[Values]) -> None:
        """CLICK_COLUMNS of clicks with a job. A row that is read twice counts once."""
        markers = ", ".join("?" * len(CLICK_COLUMNS))
        self._database.executemany(f"INSERT OR REPLACE INTO judged_clicks VALUES ({markers})", rows)

    def clicks(self) -> Iterator[Values]:
        """All clicks in the order of their times, then of create_time."""
        return self.rows("SELECT * FROM judged_clicks ORDER BY at_ms, create_time")

    def add_journeys(self, rows: Iterable[Values]) -> None:
        """Rows with JOURNEYS_COLUMNS: countable events, with an empty person if nobody is named.

        A row that is read twice counts once.
        """
        markers = ", ".join("?" * len(JOURNEYS_COLUMNS))
        self._database.executemany(f"INSERT OR REPLACE INTO journeys VALUES ({markers})", rows)

    def keep_downstream(self, table: DownstreamTable, hours: Iterable[datetime]) -> None:
        """Remove all other hours (naive UTC) of a downstream table; those that stay are in the table kept_<name>."""
        kept = f"kept_{table.name}"
        self._database.execute(f"CREATE TEMPORARY TABLE {kept} (event_hour PRIMARY KEY)")
        self._database.executemany(f"INSERT INTO {kept} VALUES (?)", ((hour.isoformat(sep=" "),) for hour in hours))
        for side in ("reported", "recomputed", "ledger"):
            self._database.execute(
                f"DELETE FROM {side}_{table.name} WHERE event_hour NOT IN (SELECT event_hour FROM {kept})"
            )

    def keep_days(self, days: Iterable[str]) -> None:
        """Remove all other days from the daily tables."""
        self._database.execute("CREATE TEMPORARY TABLE compared_days (date PRIMARY KEY)")
        self._database.executemany("INSERT INTO compared_days VALUES (?)", ((day,) for day in days))
        for table in ("days", *(f"reported_{table.name}" for table in DAILY_TABLES)):
            self._database.execute(f"DELETE FROM {table} WHERE date NOT IN (SELECT date FROM compared_days)")

    def add_companies(self, rows: Iterable[Values]) -> None:
        """(job_id, company_id)."""
        self._database.executemany("INSERT OR REPLACE INTO companies VALUES (?, ?)", rows)

    def add_reported(self, rows: Iterable[Values]) -> None:
        """Rows of the report in MySQL, with the contract's columns."""
        self._add("reported", MYSQL_REPORT.column_names, rows)

    def add_ledger(self, rows: Iterable[Values]) -> None:
        """Rows of the report that the ledger expects: the contract's columns except the last."""
        self._add("ledger", LEDGER_COLUMNS, rows)

    def forget_report_before(self, hour: datetime) -> None:
        """Remove the earlier hours from the reports of MySQL and of the ledger."""
        day = hour.strftime("%Y-%m-%d 00:00:00")
        for table in ("reported", "ledger"):
            self._database.execute(f"DELETE FROM {table} WHERE (dates, hours) < (?, ?)", (day, hour.hour))

    def recompute(self) -> None:
        """Compute the report and the daily tables from the metrics and the companies."""
        for statement in (_RECOMPUTE, *_RECOMPUTE_DAYS):
            self._database.execute(statement)

    def rows(self, query: str, parameters: Mapping[str, object] | None = None) -> Iterator[Values]:
        """The rows of a query over these tables."""
        yield from self._database.execute(query, parameters or {})

    def number(self, query: str, parameters: Mapping[str, object] | None = None) -> int:
        """A query's single integer; 0 if it returns null or no row."""
        row = self._database.execute(query, parameters or {}).fetchone()
        return int(row[0] or 0) if row else 0

    def _of(self, table: str, partition: int, offsets: tuple[int, int]) -> Iterator[Values]:
        """The rows of these offsets, without their partition."""
        where = "kafka_partition = ? AND kafka_offset BETWEEN ? AND ?"
        for _, *row in self._database.execute(f"SELECT * FROM {table} WHERE {where}", (partition, *offsets)):
            yield tuple(row)

    def _add(self, table: str, columns: tuple[str, ...], rows: Iterable[Values]) -> None:
        markers = ", ".join("?" * len(columns))
        self._database.executemany(f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({markers})", rows)


@contextmanager
def open_audit_database() -> Iterator[AuditDatabase]:
    """An empty audit database that is deleted at the end."""
    database = sqlite3.connect("", isolation_level=None)  # no name: a temporary file
    try:
        database.execute(f"PRAGMA cache_size = -{CACHE_KIB}")
        database.execute("PRAGMA temp_store = FILE")  # sorting must not need memory for every key
        database.execute("PRAGMA journal_mode = OFF")
        database.execute("BEGIN")
        yield AuditDatabase(database)
    finally:
        database.close()


def as_texts(table: SqlTable, rows: Iterable[Values]) -> Iterator[Values]:
    """The rows of a table with their times as texts, since SQLite has no times. Texts of one form compare as times."""
    times = [(position, _TEXTS[one.type]) for position, one in enumerate(table.columns) if one.type in _TEXTS]
    for row in rows:
        values = list(row)
        for position, text_of in times:
            values[position] = text_of(values[position])
        yield tuple(values)


def hour_text(hour_ms: int) -> str:
    """An hour as the downstream tables have it."""
    return from_ms(hour_ms).strftime("%Y-%m-%d %H:%M:%S")


def latest_text(instant_ms: int) -> str:
    """A time as the tables have it."""
    return from_ms(instant_ms).strftime("%Y-%m-%d %H:%M:%S.%f")[:-3]


def rounded_mean(total: int, count: int) -> float:
    """total / count to 2 decimals, rounded half away from zero in integer arithmetic; 0 if count is 0."""
    if count == 0:
        return 0.0
    hundredths = (abs(total) * 200 + count) // (2 * count)
    return (hundredths if total >= 0 else -hundredths) / 100

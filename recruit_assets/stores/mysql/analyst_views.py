"""The SQL of the analyst model's views, the same on MySQL and MariaDB, and making the views what it says.

Belongs here: SELECT statements and CREATE VIEW. Not here: names and meanings (`analyst_model`), tables
(`mysql_schema`), who may read the views (`analyst_login`).
"""

import logging
from collections.abc import Iterator, Mapping, Sequence
from hashlib import sha256

from pymysql.cursors import Cursor

from recruit_assets.contract.analyst_model import (
    APPLIED_VIEWS,
    DIM_DATE,
    DIMENSION_VIEWS,
    DIMENSIONS,
    FACT,
    KPI_BY_DATE,
    KPI_VIEWS,
    UNKNOWN,
    Dimension,
)
from recruit_assets.contract.measures import KPIS, MEASURES
from recruit_assets.contract.tables import FIRST_HOUR, MYSQL_REPORT, REPORT_HOURS
from recruit_assets.contract.types import Type
from recruit_assets.runtime.errors import SchemaMismatch

log = logging.getLogger(__name__)

DAY_DIGITS = 5
"""Of the calendar's greatest day number: 273 years."""
MONTHS = (
    "January", "February", "March", "April", "May", "June",
    "July", "August", "September", "October", "November", "December",
)  # fmt: skip
WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


def apply_views(cursor: Cursor) -> None:
    """Create missing views and replace changed ones, which the log says; SchemaMismatch where a table has the name.

    Where all views are as they should be, only reads: a user without the right to make views may call it.
    """
    existing = _existing(cursor)
    for name, select in view_selects().items():
        digest = sha256(select.encode()).hexdigest()
        if existing.get(name) == digest:
            continue
        cursor.execute(f"CREATE OR REPLACE SQL SECURITY INVOKER VIEW {name} AS {select}")
        cursor.execute(f"REPLACE INTO {APPLIED_VIEWS.name} (name, definition_sha256) VALUES (%s, %s)", (name, digest))
        if name in existing:
            log.info("view %s is replaced: its definition has changed", name)


def view_selects() -> Mapping[str, str]:
    """The SELECT of each view, in an order in which they can be made."""
    return {
        FACT.name: fact_select(),
        DIM_DATE.name: date_select(),
        **{view.name: dimension_select(dimension) for dimension, view in DIMENSION_VIEWS.items()},
        KPI_BY_DATE.name: f"SELECT f.*, {', '.join(kpi_columns())} FROM ({sums_by('date')}) f",
        **{view.name: kpi_select(dimension) for dimension, view in KPI_VIEWS.items()},
    }


def fact_select() -> str:
    """From report_hours to its rows: a condition on event_hour is a range of one key and a prefix of the other.

    Computed from dates and hours, event_hour would have every query read the whole report.
    """
    keys = (f"COALESCE(r.{d.key}, 0) AS {d.key}" if d.name == "company" else f"r.{d.key}" for d in DIMENSIONS)
    measures = (f"r.{measure.source} AS {measure.name}" for measure in MEASURES)
    return (
        f"SELECT h.event_hour, DATE(h.event_hour) AS date, {', '.join([*keys, *measures])} "
        f"FROM {REPORT_HOURS.name} h STRAIGHT_JOIN {MYSQL_REPORT.name} r "
        "ON r.dates = DATE(h.event_hour) AND r.hours = HOUR(h.event_hour)"
    )


def date_select() -> str:
    """Whole years, as time intelligence wants them, from the first hour's to the report's last or the present one."""
    first = f"SELECT MAKEDATE(YEAR(event_hour), 1) AS day FROM {FIRST_HOUR.name}"
    last = f"SELECT GREATEST(UTC_DATE(), COALESCE(DATE(MAX(dates)), UTC_DATE())) AS day FROM {MYSQL_REPORT.name}"
    # a recursive query stops at 1,000 on MySQL and can't be told otherwise from within a view
    digits = ", ".join(f"digit d{place}" for place in range(DAY_DIGITS))
    number = " + ".join(f"d{place}.n * {10**place}" for place in range(DAY_DIGITS))
    return (
        f"WITH digit AS ({' UNION ALL '.join(f'SELECT {n} AS n' for n in range(10))}), "
        f"day AS (SELECT first.day + INTERVAL {number} DAY AS date FROM ({first}) first, ({last}) last, {digits} "
        f"WHERE {number} < DATEDIFF(MAKEDATE(YEAR(last.day) + 1, 1), first.day)) "
        "SELECT date, YEAR(date) + 0 AS year, QUARTER(date) AS quarter, MONTH(date) AS month, "
        f"{_spelled('MONTH(date)', MONTHS)} AS month_name, WEEK(date, 3) AS iso_week, WEEKDAY(date) + 1 AS weekday, "
        f"{_spelled('WEEKDAY(date) + 1', WEEKDAYS)} AS weekday_name FROM day"
    )


def dimension_select(dimension: Dimension) -> str:
    """Every key of the report, so that a join to the fact view loses nothing, and every named one."""
    key, names = dimension.key, dimension.names.name
    none = "" if dimension.name == "job" else " UNION SELECT 0"  # 0 is a job, and no other thing
    return (
        f"SELECT k.{key}, {_label(dimension)} FROM ("
        f"SELECT DISTINCT {key} FROM {MYSQL_REPORT.name} WHERE {key} IS NOT NULL UNION SELECT id FROM {names}{none}) k "
        f"LEFT JOIN {names} n ON n.id = k.{key}"
    )


def kpi_select(dimension: Dimension, where: str = "TRUE") -> str:
    """Sums and key figures of each member that occurs where the condition on the fact view holds."""
    key = dimension.key
    sums = ", ".join(f"f.{measure.name}" for measure in MEASURES)
    return (
        f"SELECT f.{key}, {_label(dimension)}, {sums}, {', '.join(kpi_columns())} FROM ({sums_by(key, where)}) f "
        f"LEFT JOIN {dimension.names.name} n ON n.id = f.{key}"
    )


def sums_by(key: str, where: str = "TRUE") -> str:
    """The measures' sums for each value of an expression over the fact view's columns."""
    name = key.rpartition(" AS ")[2]
    return f"SELECT {key}, {', '.join(sum_columns())} FROM {FACT.name} WHERE {where} GROUP BY {name}"


def sum_columns() -> Iterator[str]:
    """Whole numbers stay such: MySQL sums them as decimals, which takes half as long again as doubles.

    A double is exact up to 2^53.
    """
    for measure in MEASURES:
        total = f"SUM({measure.name})" if measure.type is Type.DOUBLE else f"CAST(SUM(1e0 * {measure.name}) AS SIGNED)"
        yield f"{total} AS {measure.name}"


def kpi_columns() -> Iterator[str]:
    """Each ratio of sums f.clicks and so on as a double, null where the denominator is 0."""
    for kpi in KPIS:
        # without 1e0 MySQL would divide whole numbers to 4 decimals
        yield f"1e0 * f.{kpi.numerator} / NULLIF(f.{kpi.denominator}, 0) AS {kpi.name}"


def _existing(cursor: Cursor) -> Mapping[str, str]:
    """The digest that each existing view was made from; empty where that isn't known."""
    cursor.execute(f"SELECT name, definition_sha256 FROM {APPLIED_VIEWS.name}")
    digests = dict(cursor.fetchall())
    cursor.execute("SELECT table_name, table_type FROM information_schema.tables WHERE table_schema = DATABASE()")
    found = {name: type_ for name, type_ in cursor.fetchall() if name in view_selects()}
    for name, type_ in found.items():
        if type_ != "VIEW":
            raise SchemaMismatch(
                f"MySQL has a table {name} where the analyst model has a view. Nothing was changed; "
                "move the table away or use another RECRUIT_MYSQL_DATABASE"
            )
    return {name: digests.get(name, "") for name in found}


def _label(dimension: Dimension) -> str:
    return f"COALESCE(n.{dimension.name_column}, '{UNKNOWN}') AS {dimension.label}"


def _spelled(number: str, words: Sequence[str]) -> str:
    """Server and session may have a language of their own, which MONTHNAME would use."""
    return f"ELT({number}, {', '.join(repr(word) for word in words)})"

"""Logical column types, and what a column and a table are."""

from dataclasses import dataclass, replace
from enum import Enum


class Type(Enum):
    """A logical column type; each store maps it to its own."""

    INT = "32-bit integer"
    BIGINT = "64-bit integer"
    DOUBLE = "64-bit floating point number"
    TEXT = "unbounded text"
    VARCHAR = "text of at most 255 characters"
    VARCHAR_32 = "text of at most 32 characters"
    TIMEUUID = "version-1 UUID"
    UUID = "UUID"
    DATE = "calendar day, UTC"
    TIMESTAMP = "instant, UTC, milliseconds"
    DATETIME = "instant, UTC, whole seconds"
    DATETIME_MICROS = "instant, UTC, microseconds"
    INT_SET = "set of 32-bit integers"
    BIGINT_BY_INT = "map from 32-bit to 64-bit integers, each entry written separately"
    BIGINTS_BY_INT = "map from a 32-bit integer to a list of 64-bit integers"


INT_MIN, INT_MAX = -(2**31), 2**31 - 1
"""The limits of Type.INT."""


@dataclass(frozen=True, slots=True)
class Column:
    """A named, typed column; `nullable` is what a reader must expect.

    `default` is SQL's. A NOT NULL column that a migration adds needs one, for old rows and for writers that don't know
    the column yet.
    """

    name: str
    type: Type
    description: str
    nullable: bool = True
    default: int | None = None


@dataclass(frozen=True, slots=True)
class CassandraTable:
    """A table of the Cassandra keyspace; `ttl_s` 0 keeps rows forever."""

    name: str
    description: str
    columns: tuple[Column, ...]
    partition_key: tuple[str, ...]
    clustering_key: tuple[str, ...] = ()
    ttl_s: int = 0
    indexes: tuple[str, ...] = ()
    """Columns by which rows are found without their key (storage-attached indexes)."""

    @property
    def column_names(self) -> tuple[str, ...]:
        return tuple(column.name for column in self.columns)

    @property
    def is_of_hours(self) -> bool:
        """Whether rows belong to an hour, and so expire with RECRUIT_RETENTION_DAYS."""
        return "event_hour" in self.partition_key


@dataclass(frozen=True, slots=True)
class HourTable(CassandraTable):
    """A Cassandra table whose rows belong to an hour: its partition key is (event_hour) or (event_hour, bucket)."""

    live: bool = False
    """Rows are written at any time and not by runs, so the table has no coverage."""
    events_in: tuple[str, ...] = ()
    """Columns that add up to the number of events of a row; none: a row is one event."""
    attributed_by: str = ""
    """A row without a value in this column is counted as unattributed and isn't stored."""
    counted_by: str = ""
    """A column with small numbers from 0 that the asset may add; the rows with each are counted. It isn't stored."""

    @property
    def has_buckets(self) -> bool:
        """Whether an hour is several partitions, one per bucket."""
        return "bucket" in self.partition_key


@dataclass(frozen=True, slots=True)
class SqlTable:
    """A table of the report database (MySQL and MariaDB); `indexes` are column lists beside the primary key."""

    name: str
    description: str
    columns: tuple[Column, ...]
    primary_key: tuple[str, ...]
    indexes: tuple[tuple[str, ...], ...] = ()

    @property
    def column_names(self) -> tuple[str, ...]:
        return tuple(column.name for column in self.columns)


@dataclass(frozen=True, slots=True, kw_only=True)
class HourlySqlTable(SqlTable):
    """A table of the report database whose rows belong to an hour, which a run replaces in one transaction."""

    coverage: SqlTable
    """A table made by `sql_coverage`."""
    hour_columns: tuple[str, ...] = ("event_hour",)
    """The columns with a row's hour: one DATETIME, or the midnight of the day and the hour of the day."""
    events_in: tuple[str, ...] = ()
    """Columns that add up to the number of events of a row; none: a row is one event."""
    totals: tuple[tuple[str, str], ...] = ()
    """Names and columns of the numbers whose sums the Dagster UI shows for each hour."""
    updated_at: str = ""
    """The column with the time at which the newest event of a row was received."""
    lookups: tuple["Lookup", ...] = ()

    @property
    def hour_of_row(self) -> str:
        """Spark SQL: the hour of a row."""
        day, *hour = self.hour_columns
        return f"{day} + make_interval(0, 0, 0, 0, {hour[0]})" if hour else day


@dataclass(frozen=True, slots=True, kw_only=True)
class DownstreamTable(HourlySqlTable):
    """An hourly table of the report database that is made from an hour's events after the report has the hour.

    The report never waits for it. Its coverage is a table made by `downstream_coverage`.
    """

    made_from: HourTable | None = None
    """A table of Cassandra that is made from the events in the same run, before it."""

    @property
    def assets(self) -> tuple[str, ...]:
        """The assets that a run of this table makes."""
        return (self.made_from.name, self.name) if self.made_from else (self.name,)


@dataclass(frozen=True, slots=True, kw_only=True)
class DailySqlTable(HourlySqlTable):
    """A table of the report database whose rows belong to a day of RECRUIT_REPORT_TIMEZONE, in place of an hour.

    `hour_columns` is its date, and a run replaces a day in one transaction.
    """

    hour_columns: tuple[str, ...] = ("date",)
    sums: "DailySums | None" = None

    @property
    def hour_of_row(self) -> str:
        return f"cast({self.hour_columns[0]} AS timestamp)"


@dataclass(frozen=True, slots=True)
class DailySums:
    """Sums over the rows of a daily table, by one of its looked-up columns; a row without a value counts as 0."""

    table: SqlTable
    """Its first columns are the date and `by`; the others are columns of the daily table, and ratios of these."""
    by: str
    days: SqlTable
    """A table made by `sql_coverage`: which version of the daily table's day each day was summed from."""


@dataclass(frozen=True, slots=True)
class Lookup:
    """A column that is filled from another table of the report database; null without a match.

    `refresh_lookups` (stores/mysql/lookups.py) corrects the rows when that table changes, and needs an index on `by`.
    """

    column: str
    by: str
    """The column of the row that holds the key."""
    table: SqlTable
    value: str
    """The column of the other table to take; its primary key is one whole number."""
    applied: SqlTable
    """A table made by `sql_applied`: the values that the rows have."""


THE_HOUR = Column("event_hour", Type.DATETIME, "The hour, UTC", nullable=False)


def sql_coverage(name: str, description: str, *, key: Column = THE_HOUR) -> SqlTable:
    """A table that says how far the rows of each hour of a HourlySqlTable are complete; `key` is the hour or day."""
    period = "day" if key.type is Type.DATE else "hour"
    return SqlTable(
        name=name,
        description=description,
        columns=(
            key,
            Column("covered_through", Type.DATETIME_MICROS, "Every change before this is in the rows", nullable=False),
            Column("t", Type.BIGINT, "Write timestamp of the run, breaks ties of covered_through", nullable=False),
            Column("row_count", Type.BIGINT, f"Rows of the {period}", nullable=False),
            Column("event_count", Type.BIGINT, "Countable events that the rows stand for", nullable=False),
            Column("run_id", Type.VARCHAR, f"Dagster run that wrote the {period}", nullable=False),
        ),
        primary_key=(key.name,),
        # finds hours that are covered in the future without reading the others
        indexes=(("covered_through",),),
    )


def downstream_coverage(name: str) -> SqlTable:
    """The coverage of the DownstreamTable with this name, which also says when an hour is to be made again."""
    table = sql_coverage(f"{name}_hours", f"One row per hour of {name}: how far its rows are known to be complete.")
    return replace(
        table,
        columns=(
            *table.columns,
            Column("computed_by", Type.VARCHAR, "What the rows depend on beside the events: a digest of the settings"),
            Column("reopened_at", Type.DATETIME_MICROS, "A run must have begun after this; by Cassandra's clock, UTC"),
        ),
    )


def sql_applied(name: str, description: str, table: SqlTable, value: str) -> SqlTable:
    """A table with the values of another table's column that rows have been given; without the keys that have none.

    A key whose value is null has rows with several values, as rows of before an upgrade may.
    """
    columns = {column.name: column for column in table.columns}
    (key,) = table.primary_key
    applied = replace(columns[value], nullable=True)
    return SqlTable(name=name, description=description, columns=(columns[key], applied), primary_key=(key,))

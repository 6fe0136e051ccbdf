"""Logical column types, and what a column and a table are."""

from dataclasses import dataclass
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
    BIGINT_BY_INT = "map from 32-bit to 64-bit integers, each entry written for itself"
    BIGINTS_BY_INT = "map from a 32-bit integer to a list of 64-bit integers"


@dataclass(frozen=True, slots=True)
class Column:
    """A named, typed column; `nullable` is what a reader must expect."""

    name: str
    type: Type
    description: str
    nullable: bool = True


@dataclass(frozen=True, slots=True)
class CassandraTable:
    """A table of the Cassandra keyspace; `ttl_s` 0 keeps rows for ever."""

    name: str
    description: str
    columns: tuple[Column, ...]
    partition_key: tuple[str, ...]
    clustering_key: tuple[str, ...] = ()
    ttl_s: int = 0

    @property
    def column_names(self) -> tuple[str, ...]:
        return tuple(column.name for column in self.columns)

    @property
    def has_buckets(self) -> bool:
        """Whether an hour is cut into partitions by bucket, or is one."""
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

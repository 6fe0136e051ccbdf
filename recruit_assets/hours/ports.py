"""What the replacement of hours needs of the stores, as Protocols that stores fulfil and tests fake."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol, TypeVar

from recruit_assets.contract.types import CassandraTable
from recruit_assets.hours.bucket_state import Partition, Portion, Tally
from recruit_assets.hours.planning import FailedRun, PendingHour


@dataclass(frozen=True, slots=True)
class Recorded:
    """What a stage recorded of an hour; `covered_through_ms` tells which changes it is about."""

    covered_through_ms: int
    t: int
    row_count: int
    event_count: int
    t_by_bucket: Mapping[int, int] | None = None
    """Where a run may keep the rows of others: the write number of each bucket with raw events."""

    def t_of(self, bucket: int) -> int | None:
        """The write number that every row of the bucket has; None where it has no rows."""
        return self.t if self.t_by_bucket is None else self.t_by_bucket.get(bucket)


Rows = TypeVar("Rows")
Compute = Callable[[Any], Any]
"""Rows in, rows out, a DataFrame each in production. Not generic: Dagster checks an asset's output by its class."""
ReportRow = tuple[Any, ...]
"""The values of one row in the order of the contract's report columns."""


@dataclass(frozen=True, slots=True)
class StageResult:
    """What a stage did: its number T, and per hour the coverage mark (ms since the epoch) and the tally."""

    t: int
    covered_through_ms: Mapping[datetime, int]
    tallies: Mapping[datetime, Tally] = field(default_factory=dict)
    portions: Mapping[Partition, Portion] = field(default_factory=dict)
    """Of each bucket that isn't empty, or whose input has had rows, for a later run to keep."""
    partitions_read: int = 0
    superseded: tuple[datetime, ...] = ()
    """Hours that a newer run had already replaced."""


@dataclass(frozen=True, slots=True)
class Derivation:
    """How the rows of a stage follow from those of its input. Nothing is read before a stage runs it.

    `compute` may keep rows that only the tally looks at; `stored` drops them. `tally` gives a row per partition in use.
    """

    source: CassandraTable
    compute: Compute
    stored: Compute
    tally: Compute
    by_bucket: "ByBucket | None" = None


@dataclass(frozen=True, slots=True)
class ByBucket:
    """A detour to the same rows that costs what changed: `parts` per bucket are kept in a table, `total` adds them up.

    It is taken where the input stands for so many events or more; less is sooner counted again.
    """

    table: CassandraTable
    parts: Derivation
    total: Derivation
    from_events: int


@dataclass(frozen=True, slots=True)
class StoredHours:
    """A table as the input of a stage; which of its hours are read follows from the run."""

    table: CassandraTable

    def derive(
        self,
        compute: Compute,
        *,
        tally: Compute,
        stored: Compute = lambda rows: rows,
        by_bucket: ByBucket | None = None,
    ) -> Derivation:
        return Derivation(self.table, compute, stored, tally, by_bucket)


class HourTables(Protocol[Rows]):
    """Cassandra: partitions of last-write-wins rows, and a coverage mark per hour and stage. T is in microseconds."""

    def now_ms(self) -> int:
        """Cassandra's clock."""

    def clear_coverage(self, stage: CassandraTable, hours: Sequence[datetime], *, t: int) -> None:
        """From here on nobody takes the stage's rows of these hours for complete."""

    def coverage_ms(self, stage: CassandraTable, hours: Sequence[datetime]) -> Mapping[datetime, int]:
        """The marks of those of the hours that have one."""

    def portions(
        self, stage: CassandraTable, hours: Sequence[datetime]
    ) -> Mapping[datetime, Mapping[Partition, Portion]]:
        """What the buckets of the covered hours were made of; without the hours whose coverage doesn't tell."""

    def partitions(self, table: CassandraTable, hours: Sequence[datetime]) -> Sequence[Partition]:
        """Every partition that the hours can have."""

    def versions(self, table: CassandraTable, hours: Sequence[datetime]) -> Mapping[datetime, Mapping[Partition, int]]:
        """A number for each bucket that has been written to, another one after each change: ingest's for raw events,
        T for what a stage made. Without the hours of which it isn't known.
        """

    def read(self, table: CassandraTable, partitions: Sequence[Partition]) -> Rows:
        """The rows of the partitions, read no earlier than this call."""

    def write(self, stage: CassandraTable, rows: Rows, derivation: Derivation, *, t: int) -> Mapping[Partition, Tally]:
        """Store the rows at timestamp T; returns the tally of each partition that has any."""

    def delete_older(self, stage: CassandraTable, partitions: Sequence[Partition], *, t: int) -> None:
        """Remove what was written at T or before from the partitions."""

    def cover(self, stage: CassandraTable, result: StageResult, *, t: int, run_id: str) -> None:
        """Set the result's marks, tallies and portions at timestamp T."""

    def by_hour(self, rows: Rows) -> Iterator[tuple[datetime, Iterator[ReportRow]]]:
        """The report rows of each hour that has any, to be taken before the next hour is asked for."""


@dataclass(frozen=True, slots=True)
class Published:
    """How much a run has for an hour of the report; not stored where a newer run's was there already."""

    tally: Tally
    stored: bool


class Report(Protocol):
    """The report database."""

    def replace_hour(
        self, hour: datetime, rows: Iterable[ReportRow], *, covered_through_ms: int, t: int, run_id: str
    ) -> Published:
        """Replace the hour's rows and mark in one transaction, unless the report already holds a newer mark."""


@dataclass(frozen=True, slots=True)
class ChangePage:
    """The newest change of each hour in this page; every change before `read_through` has now been read."""

    newest: Mapping[datetime, datetime]
    read_through: datetime
    row_count: int


class ChangeFeed(Protocol):
    """The change feed in Cassandra."""

    def now(self) -> datetime:
        """Cassandra's clock."""

    def pages(self, start: datetime, now: datetime) -> Iterator[ChangePage]:
        """What changed from `start` on; the last page is read through `now`."""


class PendingHourStore(Protocol):
    """Pending hours and the feed's low-water mark, in the report database."""

    def checkpoint(self) -> datetime | None:
        """Up to where the feed was read; None before the first time."""

    def record(self, newest: Mapping[datetime, datetime], *, read_through: datetime, now: datetime) -> None:
        """Store the changed hours that the report doesn't cover, and move the mark: both or neither."""

    def settle(self, failures: Sequence[FailedRun], *, now: datetime) -> Sequence[PendingHour]:
        """What is still pending."""

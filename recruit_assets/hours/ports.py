"""What `hours` needs of the stores, as Protocols: the stores implement them, the interleaving tests fake them."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol, TypeVar

from recruit_assets.contract.types import HourTable
from recruit_assets.hours.bucket_state import BucketState, Partition, RowCounts
from recruit_assets.hours.planning import FailedRun, PendingHour

Rows = TypeVar("Rows")
"""A query that hasn't been run yet; in production a Spark DataFrame."""
SqlRow = tuple[Any, ...]
"""The values of one row for a table of the report database, in the order of the DataFrame's columns."""
RowsByHour = Iterable[tuple[datetime, Iterable[SqlRow]]]
"""An hour's rows must be read before the next hour."""


@dataclass(frozen=True, slots=True)
class Coverage:
    """What the rows of an hour are known to contain: every change before `covered_through_ms` (ms since the epoch)."""

    covered_through_ms: int
    buckets: Mapping[Partition, BucketState] | None = None
    """The state of each bucket; None if it wasn't recorded."""
    row_count: int | None = None
    """The number of rows; None in a coverage that is to be stored."""
    computed_by: str = ""
    """What the rows depend on beside their input and the code."""


@dataclass(frozen=True, slots=True)
class RecordedHour:
    """What a run recorded of an hour when it wrote the hour's rows; asset checks compare these."""

    covered_through_ms: int
    write_timestamp: int
    row_count: int
    event_count: int
    write_timestamps: Mapping[int, int] | None = None
    """By bucket with raw events; None for a table in which a run replaces all rows of the hour."""
    computed_by: str = ""
    """As in `Coverage`."""

    def write_timestamp_of(self, bucket: int) -> int | None:
        """The write timestamp that every row of the bucket has; None if the bucket has no rows."""
        return self.write_timestamp if self.write_timestamps is None else self.write_timestamps.get(bucket)


class HourStore(Protocol[Rows]):
    """Cassandra: tables in which the newest write of a row wins, and the coverage of each hour of each table.

    Timestamps are write timestamps, in microseconds.
    """

    def now_ms(self) -> int:
        """Cassandra's clock, ms since the epoch."""

    def coverage(self, table: HourTable, hours: Sequence[datetime]) -> Mapping[datetime, Coverage]:
        """The coverage of each hour that has one."""

    def clear_coverage(self, table: HourTable, hours: Sequence[datetime], *, timestamp: int) -> None:
        """From now on the rows of these hours count as incomplete, and the timestamp is known to be used."""

    def newest_timestamp(self, hours: Sequence[datetime]) -> int:
        """The greatest write timestamp that a run has used in these hours, in any table; 0 if none has."""

    def partitions(self, table: HourTable, hours: Sequence[datetime]) -> Sequence[Partition]:
        """Every partition that the hours can have."""

    def live_versions(self, hours: Sequence[datetime]) -> Mapping[datetime, Mapping[Partition, int]]:
        """The version of each bucket that ingest has written to; every write changes it."""

    def read(self, table: HourTable, partitions: Sequence[Partition], *, row_count: int | None = None) -> Rows:
        """The rows of the partitions, which may be none, as a query that hasn't been run yet.

        With the number of rows, if it is known, the query is cut into tasks of a good size.
        """

    def narrow(self, rows: Rows, partitions: Sequence[Partition]) -> Rows:
        """Only the rows of these partitions; the query reads no others of its input."""

    def cached(self, rows: Rows) -> AbstractContextManager[Rows]:
        """The rows, read at most once however often they are used inside the block."""

    def count_rows(self, table: HourTable, rows: Rows) -> Mapping[Partition, RowCounts]:
        """The counts of each partition that has rows."""

    def append(self, table: HourTable, rows: Rows, *, timestamp: int) -> None:
        """Write the rows, except unattributed ones, with this write timestamp."""

    def delete_older(self, table: HourTable, partitions: Sequence[Partition], *, timestamp: int) -> None:
        """Delete the rows that were written at this timestamp or before."""

    def cover(
        self, table: HourTable, coverage: Mapping[datetime, Coverage], counts: Mapping[datetime, RowCounts],
        *, rows_timestamp: int, run_id: str, timestamp: int,
    ) -> None:  # fmt: skip
        """Store the coverage of the hours at `timestamp`; their rows were written at `rows_timestamp`."""


@dataclass(frozen=True, slots=True)
class StoredHour:
    """What a run has for an hour; not `stored` if a newer run's rows were there already."""

    counts: RowCounts
    stored: bool


class HourSink(Protocol):
    """A table of the report database."""

    def replace_hours(
        self, rows: RowsByHour, *, covered_through_ms: Mapping[datetime, int], write_timestamp: int, run_id: str
    ) -> Iterator[tuple[datetime, StoredHour]]:
        """Replace each hour's rows and coverage in one transaction, unless those of a newer run are there.

        Small hours may share a transaction.
        """


@dataclass(frozen=True, slots=True)
class ChangePage:
    """The newest change of each hour in this page; every change before `read_through` has now been read."""

    newest: Mapping[datetime, datetime]
    read_through: datetime
    row_count: int
    event_counts: Mapping[datetime, int] = field(default_factory=dict)
    """Events that the changes stand for, without changes that were counted in an earlier reading."""


class ChangeFeed(Protocol):
    """The change feed in Cassandra."""

    def now(self) -> datetime:
        """Cassandra's clock."""

    def pages(self, start: datetime, now: datetime, *, counted_through: datetime | None = None) -> Iterator[ChangePage]:
        """What changed from `start` on; the last page is read through `now`.

        The events of changes before `counted_through` aren't counted: an earlier reading has counted them.
        """

    def frozen_before(self, now: datetime) -> datetime | None:
        """The hour before which all hours are frozen; None if no hour is."""

    def hours_ahead(self, now: datetime) -> Collection[datetime]:
        """Hours with changes later than `now`: they were published while a clock was ahead."""


class PendingHourStore(Protocol):
    """Pending hours and the change feed's checkpoint, in the report database."""

    def checkpoint(self) -> datetime | None:
        """The time through which the feed has been read; None before the first reading."""

    def start_over(self, checkpoint: datetime, *, at: datetime) -> None:
        """Move this checkpoint back; nothing if another reader has moved it meanwhile."""

    def record(self, page: ChangePage, *, now: datetime) -> None:
        """Store the changed hours that the report doesn't cover, and move the checkpoint: both or neither."""

    def drop(self, hours: Sequence[datetime]) -> None:
        """These hours aren't pending any more."""

    def settle(self, failures: Sequence[FailedRun], *, now: datetime) -> Sequence[PendingHour]:
        """Remove the hours that are covered by now, count failed runs, and return what is still pending.

        An hour that is covered later than `now` isn't believed to be covered: it is pending again.
        """

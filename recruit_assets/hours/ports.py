"""What `hours` needs of the stores, as Protocols that the stores fulfil and the interleaving tests fake."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol, TypeVar

from recruit_assets.contract.types import HourTable
from recruit_assets.hours.bucket_state import BucketState, Partition, RowCounts
from recruit_assets.hours.planning import FailedRun, PendingHour

Rows = TypeVar("Rows")
"""A query that hasn't been run yet; in production a Spark DataFrame."""
SqlRow = tuple[Any, ...]
"""The values of one row for a table of the report database, in the order of the DataFrame's columns."""


@dataclass(frozen=True, slots=True)
class Coverage:
    """What the rows of an hour are known to contain: every change before `covered_through_ms` (ms since the epoch)."""

    covered_through_ms: int
    buckets: Mapping[Partition, BucketState] | None = None
    """What each bucket's rows were made of; None where that wasn't recorded."""


@dataclass(frozen=True, slots=True)
class RecordedHour:
    """What was recorded of an hour when its rows were written; asset checks compare these."""

    covered_through_ms: int
    t: int
    row_count: int
    event_count: int
    t_by_bucket: Mapping[int, int] | None = None
    """The write timestamp of each bucket with raw events, where a run may keep rows of an earlier one."""

    def t_of(self, bucket: int) -> int | None:
        """The write timestamp that every row of the bucket has; None if the bucket has no rows."""
        return self.t if self.t_by_bucket is None else self.t_by_bucket.get(bucket)


class HourStore(Protocol[Rows]):
    """Cassandra: partitions of rows whose newest write wins, and one coverage per hour and table.

    Every `t` is a write timestamp in microseconds.
    """

    def now_ms(self) -> int:
        """Cassandra's clock, ms since the epoch."""

    def coverage(self, table: HourTable, hours: Sequence[datetime]) -> Mapping[datetime, Coverage]:
        """The coverage of each hour that has one."""

    def clear_coverage(self, table: HourTable, hours: Sequence[datetime], *, t: int) -> None:
        """From here on nobody takes the rows of these hours for complete."""

    def partitions(self, table: HourTable, hours: Sequence[datetime]) -> Sequence[Partition]:
        """Every partition that the hours can have."""

    def live_versions(self, hours: Sequence[datetime]) -> Mapping[datetime, Mapping[Partition, int]]:
        """The version of each bucket that ingest has written to; it is another one after each write."""

    def read(self, table: HourTable, partitions: Sequence[Partition]) -> Rows:
        """The rows of the partitions. Nothing is read before the rows are used."""

    def narrow(self, rows: Rows, partitions: Sequence[Partition]) -> Rows:
        """Those of the rows that belong to these partitions; their input is read for these only."""

    def cached(self, rows: Rows) -> AbstractContextManager[Rows]:
        """The rows, read at most once however often they are used inside the block."""

    def count_rows(self, table: HourTable, rows: Rows) -> Mapping[Partition, RowCounts]:
        """How many rows each partition gets."""

    def append(self, table: HourTable, rows: Rows, *, t: int) -> None:
        """Write the rows at this timestamp, but for unattributed ones."""

    def delete_older(self, table: HourTable, partitions: Sequence[Partition], *, t: int) -> None:
        """Remove what was written at this timestamp or before."""

    def cover(
        self, table: HourTable, coverage: Mapping[datetime, Coverage], counts: Mapping[datetime, RowCounts],
        *, rows_t: int, run_id: str, t: int,
    ) -> None:  # fmt: skip
        """Set the coverage of the hours, whose rows were written at `rows_t`."""


@dataclass(frozen=True, slots=True)
class StoredHour:
    """How many rows a run has for an hour. They weren't stored if a newer run's rows were there already."""

    counts: RowCounts
    stored: bool


class HourSink(Protocol):
    """A table of the report database."""

    def replace_hour(
        self, hour: datetime, rows: Iterable[SqlRow], *, covered_through_ms: int, t: int, run_id: str
    ) -> StoredHour:
        """Replace the hour's rows and coverage in one transaction, unless those of a newer run are there."""


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
    """Pending hours and the change feed's checkpoint, in the report database."""

    def checkpoint(self) -> datetime | None:
        """Up to where the feed was read; None before the first time."""

    def record(self, newest: Mapping[datetime, datetime], *, read_through: datetime, now: datetime) -> None:
        """Store the changed hours that the report doesn't cover, and move the checkpoint: both or neither."""

    def settle(self, failures: Sequence[FailedRun], *, now: datetime) -> Sequence[PendingHour]:
        """What is still pending."""

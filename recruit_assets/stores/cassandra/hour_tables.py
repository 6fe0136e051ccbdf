"""The hourly tables in Cassandra: rows through Spark, deletes and coverage through the driver."""

from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from itertools import repeat

from cassandra.query import UNSET_VALUE
from pyspark.sql import DataFrame
from pyspark.sql import functions as F  # noqa: N812  # how Spark's own documentation names it

from recruit_assets.contract.tables import BUCKET_VERSIONS, HOUR_COVERAGE
from recruit_assets.contract.types import HourTable
from recruit_assets.hours.bucket_state import BucketState, Partition, RowCounts
from recruit_assets.hours.ports import Coverage
from recruit_assets.runtime.times import aware, to_ms
from recruit_assets.stores.cassandra.bucket_layouts import read_layouts
from recruit_assets.stores.cassandra.session import CassandraSession
from recruit_assets.stores.spark.frames import CassandraFrames, Key, cached, from_micros

BucketNumbers = Mapping[int, Sequence[int]]
"""Bucket states as stored in hour_coverage: write timestamp, version, then the numbers of RowCounts."""
FEWEST_NUMBERS = 5
"""Without the counts by rule."""


class CassandraHourStore:
    """Implements `ports.HourStore` with one Cassandra session and one Spark session."""

    def __init__(self, session: CassandraSession, frames: CassandraFrames) -> None:
        self._session = session
        self._frames = frames
        self._layouts = read_layouts(session)

    def now_ms(self) -> int:
        return self._session.now_ms()

    def coverage(self, table: HourTable, hours: Sequence[datetime]) -> dict[datetime, Coverage]:
        rows = self._session.execute_by_hour(
            "SELECT event_hour, toUnixTimestamp(covered_through), row_count, buckets, computed_by "
            f"FROM {self._session.table(HOUR_COVERAGE)} WHERE event_hour IN ? AND stage = ?",
            hours,
            table.name,
        )
        return {
            aware(hour): Coverage(
                covered_through_ms, _bucket_states(aware(hour), row_count, buckets), row_count, computed_by or ""
            )
            for hour, covered_through_ms, row_count, buckets, computed_by in rows
            if covered_through_ms is not None
        }

    def clear_coverage(self, table: HourTable, hours: Sequence[datetime], *, timestamp: int) -> None:
        # t stays: of a row that is deleted, nobody could read the timestamp that a later run must exceed
        clear = self._session.prepare(
            f"UPDATE {self._session.table(HOUR_COVERAGE)} USING TIMESTAMP ? SET covered_through = null, t = ?, "
            "run_id = null, row_count = null, event_count = null, buckets = null, computed_by = null "
            "WHERE event_hour = ? AND stage = ?"
        )
        self._session.execute_batches((clear, (timestamp, timestamp, hour, table.name)) for hour in hours)

    def newest_timestamp(self, hours: Sequence[datetime]) -> int:
        select = f"SELECT t FROM {self._session.table(HOUR_COVERAGE)} WHERE event_hour IN ?"
        return max((t for (t,) in self._session.execute_by_hour(select, hours) if t is not None), default=0)

    def partitions(self, table: HourTable, hours: Sequence[datetime]) -> list[Partition]:
        if not table.has_buckets:
            return [Partition(hour) for hour in hours]
        return [Partition(hour, bucket) for hour in hours for bucket in self._layouts.at(to_ms(hour)).buckets]

    def live_versions(self, hours: Sequence[datetime]) -> dict[datetime, Counter[Partition]]:
        rows = self._session.execute_by_hour(
            f"SELECT event_hour, last_flights FROM {self._session.table(BUCKET_VERSIONS)} WHERE event_hour IN ?", hours
        )
        versions: dict[datetime, Counter[Partition]] = {hour: Counter() for hour in hours}
        for hour, by_bucket in ((aware(hour), by_bucket) for hour, by_bucket in rows):
            versions[hour].update({Partition(hour, bucket): last for bucket, last in (by_bucket or {}).items()})
        return versions

    def read(self, table: HourTable, partitions: Sequence[Partition], *, row_count: int | None = None) -> DataFrame:
        return self._frames.by_key(table, [_key(partition) for partition in partitions], row_count=row_count)

    def narrow(self, rows: DataFrame, partitions: Sequence[Partition]) -> DataFrame:
        # Spark pushes this below joins and aggregates onto the list of keys that `read` joins with
        keys = ", ".join(f"(timestamp_seconds({seconds}), {bucket})" for seconds, bucket in map(_key, partitions))
        return rows.where(f"(event_hour, bucket) IN ({keys})")

    def cached(self, rows: DataFrame) -> AbstractContextManager[DataFrame]:
        return cached(rows)

    def count_rows(self, table: HourTable, rows: DataFrame) -> dict[Partition, RowCounts]:
        attributed = f"{table.attributed_by} IS NOT NULL" if table.attributed_by else "true"
        numbers = (
            f"count_if({attributed}) AS row_count",
            f"sum({' + '.join(table.events_in)}) AS event_count"
            if table.events_in
            else f"count_if({attributed}) AS event_count",
            f"count_if(NOT {attributed}) AS unattributed",
        )
        rules = [table.counted_by] if table.counted_by in rows.columns else []
        by_partition = rows.groupBy(*table.partition_key, *rules).agg(*map(F.expr, numbers))
        # a few rows per partition, so they fit in the driver; collect() would turn timestamps into its local time
        found = by_partition.withColumn("event_hour", F.unix_micros("event_hour")).collect()
        counts: dict[Partition, RowCounts] = {}
        width = len(table.partition_key)
        for row in found:
            one, rule = _partition(*row[:width]), row[width] if rules else None
            counts[one] = counts.get(one, RowCounts()) + _row_counts(rule, row[width + len(rules) :])
        return counts

    def append(self, table: HourTable, rows: DataFrame, *, timestamp: int) -> None:
        attributed = rows.where(f"{table.attributed_by} IS NOT NULL") if table.attributed_by else rows
        stored = attributed.drop(table.counted_by) if table.counted_by in rows.columns else attributed
        self._frames.append(table, stored, timestamp=timestamp)

    def delete_older(self, table: HourTable, partitions: Sequence[Partition], *, timestamp: int) -> None:
        where = " AND ".join(f"{name} = ?" for name in table.partition_key)
        delete = self._session.prepare(f"DELETE FROM {self._session.table(table)} USING TIMESTAMP ? WHERE {where}")
        width = len(table.partition_key)
        self._session.execute_batches((delete, (timestamp, *partition[:width])) for partition in partitions)

    def cover(
        self, table: HourTable, coverage: Mapping[datetime, Coverage], counts: Mapping[datetime, RowCounts],
        *, rows_timestamp: int, run_id: str, timestamp: int,
    ) -> None:  # fmt: skip
        columns = "event_hour, stage, covered_through, t, run_id, row_count, event_count, buckets, computed_by"
        insert = self._session.prepare(
            f"INSERT INTO {self._session.table(HOUR_COVERAGE)} ({columns}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) "
            "USING TIMESTAMP ?"
        )
        self._session.execute_batches(
            (
                insert,
                (
                    hour, table.name, covered.covered_through_ms, rows_timestamp, run_id,
                    counts[hour].row_count, counts[hour].event_count, _numbers(covered.buckets),
                    covered.computed_by or UNSET_VALUE, timestamp,
                ),
            )
            for hour, covered in coverage.items()
        )  # fmt: skip


def _key(partition: Partition) -> Key:
    seconds = int(partition.hour.timestamp())
    return (seconds,) if partition.bucket is None else (seconds, partition.bucket)


def _partition(hour_us: int, bucket: int | None = None) -> Partition:
    return Partition(aware(from_micros(hour_us)), bucket)


def _row_counts(rule: int | None, numbers: Sequence[int]) -> RowCounts:
    """The counts of rows that this rule found; none found unattributed ones, and none is counted without rules."""
    by_rule = () if rule is None else (*repeat(0, rule), numbers[0])
    return RowCounts.of_numbers(*numbers, *by_rule)


def _bucket_states(
    hour: datetime, row_count: int | None, stored: BucketNumbers | None
) -> dict[Partition, BucketState] | None:
    """None if they weren't stored, or if an earlier version of this program wrote fewer numbers."""
    if stored is None and row_count != 0:
        return None
    states = stored or {}  # Cassandra stores no empty map
    if any(len(numbers) < FEWEST_NUMBERS for numbers in states.values()):
        return None
    return {
        Partition(hour, bucket): BucketState(write_timestamp, version, RowCounts.of_numbers(*counts))
        for bucket, (write_timestamp, version, *counts) in states.items()
    }


def _numbers(states: Mapping[Partition, BucketState] | None) -> object:
    if states is None:
        return UNSET_VALUE
    return {one.bucket: [state.write_timestamp, state.version, *state.counts.numbers] for one, state in states.items()}

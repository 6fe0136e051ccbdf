"""The hourly tables of Cassandra as the stages see them: rows through Spark, deletes and coverage through the driver.

Belongs here: the statements of hour_coverage, bucket_versions and deletes, and which partitions an hour has. Not here:
the order of these steps (`stages`), the connector's options (`spark`).
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import astuple, fields
from datetime import UTC, datetime

from cassandra.query import UNSET_VALUE
from pyspark.sql import DataFrame
from pyspark.sql import functions as F  # noqa: N812  # how Spark's own documentation names it

from recruit_assets.contract.tables import BUCKET_VERSIONS, HOUR_COVERAGE, RAW_EVENTS
from recruit_assets.contract.types import CassandraTable
from recruit_assets.hours.bucket_state import Partition, Portion, Tally
from recruit_assets.hours.ports import Derivation, ReportRow, StageResult
from recruit_assets.stores.cassandra.bucket_layouts import read_layouts
from recruit_assets.stores.cassandra.session import CassandraSession
from recruit_assets.stores.spark.frames import CassandraFrames, Key, from_micros, kept, stream_by_hour
from recruit_assets.transforms.hourly import EVENT_COUNT, ROW_COUNT, UNATTRIBUTED

REPORT_HOUR = "dates + make_interval(0, 0, 0, 0, hours)"
"""The hour of a report row."""
PORTION_NUMBERS = 2 + len(fields(Tally))
"""Of a bucket in a coverage; an older version of this program wrote fewer."""


class CassandraHourTables:
    """Fulfils `stages.HourTables` for one session of each, Cassandra and Spark."""

    def __init__(self, session: CassandraSession, frames: CassandraFrames) -> None:
        self._session = session
        self._frames = frames
        self._layouts = read_layouts(session)

    def now_ms(self) -> int:
        return self._session.now_ms()

    def clear_coverage(self, stage: CassandraTable, hours: Sequence[datetime], *, t: int) -> None:
        table = self._session.table(HOUR_COVERAGE)
        delete = self._session.prepare(f"DELETE FROM {table} USING TIMESTAMP ? WHERE event_hour = ? AND stage = ?")
        self._session.execute_concurrent((delete, (t, hour, stage.name)) for hour in hours)

    def coverage_ms(self, stage: CassandraTable, hours: Sequence[datetime]) -> Mapping[datetime, int]:
        table = self._session.table(HOUR_COVERAGE)
        select = self._session.prepare(
            f"SELECT toUnixTimestamp(covered_through) FROM {table} WHERE event_hour = ? AND stage = ?"
        )
        answers = self._session.execute_concurrent((select, (hour, stage.name)) for hour in hours)
        return {hour: rows[0][0] for hour, rows in zip(hours, answers, strict=True) if rows and rows[0][0] is not None}

    def portions(self, stage: CassandraTable, hours: Sequence[datetime]) -> dict[datetime, dict[Partition, Portion]]:
        table = self._session.table(HOUR_COVERAGE)
        select = self._session.prepare(
            f"SELECT covered_through, buckets FROM {table} WHERE event_hour = ? AND stage = ?"
        )
        answers = self._session.execute_concurrent((select, (hour, stage.name)) for hour in hours)
        return {
            hour: {Partition(hour, bucket): _portion(stored) for bucket, stored in rows[0][1].items()}
            for hour, rows in zip(hours, answers, strict=True)
            if rows and None not in rows[0] and all(len(stored) == PORTION_NUMBERS for stored in rows[0][1].values())
        }

    def partitions(self, table: CassandraTable, hours: Sequence[datetime]) -> list[Partition]:
        if not table.has_buckets:
            return [Partition(hour) for hour in hours]
        buckets = {hour: self._layouts.at(round(hour.timestamp() * 1000)).buckets for hour in hours}
        return [Partition(hour, bucket) for hour in hours for bucket in buckets[hour]]

    def versions(self, table: CassandraTable, hours: Sequence[datetime]) -> Mapping[datetime, Mapping[Partition, int]]:
        if table is RAW_EVENTS:
            return self._flights(hours)
        return {
            hour: {partition: portion.t for partition, portion in portions.items()}
            for hour, portions in self.portions(table, hours).items()
        }

    def _flights(self, hours: Sequence[datetime]) -> dict[datetime, Counter[Partition]]:
        table = self._session.table(BUCKET_VERSIONS)
        select = self._session.prepare(f"SELECT last_flights FROM {table} WHERE event_hour = ?")
        answers = self._session.execute_concurrent((select, (hour,)) for hour in hours)
        flights: dict[datetime, Counter[Partition]] = {hour: Counter() for hour in hours}
        for hour, rows in zip(hours, answers, strict=True):
            for (last,) in rows:
                flights[hour].update({Partition(hour, bucket): flight for bucket, flight in (last or {}).items()})
        return flights

    def read(self, table: CassandraTable, partitions: Sequence[Partition]) -> DataFrame:
        return self._frames.by_key(table, [_key(partition) for partition in partitions])

    def write(
        self, stage: CassandraTable, rows: DataFrame, derivation: Derivation, *, t: int
    ) -> dict[Partition, Tally]:
        with kept(rows) as rows:  # what is told of them must be of the very rows that are written
            tallies = _tallies(derivation.tally(rows))
            self._frames.append(stage, derivation.stored(rows), t=t)
        return tallies

    def delete_older(self, stage: CassandraTable, partitions: Sequence[Partition], *, t: int) -> None:
        where = " AND ".join(f"{name} = ?" for name in stage.partition_key)
        delete = self._session.prepare(f"DELETE FROM {self._session.table(stage)} USING TIMESTAMP ? WHERE {where}")
        width = len(stage.partition_key)
        self._session.execute_concurrent((delete, (t, *partition[:width])) for partition in partitions)

    def cover(self, stage: CassandraTable, result: StageResult, *, t: int, run_id: str) -> None:
        table = self._session.table(HOUR_COVERAGE)
        columns = "event_hour, stage, covered_through, t, run_id, row_count, event_count, buckets"
        insert = self._session.prepare(
            f"INSERT INTO {table} ({columns}) VALUES (?, ?, ?, ?, ?, ?, ?, ?) USING TIMESTAMP ?"
        )
        # a stage whose hours are one partition has none to keep
        portions = _stored_portions(result) if stage.has_buckets else {}
        self._session.execute_concurrent(
            (
                insert,
                (
                    hour,
                    stage.name,
                    mark,
                    result.t,
                    run_id,
                    tally.row_count,
                    tally.event_count,
                    portions.get(hour, UNSET_VALUE),
                    t,
                ),
            )
            for hour, mark in result.covered_through_ms.items()
            for tally in [result.tallies[hour]]
        )

    def by_hour(self, rows: DataFrame) -> Iterator[tuple[datetime, Iterator[ReportRow]]]:
        return stream_by_hour(rows, REPORT_HOUR)


def _key(partition: Partition) -> Key:
    seconds = int(partition.hour.timestamp())
    return (seconds,) if partition.bucket is None else (seconds, partition.bucket)


def _tallies(rows: DataFrame) -> dict[Partition, Tally]:
    """At most a row per partition of the run, so it fits the driver."""
    found = (row.asDict() for row in rows.withColumn("event_hour", F.unix_micros("event_hour")).collect())
    return {
        Partition(from_micros(row["event_hour"]).replace(tzinfo=UTC), row.get("bucket")): Tally(
            row[ROW_COUNT], row[EVENT_COUNT], row.get(UNATTRIBUTED, 0)
        )
        for row in found
    }


def _portion(stored: Sequence[int]) -> Portion:
    t, version, *tally = stored
    return Portion(t, version, Tally(*tally))


def _stored_portions(result: StageResult) -> dict[datetime, dict[int, list[int]]]:
    """As hour_coverage keeps them."""
    stored: dict[datetime, dict[int, list[int]]] = {hour: {} for hour in result.covered_through_ms}
    for (hour, bucket), portion in result.portions.items():
        if bucket is not None:
            stored[hour][bucket] = [portion.t, portion.version, *astuple(portion.tally)]
    return stored

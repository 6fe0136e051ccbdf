"""The hourly tables of Cassandra as the stages see them: rows through Spark, deletes and coverage through the driver.

Belongs here: the statements of hour_coverage, the deletes, and which partitions an hour has. Not here: the order of
these steps (`stages`), the connector's options (`spark`).
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime

from pyspark.sql import DataFrame

from recruit_assets.contract import HOUR_COVERAGE, RAW_EVENTS, CassandraTable
from recruit_assets.stages import Derivation, ReportRow, StageResult, Tally
from recruit_assets.stores.bucket_layouts import read_layouts
from recruit_assets.stores.cassandra import CassandraSession
from recruit_assets.stores.spark import CassandraFrames, Key, from_micros, stream_by_hour
from recruit_assets.transforms.hourly import EVENT_COUNT, NEEDED_OF_RAW, ROW_COUNT, UNATTRIBUTED

REPORT_HOUR = "dates + make_interval(0, 0, 0, 0, hours)"
"""The hour of a report row."""


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

    def read(self, table: CassandraTable, hours: Sequence[datetime]) -> DataFrame:
        rows = self._frames.by_key(table, self._keys(table, hours))
        return rows.select(*NEEDED_OF_RAW) if table is RAW_EVENTS else rows

    def write(
        self, stage: CassandraTable, rows: DataFrame, derivation: Derivation, *, t: int
    ) -> Mapping[datetime, Tally]:
        rows = rows.persist()  # the tally must be of the very rows that are written
        try:
            tallies = _tallies(derivation.tally(rows))
            self._frames.append(stage, derivation.stored(rows), t=t)
        finally:
            rows.unpersist()
        return tallies

    def delete_older(self, stage: CassandraTable, hours: Sequence[datetime], *, t: int) -> None:
        where = " AND ".join(f"{name} = ?" for name in stage.partition_key)
        delete = self._session.prepare(f"DELETE FROM {self._session.table(stage)} USING TIMESTAMP ? WHERE {where}")
        keys = self._keys(stage, hours)
        self._session.execute_concurrent(
            (delete, (t, datetime.fromtimestamp(seconds, UTC), *rest)) for seconds, *rest in keys
        )

    def cover(self, stage: CassandraTable, result: StageResult, *, t: int, run_id: str) -> None:
        table = self._session.table(HOUR_COVERAGE)
        columns = "event_hour, stage, covered_through, t, run_id, row_count, event_count"
        insert = self._session.prepare(
            f"INSERT INTO {table} ({columns}) VALUES (?, ?, ?, ?, ?, ?, ?) USING TIMESTAMP ?"
        )
        self._session.execute_concurrent(
            (insert, (hour, stage.name, mark, result.t, run_id, tally.row_count, tally.event_count, t))
            for hour, mark in result.covered_through_ms.items()
            for tally in [result.tallies[hour]]
        )

    def by_hour(self, rows: DataFrame) -> Iterator[tuple[datetime, list[ReportRow]]]:
        return stream_by_hour(rows, REPORT_HOUR)

    def _keys(self, table: CassandraTable, hours: Sequence[datetime]) -> list[Key]:
        seconds = [int(hour.timestamp()) for hour in hours]
        if table.partition_key == ("event_hour",):
            return [(second,) for second in seconds]
        return [(s, bucket) for s in seconds for bucket in self._layouts.of(s * 1000).buckets]


def _tallies(rows: DataFrame) -> dict[datetime, Tally]:
    """At most a row per hour of the run, so it fits the driver."""
    names = [ROW_COUNT, EVENT_COUNT, *(name for name in (UNATTRIBUTED,) if name in rows.columns)]
    collected = rows.selectExpr("unix_micros(event_hour) AS event_hour", *names).collect()
    return {from_micros(hour).replace(tzinfo=UTC): Tally(*counts) for hour, *counts in collected}

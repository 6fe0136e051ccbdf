"""kill -9 at a chosen statement: of a whole run in a process of its own, or of the engine that would answer it."""

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from enum import StrEnum
from typing import ClassVar

import pytest
from pymysql.cursors import Cursor
from pyspark.sql import DataFrame

from recruit_assets.contract.tables import FILTERED_EVENTS, HOURLY_JOB_METRICS
from recruit_assets.contract.types import CassandraTable
from recruit_assets.definitions import build_defs
from recruit_assets.defs.materialize import materialize_pending
from recruit_assets.hours.bucket_state import Partition, Tally
from recruit_assets.hours.ports import Derivation, StageResult
from recruit_assets.local.engines.engine import EngineName
from recruit_assets.runtime.settings import Settings
from recruit_assets.stores.cassandra.hour_tables import CassandraHourTables
from recruit_assets.stores.mysql import hour_sink
from recruit_assets_tests.support.ingest_process import exit_code_of, remove_dead_members
from recruit_assets_tests.support.scenario import Arena


class RunStep(StrEnum):
    """Where a run dies: one step of each asset."""

    RAW_EVENTS_WRITTEN = "raw_events drained, the change feed not told"
    FILTERED_EVENTS_WRITTEN = "filtered_events written, not covered"
    HOURLY_JOB_METRICS_CLEARED = "hourly_job_metrics uncovered, not written"
    IN_THE_TRANSACTION = "report rows inserted, not committed"


def materialize_until_killed(settings: Settings, step: RunStep) -> int:
    """Materialize in a process that kill -9 ends at the step; how that process ended."""
    code = exit_code_of(_materialize_and_die, settings, step, timeout_s=240)
    remove_dead_members(settings)
    return code


@contextmanager
def mysql_killed_in_a_transaction(arena: Arena) -> Iterator[Callable[[], int]]:
    """The first transaction of an hour loses its server before the commit; a new one is started at once."""
    kills = 0
    store_mark = hour_sink._store_mark

    def kill_once(cursor: Cursor, hour: datetime, mark: tuple[datetime, int, int, int, str]) -> None:
        nonlocal kills
        if not kills:
            kills += 1
            arena.engines.kill_one(EngineName.MARIADB)
            arena.engines.start_one(EngineName.MARIADB)
        store_mark(cursor, hour, mark)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(hour_sink, "_store_mark", kill_once)
        yield lambda: kills


class _DyingTables(CassandraHourTables):
    step: ClassVar[RunStep]

    def cover(self, stage: CassandraTable, result: StageResult, *, t: int, run_id: str) -> None:
        if stage is FILTERED_EVENTS and self.step is RunStep.FILTERED_EVENTS_WRITTEN:
            _die()
        super().cover(stage, result, t=t, run_id=run_id)

    def write(
        self, stage: CassandraTable, rows: DataFrame, derivation: Derivation, *, t: int
    ) -> dict[Partition, Tally]:
        if stage is HOURLY_JOB_METRICS and self.step is RunStep.HOURLY_JOB_METRICS_CLEARED:
            _die()
        return super().write(stage, rows, derivation, t=t)


def _materialize_and_die(settings: Settings, step: RunStep) -> None:
    _DyingTables.step = step
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("recruit_assets.defs.io_managers.cassandra.CassandraHourTables", _DyingTables)
        if step is RunStep.RAW_EVENTS_WRITTEN:
            patch.setattr("recruit_assets.ingest.writer.EventWriter._publish_changes", _die)
        if step is RunStep.IN_THE_TRANSACTION:
            patch.setattr("recruit_assets.stores.mysql.hour_sink._store_mark", _die)
        materialize_pending(build_defs(settings=settings), settings)


def _die(*_: object) -> None:
    os.kill(os.getpid(), signal.SIGKILL)

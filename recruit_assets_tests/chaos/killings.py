"""kill -9 at a chosen statement: of the process that executes the run, or of the database that would answer."""

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import StrEnum
from typing import Any

import pytest
from pymysql.cursors import Cursor

from recruit_assets.contract.tables import FILTERED_EVENTS, HOURLY_JOB_METRICS
from recruit_assets.contract.types import HourTable
from recruit_assets.definitions import build_defs
from recruit_assets.defs.materialize import materialize_pending
from recruit_assets.local.engines.engine import EngineName
from recruit_assets.runtime.settings import Settings
from recruit_assets.stores.cassandra.hour_tables import CassandraHourStore
from recruit_assets.stores.mysql.hour_sink import MySqlHourSink
from recruit_assets_tests.support.ingest_process import exit_code_of, remove_dead_members
from recruit_assets_tests.support.scenario import Scenario


class RunStep(StrEnum):
    """Where a run is killed: one point in each asset."""

    RAW_EVENTS_WRITTEN = "raw_events drained, the change feed not notified"
    FILTERED_EVENTS_WRITTEN = "filtered_events written, not covered"
    HOURLY_JOB_METRICS_CLEARED = "hourly_job_metrics uncovered, not written"
    IN_THE_TRANSACTION = "report rows inserted, not committed"


def materialize_until_killed(settings: Settings, step: RunStep) -> int:
    """Materialize in a child process that kills itself at the step; returns its exit code."""
    code = exit_code_of(_materialize_and_die, settings, step, timeout_s=240)
    remove_dead_members(settings)
    return code


@contextmanager
def mysql_killed_in_a_transaction(scenario: Scenario) -> Iterator[Callable[[], int]]:
    """MariaDB is killed before the first hour's commit and restarted at once; yields how often that happened."""
    kills = 0
    store_coverage = MySqlHourSink.store_coverage

    def kill_once(sink: MySqlHourSink, cursor: Cursor, *coverage: Any) -> None:
        nonlocal kills
        if not kills:
            kills += 1
            scenario.engines.kill_one(EngineName.MARIADB)
            scenario.engines.start_one(EngineName.MARIADB)
        store_coverage(sink, cursor, *coverage)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(MySqlHourSink, "store_coverage", kill_once)
        yield lambda: kills


def _materialize_and_die(settings: Settings, step: RunStep) -> None:
    append, cover = CassandraHourStore.append, CassandraHourStore.cover

    def append_or_die(store: CassandraHourStore, table: HourTable, *args: Any, **kwargs: Any) -> None:
        if table is HOURLY_JOB_METRICS and step is RunStep.HOURLY_JOB_METRICS_CLEARED:
            _die()
        append(store, table, *args, **kwargs)

    def cover_or_die(store: CassandraHourStore, table: HourTable, *args: Any, **kwargs: Any) -> None:
        if table is FILTERED_EVENTS and step is RunStep.FILTERED_EVENTS_WRITTEN:
            _die()
        cover(store, table, *args, **kwargs)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(CassandraHourStore, "append", append_or_die)
        patch.setattr(CassandraHourStore, "cover", cover_or_die)
        if step is RunStep.RAW_EVENTS_WRITTEN:
            patch.setattr("recruit_assets.ingest.writer.EventWriter._publish_changes", _die)
        if step is RunStep.IN_THE_TRANSACTION:
            patch.setattr(MySqlHourSink, "store_coverage", _die)
        materialize_pending(build_defs(settings=settings), settings)


def _die(*_: object) -> None:
    os.kill(os.getpid(), signal.SIGKILL)

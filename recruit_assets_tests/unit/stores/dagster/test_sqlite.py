"""Our storage and Dagster's own use the same files in the same way."""

import os
import sqlite3
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from importlib.metadata import version
from pathlib import Path

import dagster as dg
import psutil
import pytest
from dagster._core.instance import InstanceRef

from recruit_assets.stores.dagster import sqlite
from recruit_assets.stores.dagster.instance import REPOSITORY
from recruit_assets.stores.dagster.sqlite import (
    OpenEventLogStorage,
    OpenRunStorage,
    OpenScheduleStorage,
    SqliteInstance,
)

OURS = f"instance_class:\n  module: {sqlite.__name__}\n  class: SqliteInstance\n"


@dg.job
def nothing() -> None:
    """Has no ops."""


@pytest.fixture
def instance(tmp_path: Path) -> Iterator[dg.DagsterInstance]:
    with opened(tmp_path, OURS) as instance:
        yield instance


def opened(home: Path, config: str) -> dg.DagsterInstance:
    (home / "dagster.yaml").write_text(config)
    return dg.DagsterInstance.from_config(str(home))


def a_run(instance: dg.DagsterInstance, *, events: int = 1) -> str:
    run = instance.create_run_for_job(nothing)
    for number in range(events):
        instance.report_engine_event(f"event {number}", run)
    return run.run_id


def messages(instance: dg.DagsterInstance, run_id: str) -> list[str]:
    return [entry.message for entry in instance.all_logs(run_id)]


def schema(file: Path) -> list[tuple[str, ...]]:
    with closing(sqlite3.connect(file)) as connection:
        return [
            *connection.execute("SELECT type, name, sql FROM sqlite_master ORDER BY name"),
            *connection.execute("SELECT 'version', version_num, '' FROM alembic_version"),
            *connection.execute("PRAGMA journal_mode"),
        ]


def test_the_installed_version_was_checked() -> None:
    assert {name: version(name) for name in sqlite.CHECKED_WITH} == sqlite.CHECKED_WITH


def test_the_repositorys_configuration_uses_it_also_for_a_temporary_home(tmp_path: Path) -> None:
    """`dagster dev` makes such a home if DAGSTER_HOME isn't set."""
    with dg.DagsterInstance.from_ref(InstanceRef.from_dir(str(tmp_path), config_dir=str(REPOSITORY))) as instance:
        assert isinstance(instance, SqliteInstance)
        assert isinstance(instance.run_storage, OpenRunStorage)
        assert isinstance(instance.event_log_storage, OpenEventLogStorage)
        assert isinstance(instance.schedule_storage, OpenScheduleStorage)
        a_run(instance)

    assert (tmp_path / "history" / "runs.db").exists()


def test_a_configured_storage_replaces_it(tmp_path: Path) -> None:
    with opened(tmp_path, OURS + f"storage:\n  sqlite:\n    base_dir: {tmp_path}\n") as instance:
        assert not isinstance(instance.event_log_storage, OpenEventLogStorage)


def test_each_storage_reads_what_the_other_has_written(tmp_path: Path) -> None:
    """An installation's history is still there after the upgrade, and after going back."""
    with opened(tmp_path, "") as theirs:
        first = a_run(theirs)
    with opened(tmp_path, OURS) as ours:
        assert messages(ours, first) == ["event 0"]
        second = a_run(ours)
    with opened(tmp_path, "") as theirs:
        assert messages(theirs, second) == ["event 0"]
        assert {run.run_id for run in theirs.get_runs()} == {first, second}


def test_the_files_are_those_that_dagster_makes(tmp_path: Path) -> None:
    made = []
    for name, config in (("theirs", ""), ("ours", OURS)):
        (tmp_path / name).mkdir()
        with opened(tmp_path / name, config) as instance:
            run_id = a_run(instance)
        files = [f"history/runs/{run_id}.db", "history/runs/index.db", "history/runs.db", "schedules/schedules.db"]
        made.append([schema(tmp_path / name / file) for file in files])
        assert not list(tmp_path.rglob(f"{run_id}.[0-9]*"))

    assert made[0] == made[1]


def test_writers_in_several_threads_and_instances_lose_nothing(instance: dg.DagsterInstance, tmp_path: Path) -> None:
    run = instance.create_run_for_job(nothing)

    def write(number: int) -> None:
        with dg.DagsterInstance.from_ref(instance.get_ref()) as another:
            for one in (instance, another):
                one.report_engine_event(f"event {number}", run)

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(write, range(20)))

    assert sorted(messages(instance, run.run_id)) == sorted(2 * [f"event {number}" for number in range(20)])


def test_the_number_of_open_files_has_a_limit(
    instance: dg.DagsterInstance, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite, "OPEN_FILES", 5)
    runs = [a_run(instance) for _ in range(10)]

    assert [messages(instance, run) for run in runs] == 10 * [["event 0"]]
    databases = {file.path for file in psutil.Process().open_files() if file.path.startswith(str(tmp_path))}
    assert len([path for path in databases if path.endswith(".db")]) <= 5


def test_a_forked_process_opens_connections_of_its_own(
    instance: dg.DagsterInstance, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SQLite forbids to use its connections after a fork."""
    url = f"sqlite:///{tmp_path / 'history' / 'runs.db'}"
    before = sqlite.engine_of(url)
    assert sqlite.engine_of(url) is before

    monkeypatch.setattr(os, "getpid", lambda: -1)
    assert sqlite.engine_of(url) is not before


@pytest.fixture(params=["", OURS], ids=["Dagster's storage", "ours"])
def day_and_more(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[dg.DagsterInstance, str]]:
    """A run of 30 hours of two assets, one of which has a check; and the instance that stored its events."""
    hours = dg.HourlyPartitionsDefinition("2026-01-01-00:00", timezone="UTC")
    policy = dg.BackfillPolicy.single_run()

    @dg.asset(partitions_def=hours, backfill_policy=policy)
    def first() -> None: ...

    @dg.asset(partitions_def=hours, backfill_policy=policy, deps=[first], tags={"team": "data"})
    def second() -> None: ...

    @dg.asset_check(asset=second)
    def is_good() -> dg.AssetCheckResult:
        return dg.AssetCheckResult(passed=True)

    tags = {
        "dagster/asset_partition_range_start": "2026-01-01-00:00",
        "dagster/asset_partition_range_end": "2026-01-02-05:00",
    }
    with opened(tmp_path, request.param) as instance:
        assets = [first, second]
        defs = dg.Definitions(assets, asset_checks=[is_good], jobs=[dg.define_asset_job("both", selection="*")])
        run = defs.resolve_job_def("both").execute_in_process(instance=instance, tags=tags)
        yield instance, run.run_id


def test_a_run_of_many_hours_leaves_what_dagster_would_store(day_and_more: tuple[dg.DagsterInstance, str]) -> None:
    instance, run_id = day_and_more
    first, second = dg.AssetKey("first"), dg.AssetKey("second")

    kinds = Counter(entry.dagster_event.event_type for entry in instance.all_logs(run_id) if entry.dagster_event)
    assert kinds[dg.DagsterEventType.ASSET_MATERIALIZATION_PLANNED] == 60
    assert kinds[dg.DagsterEventType.ASSET_MATERIALIZATION] == 60
    assert len(instance.get_materialized_partitions(first)) == 30
    last = instance.get_latest_materialization_event(second)
    assert last is not None
    assert (last.run_id, last.asset_materialization.partition) == (run_id, "2026-01-02-05:00")  # type: ignore[union-attr]
    records = instance.fetch_materializations(second, limit=30).records
    assert [one.partition_key for one in records[:2]] == ["2026-01-02-05:00", "2026-01-02-04:00"]
    assert len({one.storage_id for one in records}) == 30
    assert instance.get_latest_asset_check_evaluation_record(dg.AssetCheckKey(second, "is_good")) is not None


def test_a_planned_evaluation_is_one_row_which_the_evaluation_completes(
    tmp_path: Path, day_and_more: tuple[dg.DagsterInstance, str]
) -> None:
    """Dagster stores one per partition, none of which is ever completed."""
    instance, _ = day_and_more
    with closing(sqlite3.connect(tmp_path / "history" / "runs" / "index.db")) as connection:
        stored = connection.execute("SELECT execution_status, partition FROM asset_check_executions").fetchall()

    planned = [("PLANNED", key) for _, key in stored if key is not None]
    assert len(planned) == (0 if isinstance(instance, SqliteInstance) else 30)
    assert [one for one in stored if one not in planned] == [("SUCCEEDED", None)]


def test_wiping_removes_the_files_and_closes_them(instance: dg.DagsterInstance, tmp_path: Path) -> None:
    run_id = a_run(instance)
    instance.wipe()

    assert not list(tmp_path.rglob(f"{run_id}*"))
    assert messages(instance, a_run(instance)) == ["event 0"]

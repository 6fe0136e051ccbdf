"""`materialize`: the whole lineage in this process, and what happens if an hour fails."""

import os
import re
import signal
import subprocess
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from dagster._core.storage.dagster_run import FINISHED_STATUSES

from recruit_assets.contract.tables import EVENT_CHANGES
from recruit_assets.definitions import build_defs
from recruit_assets.defs import materialize
from recruit_assets.defs.jobs import JOBS
from recruit_assets.defs.materialize import Materialized, materialize_pending
from recruit_assets.defs.partitions import BACKFILL_POLICY, hour_of, hours
from recruit_assets.runtime.errors import RunsFailed, StoreUnavailable
from recruit_assets.runtime.settings import Settings, as_environment
from recruit_assets.runtime.signals import ENDING, interrupt_on_signals
from recruit_assets.simulator.publish import simulate_to_kafka
from recruit_assets.simulator.spec import SimulationSpec
from recruit_assets.stores.cassandra.session import open_session
from recruit_assets.stores.dagster.instance import REPOSITORY
from recruit_assets.stores.mysql.connection import open_report_database
from recruit_assets.stores.spark.frames import CassandraFrames
from recruit_assets_tests.support.command import RECRUIT_ASSETS
from recruit_assets_tests.support.waiting import wait_until

EVENTS = 1_000
SEVEN = datetime(2026, 1, 5, 7, tzinfo=UTC)
HOUR = timedelta(hours=1)
TWO_RANGES = (SEVEN, SEVEN + 48 * HOUR)


@pytest.fixture(autouse=True)
def dagster_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An instance of the test's own, with the repository's configuration."""
    (tmp_path / "dagster.yaml").symlink_to(REPOSITORY / "dagster.yaml")
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path))
    return tmp_path


def report_of(settings: Settings) -> list[tuple[object, ...]]:
    with open_report_database(settings) as database:
        return database.query(
            "SELECT * FROM mysql_report ORDER BY dates, hours, job_id, publisher_id, campaign_id, group_id"
        )


def pending_of(settings: Settings) -> list[datetime]:
    with open_report_database(settings) as database:
        return [hour for (hour,) in database.query("SELECT event_hour FROM pending_hours ORDER BY event_hour")]


@pytest.mark.parametrize("processes", [1, 2])
def test_everything_in_kafka_is_reported_and_a_second_call_changes_nothing(
    settings: Settings, frames: CassandraFrames, processes: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RECRUIT_INGEST_PROCESSES", str(processes))
    end = datetime(2026, 1, 6, tzinfo=UTC)
    spec = SimulationSpec(events=EVENTS, seed=3, start=end - 3 * HOUR, end=end, late_hours=2)
    ledger = simulate_to_kafka(settings, spec)

    lineage_defs = build_defs(settings=settings)
    first = materialize_pending(lineage_defs, settings)
    rows = report_of(settings)
    second = materialize_pending(lineage_defs, settings)

    assert first.records == EVENTS
    assert pending_of(settings) == []
    assert [(row[0], row[2], row[11]) for row in rows] == [(row[0], row[2], row[11]) for row in ledger.report()]
    assert second == Materialized(records=0, runs=0, hours=0)
    assert report_of(settings) == rows
    with open_report_database(settings) as database:
        database.query("UPDATE job SET company_id = id")
        materialize_pending(lineage_defs, settings)
        assert database.query("SELECT DISTINCT company_id - job_id FROM mysql_report WHERE company_id IS NOT NULL") == [
            (0,)
        ]
    with dg.DagsterInstance.get() as instance:
        finished = instance.get_runs(dg.RunsFilter(statuses=FINISHED_STATUSES))
    assert {run.status for run in finished} == {dg.DagsterRunStatus.SUCCESS}
    assert len(finished) == first.runs + 1


@pytest.fixture
def lineage(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Callable[..., dg.Definitions]:
    """Assets that only record their hours as reported, after the signal `ending`, and fail for the hours in `bad`."""

    def replaced(*, bad: tuple[datetime, ...] = (), ending: signal.Signals | None = None) -> dg.Definitions:
        @dg.asset(partitions_def=hours, backfill_policy=BACKFILL_POLICY)
        def mysql_report(context: dg.AssetExecutionContext) -> None:
            run_hours = [hour_of(key) for key in context.partition_keys]
            if ending is not None:
                signal.raise_signal(ending)
            if set(bad) & set(run_hours):
                raise dg.Failure("the hour is bad")
            with open_report_database(settings) as database:
                for hour in run_hours:
                    database.query(
                        "REPLACE INTO report_hours VALUES (%s, UTC_TIMESTAMP(6), 1, 0, 0, '')",
                        (hour.replace(tzinfo=None),),
                    )

        @dg.multi_asset(
            specs=[dg.AssetSpec(name, partitions_def=hours) for name in ("filtered_events", "hourly_job_metrics")],
            can_subset=True,
            backfill_policy=BACKFILL_POLICY,
        )
        def upstream(context: dg.AssetExecutionContext) -> Iterator[dg.MaterializeResult[None]]:
            for key in context.selected_asset_keys:
                yield dg.MaterializeResult(asset_key=key)

        @dg.asset
        def raw_events() -> None:
            """Does nothing: there is no backlog."""

        monkeypatch.setattr(materialize, "PAUSE_S", 0.0)
        return dg.Definitions(assets=[raw_events, upstream, mysql_report], jobs=JOBS)

    return replaced


def change(settings: Settings, *changed: datetime) -> None:
    with open_session(settings) as session:
        for hour in changed:
            session.execute(
                f"INSERT INTO {session.table(EVENT_CHANGES)} (day, shard, changed_at, event_hour, buckets, row_count) "
                "VALUES (toDate(now()), %s, now(), %s, {0}, 1)",
                (int(hour.timestamp()) // 3600 % 8, hour),
            )


def test_an_hour_that_keeps_failing_is_named_and_all_others_succeed(
    settings: Settings, lineage: Callable[..., dg.Definitions]
) -> None:
    changed = [SEVEN + n * HOUR for n in range(4)]
    change(settings, *changed)
    lineage_defs = lineage(bad=(SEVEN + HOUR,))
    said: list[str] = []

    with pytest.raises(RunsFailed, match=r"1 h are still pending: 2026-01-05 08:00\. The first: the hour is bad"):
        materialize_pending(lineage_defs, settings, said.append)

    assert pending_of(settings) == [datetime(2026, 1, 5, 8)]
    assert [re.split(r" \(run |, \d", line)[0] for line in said[1:]] == [
        "2026-01-05 07:00 to 2026-01-05 10:00 (4 h): failed: the hour is bad",
        "2026-01-05 07:00 to 2026-01-05 10:00 (4 h): failed: the hour is bad",
        "2026-01-05 10:00 (1 h): done",
        "2026-01-05 09:00 (1 h): done",
        "2026-01-05 08:00 (1 h): failed: the hour is bad",
        "2026-01-05 07:00 (1 h): done",
    ]


def test_an_hour_that_is_not_a_partition_is_named(settings: Settings, lineage: Callable[..., dg.Definitions]) -> None:
    change(settings, SEVEN, datetime(2020, 1, 1, tzinfo=UTC))
    lineage_defs = lineage()

    with pytest.raises(
        RunsFailed, match=r"2020-01-01 00:00\. The first: it isn't a partition: check RECRUIT_FIRST_HOUR"
    ):
        materialize_pending(lineage_defs, settings)

    assert pending_of(settings) == [datetime(2020, 1, 1)]


def test_a_backlog_of_quiet_days_is_one_run(settings: Settings, lineage: Callable[..., dg.Definitions]) -> None:
    change(settings, *(SEVEN + n * HOUR for n in range(50)))
    lineage_defs = lineage()

    assert materialize_pending(lineage_defs, settings) == Materialized(records=0, runs=1, hours=50)
    assert pending_of(settings) == []


def statuses() -> list[str]:
    """Of the runs of hours, oldest first."""
    with dg.DagsterInstance.get() as instance:
        return [run.status.value for run in instance.get_runs(dg.RunsFilter(job_name="hours_job"), ascending=True)]


@pytest.mark.parametrize("ending", ENDING)
def test_a_signal_cancels_the_run_and_ends_the_command(
    settings: Settings, lineage: Callable[..., dg.Definitions], ending: signal.Signals
) -> None:
    """Dagster takes the signal for a failure of the run; the command would go on with the next range."""
    change(settings, *TWO_RANGES)

    with interrupt_on_signals(), pytest.raises(KeyboardInterrupt):
        materialize_pending(lineage(ending=ending), settings)

    assert statuses() == ["CANCELED"]
    assert len(pending_of(settings)) == 2
    assert materialize_pending(lineage(), settings) == Materialized(records=0, runs=2, hours=2)
    assert statuses() == ["CANCELED", "SUCCESS", "SUCCESS"]


def test_a_canceled_run_is_never_recorded_as_a_failure(
    settings: Settings, lineage: Callable[..., dg.Definitions]
) -> None:
    """Each failure is an alert."""
    change(settings, SEVEN)
    with interrupt_on_signals(), pytest.raises(KeyboardInterrupt):
        materialize_pending(lineage(ending=signal.SIGTERM), settings)

    with dg.DagsterInstance.get() as instance:
        (run,) = instance.get_runs(dg.RunsFilter(job_name="hours_job"))
        events = [event.dagster_event_type for event in instance.all_logs(run.run_id) if event.is_dagster_event]
    ends = {dg.DagsterEventType.RUN_CANCELING, dg.DagsterEventType.RUN_CANCELED, dg.DagsterEventType.RUN_FAILURE}
    assert [event for event in events if event in ends] == [
        dg.DagsterEventType.RUN_CANCELING,
        dg.DagsterEventType.RUN_CANCELED,
    ]


@pytest.mark.parametrize(
    ("phase", "left"),
    [
        pytest.param("RUN_START", ["CANCELED"], id="before the first step"),
        pytest.param("ASSET_MATERIALIZATION_PLANNED", ["CANCELED"], id="while the run is created"),
        pytest.param("RUN_SUCCESS", ["SUCCESS"], id="after the last step"),
    ],
)
def test_no_signal_is_lost_between_the_steps_of_a_run(
    settings: Settings,
    lineage: Callable[..., dg.Definitions],
    monkeypatch: pytest.MonkeyPatch,
    phase: str,
    left: list[str],
) -> None:
    change(settings, *TWO_RANGES)
    store_event = dg.DagsterInstance.handle_new_event

    def signaled(instance: dg.DagsterInstance, event: dg.EventLogEntry, **options: Any) -> None:
        store_event(instance, event, **options)
        if event.is_dagster_event and event.dagster_event_type == dg.DagsterEventType[phase]:
            signal.raise_signal(signal.SIGTERM)

    lineage_defs = lineage()
    monkeypatch.setattr(dg.DagsterInstance, "handle_new_event", signaled)
    with interrupt_on_signals(), pytest.raises(KeyboardInterrupt):
        materialize_pending(lineage_defs, settings)

    assert statuses() == left


@pytest.mark.parametrize("moment", ["between two runs", "while clocks pass"])
def test_a_signal_outside_of_a_run_ends_the_command(
    settings: Settings, lineage: Callable[..., dg.Definitions], monkeypatch: pytest.MonkeyPatch, moment: str
) -> None:
    change(settings, *TWO_RANGES)
    lineage_defs = lineage()

    def end(*_: object) -> None:
        if threading.current_thread() is threading.main_thread():  # the drivers' threads sleep too
            signal.raise_signal(signal.SIGTERM)

    def say(line: str) -> None:
        if moment == "between two runs" and "done" in line:
            end()

    if moment == "while clocks pass":
        monkeypatch.setattr("time.sleep", end)
    with interrupt_on_signals(), pytest.raises(KeyboardInterrupt):
        materialize_pending(lineage_defs, settings, say)

    assert statuses() == (["SUCCESS"] if moment == "between two runs" else [])


def test_sigterm_to_the_command_ends_it_within_seconds_and_a_second_one_does_the_rest(
    settings: Settings, frames: CassandraFrames, dagster_home: Path
) -> None:
    end = datetime(2026, 1, 6, tzinfo=UTC)
    spec = SimulationSpec(events=EVENTS, seed=4, start=end - 30 * HOUR, end=end, late_hours=2)
    ledger = simulate_to_kafka(settings, spec)
    environment = dict(as_environment(settings)) | {"DAGSTER_HOME": str(dagster_home), "PATH": os.environ["PATH"]}
    command = subprocess.Popen([*RECRUIT_ASSETS, "materialize"], env=environment)
    wait_until(lambda: "STARTED" in statuses(), 90, what="a run of hours")

    command.terminate()

    assert command.wait(15) == 130
    assert statuses()[-1] == "CANCELED"
    materialize_pending(build_defs(settings=settings), settings)
    assert [(row[0], row[2], row[11]) for row in report_of(settings)] == [
        (row[0], row[2], row[11]) for row in ledger.report()
    ]


def test_a_store_that_is_down_is_named_with_its_address(
    settings: Settings, lineage: Callable[..., dg.Definitions]
) -> None:
    lineage_defs = lineage()

    with pytest.raises(StoreUnavailable, match=r"connect .*127\.0\.0\.1:1"):
        materialize_pending(lineage_defs, settings.model_copy(update={"cassandra_port": 1}))

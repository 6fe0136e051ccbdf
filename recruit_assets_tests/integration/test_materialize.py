"""`materialize`: the whole lineage in this process, and what happens if an hour fails."""

import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import dagster as dg
import pytest
from dagster._core.storage.dagster_run import FINISHED_STATUSES

from recruit_assets.contract.tables import EVENT_CHANGES
from recruit_assets.definitions import build_defs
from recruit_assets.defs import materialize
from recruit_assets.defs.jobs import JOBS
from recruit_assets.defs.materialize import Materialized, materialize_pending
from recruit_assets.defs.partitions import hour_of, hours
from recruit_assets.runtime.errors import RunsFailed, StoreUnavailable
from recruit_assets.runtime.settings import Settings
from recruit_assets.simulator.publish import simulate_to_kafka
from recruit_assets.simulator.spec import SimulationSpec
from recruit_assets.stores.cassandra.session import open_session
from recruit_assets.stores.dagster.instance import REPOSITORY
from recruit_assets.stores.mysql.connection import open_report_database
from recruit_assets.stores.spark.frames import CassandraFrames

EVENTS = 1_000
SEVEN = datetime(2026, 1, 5, 7, tzinfo=UTC)
HOUR = timedelta(hours=1)


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


def test_everything_in_kafka_is_reported_and_a_second_call_changes_nothing(
    settings: Settings, frames: CassandraFrames
) -> None:
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
    """Assets that only record their hours as reported, and fail for the hours in `bad`."""

    def replaced(*, bad: tuple[datetime, ...] = ()) -> dg.Definitions:
        @dg.asset(partitions_def=hours, backfill_policy=dg.BackfillPolicy.single_run())
        def mysql_report(context: dg.AssetExecutionContext) -> None:
            run_hours = [hour_of(key) for key in context.partition_keys]
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
            backfill_policy=dg.BackfillPolicy.single_run(),
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
        "2026-01-05 10:00 (1 h): done",
        "2026-01-05 09:00 (1 h): done",
        "2026-01-05 08:00 (1 h): failed: the hour is bad",
        "2026-01-05 07:00 (1 h): done",
        "2026-01-05 08:00 (1 h): failed: the hour is bad",
    ]


def test_an_hour_that_is_not_a_partition_is_named(settings: Settings, lineage: Callable[..., dg.Definitions]) -> None:
    change(settings, SEVEN, datetime(2020, 1, 1, tzinfo=UTC))
    lineage_defs = lineage()

    with pytest.raises(
        RunsFailed, match=r"2020-01-01 00:00\. The first: it isn't a partition: check RECRUIT_FIRST_HOUR"
    ):
        materialize_pending(lineage_defs, settings)

    assert pending_of(settings) == [datetime(2020, 1, 1)]


def test_a_backlog_of_days_is_processed_in_runs_of_a_day(
    settings: Settings, lineage: Callable[..., dg.Definitions]
) -> None:
    change(settings, *(SEVEN + n * HOUR for n in range(50)))
    lineage_defs = lineage()

    assert materialize_pending(lineage_defs, settings) == Materialized(records=0, runs=3, hours=50)
    assert pending_of(settings) == []


def test_a_store_that_is_down_is_named_with_its_address(
    settings: Settings, lineage: Callable[..., dg.Definitions]
) -> None:
    lineage_defs = lineage()

    with pytest.raises(StoreUnavailable, match=r"connect .*127\.0\.0\.1:1"):
        materialize_pending(lineage_defs, settings.model_copy(update={"cassandra_port": 1}))

"""Deleting old runs: ours only, and none that the UI needs to know which hours are materialized."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import dagster as dg
import pytest

from recruit_assets.defs.jobs import delete_old_runs
from recruit_assets.stores.dagster import old_runs
from recruit_assets.stores.dagster.compat import OUR_LABEL, REPOSITORY_TAG, ComputeIOType, LocalComputeLogManager
from recruit_assets.stores.dagster.old_runs import delete_runs

STDOUT = ComputeIOType.STDOUT
OURS = {REPOSITORY_TAG: OUR_LABEL}
LATER = datetime.now(UTC) + timedelta(days=1)
HOURS = dg.StaticPartitionsDefinition(["07:00", "08:00"])


@dg.op
def nothing() -> None:
    """Succeeds."""


@dg.asset(partitions_def=HOURS)
def report() -> None:
    """Has one partition per hour."""


@dg.asset
def raw() -> None:
    """Has no partitions."""


@pytest.fixture(params=["in memory", "sqlite"])
def instance(request: pytest.FixtureRequest) -> Iterator[dg.DagsterInstance]:
    """With SQLite, the events of each run have ids of their own, other than those in the index of all runs."""
    with dg.DagsterInstance.ephemeral() if request.param == "in memory" else dg.instance_for_test() as instance:
        yield instance


def finished_runs(instance: dg.DagsterInstance, count: int, label: str = OUR_LABEL) -> None:
    job = dg.GraphDefinition("job", node_defs=[nothing]).to_job()
    for _ in range(count):
        job.execute_in_process(instance=instance, tags={REPOSITORY_TAG: label})


def materialized(instance: dg.DagsterInstance, hour: str) -> str:
    """Materialize the hour; returns the run."""
    return dg.materialize([report], instance=instance, partition_key=hour, tags=OURS).run_id


def delete(instance: dg.DagsterInstance, before: datetime = LATER, limit: int = 1000) -> int:
    return delete_runs(instance, before=before, label=OUR_LABEL, limit=limit)


def left(instance: dg.DagsterInstance) -> set[str]:
    return {run.run_id for run in instance.get_runs()}


def test_runs_that_ended_before_are_deleted_with_their_events(instance: dg.DagsterInstance) -> None:
    finished_runs(instance, 3)
    (run, *_) = instance.get_runs()

    assert delete(instance) == 3
    assert instance.get_runs() == []
    assert instance.all_logs(run.run_id) == []


def test_their_output_is_deleted_with_them() -> None:
    with dg.instance_for_test() as instance:
        finished_runs(instance, 2)
        ours, theirs = instance.get_run_ids()
        for run in (ours, theirs):
            with instance.compute_log_manager.open_log_stream([run, "compute_logs", "step"], STDOUT) as output:
                assert output is not None
                output.write("somebody's query string")  # type: ignore[call-overload]  # it is a text file
        instance.add_run_tags(theirs, {REPOSITORY_TAG: "__repository__@somebody_else"})

        delete(instance)

        assert not output_of(instance, ours).exists()
        assert output_of(instance, theirs).exists()


def output_of(instance: dg.DagsterInstance, run: str) -> Path:
    manager = instance.compute_log_manager
    assert isinstance(manager, LocalComputeLogManager)
    return Path(manager.get_captured_local_path([run, "compute_logs", "step"], "out"))


def test_young_and_unfinished_runs_stay(instance: dg.DagsterInstance) -> None:
    finished_runs(instance, 1)
    started = dg.DagsterRun(job_name="job", run_id=str(uuid4()), status=dg.DagsterRunStatus.STARTED, tags=OURS)
    instance.add_run(started)

    assert delete(instance, before=datetime.now(UTC) - timedelta(days=1)) == 0
    assert delete(instance) == 1
    assert left(instance) == {started.run_id}


def test_runs_of_other_users_of_the_instance_stay(instance: dg.DagsterInstance) -> None:
    finished_runs(instance, 2, label="__repository__@somebody_else")
    theirs = left(instance)
    finished_runs(instance, 1)

    assert delete(instance) == 1
    assert left(instance) == theirs


def test_an_hour_stays_materialized(instance: dg.DagsterInstance) -> None:
    """Without its event, a good hour would be missing in the UI, and somebody might backfill it."""
    first, eight = materialized(instance, "07:00"), materialized(instance, "08:00")
    again = materialized(instance, "07:00")
    raw_before, raw_last = (dg.materialize([raw], instance=instance, tags=OURS).run_id for _ in range(2))

    assert delete(instance) == 2
    assert left(instance) == {eight, again, raw_last}
    assert {first, raw_before}.isdisjoint(left(instance))
    assert instance.get_materialized_partitions(report.key) == {"07:00", "08:00"}


def test_what_stays_does_not_hide_older_runs(instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(old_runs, "DELETED_AT_ONCE", 2)
    finished_runs(instance, 3)
    stays = {materialized(instance, "07:00"), materialized(instance, "08:00")}

    assert delete(instance) == 3
    assert left(instance) == stays


def test_one_call_has_a_limit(instance: dg.DagsterInstance) -> None:
    finished_runs(instance, 3)

    assert delete(instance, limit=2) == 2
    assert len(left(instance)) == 1


def test_the_job_says_how_many_it_deleted(instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RECRUIT_RUN_RETENTION_DAYS", "30")
    finished_runs(instance, 1)

    result = delete_old_runs.execute_in_process(instance=instance)

    (output,) = [event for event in result.all_events if event.event_type is dg.DagsterEventType.STEP_OUTPUT]
    assert output.step_output_data.metadata["deleted_runs"] == dg.MetadataValue.int(0)

"""Deleting old runs."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import dagster as dg
import pytest

from recruit_assets.defs.jobs import delete_old_runs, delete_runs


@dg.op
def nothing() -> None:
    """Succeeds."""


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral() as instance:
        yield instance


def finished_runs(instance: dg.DagsterInstance, count: int) -> None:
    job = dg.GraphDefinition("job", node_defs=[nothing]).to_job()
    for _ in range(count):
        job.execute_in_process(instance=instance)


def test_runs_that_ended_before_are_deleted_with_their_events(instance: dg.DagsterInstance) -> None:
    finished_runs(instance, 3)
    (run, *_) = instance.get_runs()

    assert delete_runs(instance, before=datetime.now(UTC) + timedelta(minutes=1)) == 3
    assert instance.get_runs() == []
    assert instance.all_logs(run.run_id) == []


def test_young_and_unfinished_runs_stay(instance: dg.DagsterInstance) -> None:
    finished_runs(instance, 1)
    instance.add_run(dg.DagsterRun(job_name="job", run_id=str(uuid4()), status=dg.DagsterRunStatus.STARTED))

    assert delete_runs(instance, before=datetime.now(UTC) - timedelta(days=1)) == 0
    assert delete_runs(instance, before=datetime.now(UTC) + timedelta(minutes=1)) == 1
    assert [run.status for run in instance.get_runs()] == [dg.DagsterRunStatus.STARTED]


def test_one_deletion_has_a_limit(instance: dg.DagsterInstance) -> None:
    finished_runs(instance, 3)

    assert delete_runs(instance, before=datetime.now(UTC) + timedelta(minutes=1), limit=2) == 2
    assert len(instance.get_runs()) == 1


def test_the_job_says_how_many_it_deleted(instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RECRUIT_RUN_RETENTION_DAYS", "30")
    finished_runs(instance, 1)

    result = delete_old_runs.execute_in_process(instance=instance)

    (output,) = [event for event in result.all_events if event.event_type is dg.DagsterEventType.STEP_OUTPUT]
    assert output.step_output_data.metadata["deleted_runs"] == dg.MetadataValue.int(0)

"""Which runs get past the queue."""

from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest
import yaml
from dagster._core.run_coordinator import SubmitRunContext
from dagster._core.test_utils import MockedRunLauncher
from dagster._daemon import sensor

from recruit_assets.defs.launcher.coordinator import AT_ONCE_TAG, SENSOR_ROUND_S
from recruit_assets.stores.dagster.instance import REPOSITORY
from recruit_assets_tests.support.unfinished_runs import an_unfinished_run

CURRENT = {AT_ONCE_TAG: "yes", "dagster/sensor_name": "cassandra_cdc_sensor"}
PAST = {"recruit/past": "yes", "dagster/sensor_name": "cassandra_cdc_sensor"}
NEW, QUEUED, STARTING = (
    dg.DagsterRunStatus.NOT_STARTED,
    dg.DagsterRunStatus.QUEUED,
    dg.DagsterRunStatus.STARTING,
)


@pytest.fixture
def instance(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[dg.DagsterInstance]:
    """An instance with the limits of the repository's dagster.yaml, whose launcher only notes what it launched."""
    monkeypatch.setattr(sensor, "MIN_INTERVAL_LOOP_TIME", 5)
    ours = yaml.safe_load((REPOSITORY / "dagster.yaml").read_text())
    launcher = {"module": MockedRunLauncher.__module__, "class": MockedRunLauncher.__name__}
    kept = {key: ours[key] for key in ("run_coordinator", "concurrency")}
    (tmp_path / "dagster.yaml").write_text(yaml.safe_dump({**kept, "run_launcher": launcher}))
    with dg.DagsterInstance.from_config(str(tmp_path)) as instance:
        yield instance


def status_of(instance: dg.DagsterInstance, tags: dict[str, str]) -> dg.DagsterRunStatus:
    """The status of a new run once it was submitted."""
    run = an_unfinished_run(instance, NEW, tags)
    submitted = instance.run_coordinator.submit_run(SubmitRunContext(run, workspace=None))  # type: ignore[arg-type]
    launched = instance.run_launcher.did_run_launch(run.run_id)  # type: ignore[attr-defined]
    assert launched is (submitted.status is STARTING)
    return submitted.status


def test_a_run_of_the_current_hour_is_launched_at_once(instance: dg.DagsterInstance) -> None:
    """Also beside one of the hour that has just ended."""
    an_unfinished_run(instance, QUEUED, PAST)
    an_unfinished_run(instance, STARTING, PAST)

    assert [status_of(instance, CURRENT) for _ in range(2)] == [STARTING, STARTING]


def test_any_other_run_is_queued(instance: dg.DagsterInstance) -> None:
    assert status_of(instance, PAST) is QUEUED
    assert status_of(instance, {}) is QUEUED


@pytest.mark.parametrize(
    "active", [[{}, {}, {}, {}], [PAST, CURRENT, CURRENT]], ids=["all slots", "those of the sensor"]
)
def test_a_run_that_a_limit_holds_back_is_queued(instance: dg.DagsterInstance, active: list[dict[str, str]]) -> None:
    for tags in active:
        an_unfinished_run(instance, STARTING, tags)

    assert status_of(instance, CURRENT) is QUEUED


def test_a_run_that_was_submitted_before_is_not_launched_again(instance: dg.DagsterInstance) -> None:
    """Dagster submits a run again if its tick was interrupted."""
    run = an_unfinished_run(instance, STARTING, CURRENT)

    instance.run_coordinator.submit_run(SubmitRunContext(run, workspace=None))  # type: ignore[arg-type]

    assert not instance.run_launcher.did_run_launch(run.run_id)  # type: ignore[attr-defined]


def test_a_run_that_cannot_be_launched_fails(instance: dg.DagsterInstance) -> None:
    """It would hold its hours until run monitoring gives it up."""
    run = an_unfinished_run(instance, NEW, CURRENT)
    instance.run_launcher.bad_run_ids.add(run.run_id)  # type: ignore[attr-defined]

    with pytest.raises(Exception, match="Bad run"):
        instance.run_coordinator.submit_run(SubmitRunContext(run, workspace=None))  # type: ignore[arg-type]

    found = instance.get_run_by_id(run.run_id)
    assert found is not None
    assert found.status is dg.DagsterRunStatus.FAILURE


def test_the_daemon_looks_every_second_which_sensors_are_due(instance: dg.DagsterInstance) -> None:
    """Dagster's constant, which its loop reads again in each round."""
    assert instance.run_coordinator is not None
    assert sensor.MIN_INTERVAL_LOOP_TIME == SENSOR_ROUND_S
    assert "MIN_INTERVAL_LOOP_TIME" in sensor.execute_sensor_iteration_loop.__code__.co_names

"""The private API of Dagster that we use works as we expect in the installed version."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from importlib.metadata import version
from pathlib import Path
from uuid import uuid4

import dagster as dg
import pytest
from dagster._core.definitions.job_base import InMemoryJob
from dagster._core.events import RunFailureReason
from dagster._core.execution.api import execute_run
from dagster._core.storage import dagster_run, tags

from recruit_assets.defs import runs
from recruit_assets.defs.resources import current_run
from recruit_assets.defs.sensors import cdc
from recruit_assets.stores.dagster.compat import (
    CHECKED_WITH,
    ProcessRunLauncher,
    add_partition_metadata,
    check_evaluations,
    has_partitioned_assets,
    last_ticks,
    on_each_event,
    sensor_cursors,
)
from recruit_assets.stores.dagster.history import FINISHED, UNFINISHED
from recruit_assets_tests.support.sensor_ticks import tick_that_fails, tick_with_cursor


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral() as instance:
        yield instance


def test_the_installed_version_was_checked() -> None:
    assert {name: version(name) for name in CHECKED_WITH} == CHECKED_WITH


def test_every_status_of_a_run_is_known() -> None:
    """MANAGED runs are executed outside of Dagster; we have none."""
    assert set(FINISHED) == set(dagster_run.FINISHED_STATUSES)
    assert set(UNFINISHED) == set(dagster_run.NOT_FINISHED_STATUSES)
    assert {*FINISHED, *UNFINISHED, dg.DagsterRunStatus.MANAGED} == set(dg.DagsterRunStatus)


def test_the_tags_that_we_spell_are_dagsters() -> None:
    assert runs.RANGE_START_TAG == tags.ASSET_PARTITION_RANGE_START_TAG
    assert runs.RANGE_END_TAG == tags.ASSET_PARTITION_RANGE_END_TAG
    assert runs.PARTITION_TAG == tags.PARTITION_NAME_TAG
    assert runs.SENSOR_TAG == tags.SENSOR_NAME_TAG
    assert runs.FAILURE_REASON_TAG == tags.RUN_FAILURE_REASON_TAG
    assert {reason.value for reason in RunFailureReason} > runs.NO_FAULT_OF_ITS_HOURS
    assert cdc.MAX_RETRIES_TAG == tags.MAX_RETRIES_TAG
    assert cdc.PRIORITY_TAG == tags.PRIORITY_TAG
    assert current_run.RETRY_TAG == tags.RETRY_ON_ASSET_OR_OP_FAILURE_TAG


@dg.asset
def table() -> None:
    """An asset with a check."""


def a_check(*, passed: bool) -> dg.AssetChecksDefinition:
    @dg.asset_check(asset=table, name="rows_agree")
    def rows_agree() -> dg.AssetCheckResult:
        return dg.AssetCheckResult(passed=passed, metadata={"found": 2})

    return rows_agree


def evaluate_check(instance: dg.DagsterInstance, *, passed: bool) -> str:
    """Returns the run's id."""
    return dg.materialize([table, a_check(passed=passed)], instance=instance).run_id


def test_evaluations_of_a_check_come_newest_first(instance: dg.DagsterInstance) -> None:
    passed_in, failed_in = evaluate_check(instance, passed=True), evaluate_check(instance, passed=False)

    newest, oldest = check_evaluations(instance, dg.AssetCheckKey(table.key, "rows_agree"), limit=10)

    assert (newest.run_id, newest.passed, oldest.run_id, oldest.passed) == (failed_in, False, passed_in, True)
    assert newest.id > oldest.id
    assert newest.metadata == {"found": 2}
    assert abs(datetime.now(UTC) - newest.evaluated_at) < timedelta(minutes=1)


def test_the_evaluation_of_a_run_that_was_queued_for_long_is_a_new_one(instance: dg.DagsterInstance) -> None:
    """Dagster numbers evaluations when their runs are created."""
    key = dg.AssetCheckKey(table.key, "rows_agree")
    definitions = dg.Definitions([table], asset_checks=[a_check(passed=False)], executor=dg.in_process_executor)
    job = definitions.resolve_implicit_global_asset_job_def()
    queued = instance.create_run_for_job(job)
    passed_in = evaluate_check(instance, passed=True)
    execute_run(InMemoryJob(job), queued, instance)

    assert [one.run_id for one in check_evaluations(instance, key, limit=10)] == [queued.run_id, passed_in]


def test_no_more_evaluations_come_than_asked_for(instance: dg.DagsterInstance) -> None:
    runs = [evaluate_check(instance, passed=True) for _ in range(2)]

    (found,) = check_evaluations(instance, dg.AssetCheckKey(table.key, "rows_agree"), limit=1)

    assert found.run_id == runs[-1]


class NumbersOfPartitions(dg.IOManager):
    """Adds a number to each partition, and one of the same name to the output."""

    def handle_output(self, context: dg.OutputContext, obj: object) -> None:
        context.add_output_metadata({"rows": 0, "seconds": 7})
        for number, key in enumerate(sorted(context.asset_partition_keys), start=1):  # static partitions are a set
            add_partition_metadata(context, key, {"rows": number})

    def load_input(self, context: dg.InputContext) -> None:
        """Nothing is loaded."""


def test_partitions_of_one_run_have_their_own_metadata(instance: dg.DagsterInstance) -> None:
    partitions = dg.StaticPartitionsDefinition(["a", "b"])

    @dg.asset(partitions_def=partitions, backfill_policy=dg.BackfillPolicy.single_run())
    def parts() -> int:
        return 1

    range_tags = {runs.RANGE_START_TAG: "a", runs.RANGE_END_TAG: "b"}
    result = dg.materialize(
        [parts], instance=instance, resources={"io_manager": NumbersOfPartitions()}, tags=range_tags
    )

    found = {event.partition: event.materialization.metadata for event in result.get_asset_materialization_events()}
    assert {key: (metadata["rows"].value, metadata["seconds"].value) for key, metadata in found.items()} == {
        "a": (1, 7),
        "b": (2, 7),
    }


def test_a_subset_of_a_job_has_partitions_only_if_one_of_its_assets_has() -> None:
    @dg.asset(partitions_def=dg.StaticPartitionsDefinition(["a"]))
    def parts() -> None: ...

    whole = dg.Definitions([table, parts], jobs=[dg.define_asset_job("both", [table, parts])]).resolve_job_def("both")

    assert has_partitioned_assets(whole)
    assert has_partitioned_assets(whole.get_subset(asset_selection={parts.key}))
    assert not has_partitioned_assets(whole.get_subset(asset_selection={table.key}))


def test_a_sensor_that_fails_keeps_the_cursor_of_its_last_success(tmp_path: Path) -> None:
    with dg.instance_for_test(temp_dir=str(tmp_path)) as instance:
        assert sensor_cursors(instance, "reader") == []

        tick_with_cursor(instance, tmp_path, "reader", "read through 7:00")
        tick_that_fails(instance, tmp_path, "reader")

        assert sensor_cursors(instance, "reader") == ["read through 7:00"]
        assert sensor_cursors(instance, "another") == []


def test_each_event_of_a_run_is_announced_once_it_is_stored(instance: dg.DagsterInstance) -> None:
    """So the run's status may be read then."""
    run_id, seen = str(uuid4()), set()

    def note_status() -> None:
        run = instance.get_run_by_id(run_id)
        seen.add(run.status if run else None)

    on_each_event(instance, run_id, note_status)
    dg.Definitions(assets=[table]).resolve_implicit_global_asset_job_def().execute_in_process(
        instance=instance, run_id=run_id
    )
    dg.materialize([table], instance=instance)

    assert seen == {dg.DagsterRunStatus.NOT_STARTED, dg.DagsterRunStatus.STARTED, dg.DagsterRunStatus.SUCCESS}


def test_a_sensors_last_tick_is_known_whether_it_failed_or_not(tmp_path: Path) -> None:
    with dg.instance_for_test(temp_dir=str(tmp_path)) as instance:
        assert last_ticks(instance, "reader") == []

        tick_with_cursor(instance, tmp_path, "reader", "read through 7:00")
        (succeeded,) = last_ticks(instance, "reader")
        tick_that_fails(instance, tmp_path, "reader")
        (failed,) = last_ticks(instance, "reader")

    assert timedelta(0) < failed - succeeded < timedelta(hours=1)


def test_a_launcher_waits_for_the_runs_that_it_was_told_of(instance: dg.DagsterInstance) -> None:
    launcher = ProcessRunLauncher()
    launcher.register_instance(instance)
    run = dg.DagsterRun(job_name="job", run_id=str(uuid4()), status=dg.DagsterRunStatus.STARTED)
    instance.add_run(run)
    launcher.add_launched(run.run_id)

    assert launcher.instance is instance
    with pytest.raises(Exception, match="Timed out waiting for these runs to finish"):
        launcher.join(timeout=0)  # type: ignore[no-untyped-call]  # Dagster's

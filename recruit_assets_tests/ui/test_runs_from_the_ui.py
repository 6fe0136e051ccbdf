"""Runs as people launch, terminate and delete them in the UI."""

import os
import signal
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime
from urllib.error import HTTPError

import dagster as dg
import psutil
import pytest

from recruit_assets.contract.tables import HOUR_COVERAGE
from recruit_assets.defs.partitions import key_of
from recruit_assets.stores.cassandra.session import open_session
from recruit_assets.stores.kafka.clients import open_producer
from recruit_assets.stores.kafka.offsets import uncommitted_records
from recruit_assets.stores.mysql.connection import open_report_database
from recruit_assets_tests.support.builders import an_event, as_bytes
from recruit_assets_tests.support.kafka_topic import open_transaction
from recruit_assets_tests.ui.conftest import Platform

SEVEN, EIGHT, NINE = (datetime(2026, 1, 5, hour, tzinfo=UTC) for hour in (7, 8, 9))
SEVEN, EIGHT, NINE = (datetime(2026, 1, 5, hour, tzinfo=UTC) for hour in (7, 8, 9))
"""Events are of the first. The sensor finds them once they are drained, so the others are the tests' own."""
NEEDS_NO_ENGINE = "delete_old_runs"
WILL_RETRY = "dagster/will_retry"
"""Dagster decides it right after a run has failed."""


def test_the_newest_partition_is_the_current_hour(platform: Platform) -> None:
    before = datetime.now(UTC)
    newest = platform.ui.partitions("mysql_report")[-1]

    assert newest in {f"{one:%Y-%m-%d-%H}:00" for one in (before, datetime.now(UTC))}


@pytest.mark.parametrize("job", ["lineage_job", "hours_job"])
def test_a_job_that_is_to_replace_hours_but_names_none_fails_at_once_and_for_good(platform: Platform, job: str) -> None:
    """It used to drain Kafka first, and then to fail three times."""
    producer = open_producer(platform.settings)
    producer.send(platform.settings.kafka_topic, as_bytes(an_event(SEVEN)))
    producer.close()
    lag = uncommitted_records(platform.settings)

    run = platform.ended(platform.ui.launched(job), tag=WILL_RETRY)

    assert (run.status, run.tags[WILL_RETRY]) == (dg.DagsterRunStatus.FAILURE, "false")
    assert "pick partitions" in failure(platform.instance, run.run_id)
    assert uncommitted_records(platform.settings) == lag > 0


def of_hour(hour: datetime) -> Mapping[str, str]:
    return {"dagster/partition": key_of(hour)}


def failure(instance: dg.DagsterInstance, run: str) -> str:
    """What the UI shows first of the step that failed."""
    (event,) = [
        one.dagster_event
        for one in instance.all_logs(run, of_type=dg.DagsterEventType.STEP_FAILURE)
        if one.dagster_event is not None
    ]
    shown = event.step_failure_data.user_failure_data
    return str(shown.description) if shown else ""


def test_after_the_code_server_was_killed_a_launch_works_again_by_itself(platform: Platform) -> None:
    """The page said that the code was loaded, and each launch failed until a person reloaded."""
    os.kill(platform.services.pids()["code-server"], signal.SIGKILL)
    launched: list[str] = []

    def launch() -> bool:
        with suppress(HTTPError):  # what the web server answers first; later it shows the location's error
            answer = platform.ui.launch(NEEDS_NO_ENGINE)
            launched.extend([answer["run"]["runId"]] if "run" in answer else [])
        return bool(launched)

    platform.wait(launch)

    assert platform.ended(launched[0]).status is dg.DagsterRunStatus.SUCCESS
    assert platform.ui.is_loaded()


def test_a_run_that_is_deleted_while_it_runs_changes_nothing_more(platform: Platform) -> None:
    """Dagster deletes its record, and leaves the process alone."""
    with open_transaction(platform.settings, as_bytes(an_event(SEVEN))) as producer:  # the drain waits for its end
        run, process = platform.running("lineage_job", of_hour(NINE))
        assert platform.ui.delete(run) == "DeletePipelineRunSuccess"
        producer.abort_transaction()
    with suppress(psutil.NoSuchProcess):
        process.wait(60)

    assert "was deleted while it ran" in failure(platform.instance, run)
    assert platform.run(run) is None
    with open_report_database(platform.settings) as database, open_session(platform.settings) as session:
        assert database.query("SELECT * FROM report_hours WHERE event_hour = %s", (NINE.replace(tzinfo=None),)) == []
        covered = f"SELECT * FROM {session.table(HOUR_COVERAGE)} WHERE event_hour = %s"
        assert session.execute(covered, (NINE,)) == []


def test_a_run_that_is_terminated_ends(platform: Platform) -> None:
    run, process = platform.running("hours_job", of_hour(EIGHT))

    assert platform.ui.terminate(run) == "TerminateRunSuccess"

    assert platform.ended(run).status is dg.DagsterRunStatus.CANCELED
    with suppress(psutil.NoSuchProcess):
        process.wait(30)

"""Code server, web server and daemon as `up` runs them, used as people use the UI."""

import os
import signal
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from urllib.error import HTTPError

import dagster as dg
import psutil
import pytest

from recruit_assets.contract.tables import HOUR_COVERAGE
from recruit_assets.defs.launcher.local import PID_TAG
from recruit_assets.defs.partitions import key_of
from recruit_assets.local import supervisor, up
from recruit_assets.local.code_server import code_server
from recruit_assets.local.supervisor import Supervisor
from recruit_assets.runtime.settings import Settings
from recruit_assets.stores.cassandra.session import open_session
from recruit_assets.stores.dagster.instance import HOME_VARIABLE, open_instance
from recruit_assets.stores.kafka.clients import open_producer
from recruit_assets.stores.kafka.offsets import uncommitted_records
from recruit_assets.stores.mysql.connection import open_report_database
from recruit_assets_tests.conftest import export_to, fresh_names
from recruit_assets_tests.support.builders import an_event, as_bytes
from recruit_assets_tests.support.cleanup import drop_database, drop_topics
from recruit_assets_tests.support.dagster_ui import DagsterUi
from recruit_assets_tests.support.kafka_topic import open_transaction
from recruit_assets_tests.support.keyspace import SharedKeyspace
from recruit_assets_tests.support.waiting import wait_until

DAGSTER = {"code-server", "webserver", "daemon"}
SEVEN, EIGHT, NINE = (datetime(2026, 1, 5, hour, tzinfo=UTC) for hour in (7, 8, 9))
"""Events are of the first. The sensor finds them once they are drained, so the others are the tests' own."""
NEEDS_NO_ENGINE = "delete_old_runs"
WILL_RETRY = "dagster/will_retry"
"""Dagster decides it right after a run has failed."""
FIRST_PORT = 13_000
"""Below the ports that the kernel gives to clients: one that waits for such a port may connect to itself."""


class Platform:
    """The running services."""

    def __init__(self, settings: Settings, services: Supervisor, instance: dg.DagsterInstance, port: int) -> None:
        self.settings, self.services, self.instance, self.ui = settings, services, instance, DagsterUi(port)

    def wait(self, condition: Callable[[], object], timeout_s: float = 60) -> None:
        """Wait as `up` does: what dies meanwhile is started again."""

        def watched() -> object:
            self.services.watch()
            return condition()

        wait_until(watched, timeout_s)

    def run(self, run: str) -> dg.DagsterRun | None:
        return self.instance.get_run_by_id(run)

    def status(self, run: str) -> dg.DagsterRunStatus | None:
        found = self.run(run)
        return found.status if found else None

    def ended(self, run: str, tag: str = "") -> dg.DagsterRun:
        """The run once it has ended, and has this tag."""
        self.wait(lambda: (found := self.run(run)) and found.is_finished and (not tag or tag in found.tags))
        found = self.run(run)
        assert found is not None
        return found

    def running(self, job: str, tags: Mapping[str, str]) -> tuple[str, psutil.Process]:
        """Launch a run; returns it and its process once it has begun."""
        run = self.ui.launched(job, tags)
        self.wait(lambda: self.status(run) is dg.DagsterRunStatus.STARTED)
        found = self.run(run)
        assert found is not None
        return run, psutil.Process(int(found.tags[PID_TAG]))


@pytest.fixture(scope="module")
def platform(
    engines: Settings, keyspace: SharedKeyspace, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Platform]:
    home = tmp_path_factory.mktemp("home")
    own = fresh_names(engines).model_copy(update={"cassandra_keyspace": keyspace.name, "state_dir": home})
    keyspace.prepare(own)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(supervisor, "FIRST_RESTART_S", 0.1)
        export_to(patch, own)
        patch.setenv(HOME_VARIABLE, "")
        port = up._free_port(FIRST_PORT)
        with open_instance(own) as instance, code_server(own) as code:
            wanted = up._services(0.0, port, code, metrics_port=1, page=Path("unused"))
            ours = [service for service in wanted if service.name in DAGSTER]
            with Supervisor(ours, home / "logs", print) as services:
                platform = Platform(own, services, instance, port)
                platform.wait(platform.ui.is_loaded)
                yield platform
    drop_topics(own)
    drop_database(own)


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

"""Code server, web server and daemon as `up` runs them, on the shared engines; one set for all tests of this folder."""

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import dagster as dg
import psutil
import pytest

from recruit_assets.defs.launcher.local import PID_TAG
from recruit_assets.local import supervisor, up
from recruit_assets.local.code_server import code_server
from recruit_assets.local.supervisor import Service, Supervisor
from recruit_assets.runtime.settings import Settings
from recruit_assets.stores.dagster.instance import HOME_VARIABLE, open_instance
from recruit_assets_tests.conftest import export_to, fresh_names
from recruit_assets_tests.support.cleanup import drop_database, drop_topics
from recruit_assets_tests.support.dagster_ui import DagsterUi
from recruit_assets_tests.support.keyspace import SharedKeyspace
from recruit_assets_tests.support.waiting import wait_until

FIRST_PORT = 13_000
"""Below the ports that the kernel gives to clients: one that waits for such a port may connect to itself."""
IMPATIENT = (
    "import sys, dagster._daemon.controller as controller; controller.DEFAULT_DAEMON_INTERVAL_SECONDS = 1; "
    "from dagster._daemon.cli import main; sys.exit(main())"
)
"""The daemon looks after backfills every 30 s; this one every second."""


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

    def runs_of(self, backfill: str, *statuses: dg.DagsterRunStatus) -> Sequence[dg.DagsterRun]:
        """The backfill's runs, with any of these statuses if some are given."""
        return self.instance.get_runs(dg.RunsFilter(tags={"dagster/backfill": backfill}, statuses=statuses))


@pytest.fixture(scope="package")
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
            services_of_up = {
                one.name: one for one in up._services(0.0, port, code, metrics_port=1, page=Path("unused"))
            }
            wanted = [services_of_up["code-server"], services_of_up["webserver"], impatient(services_of_up["daemon"])]
            with Supervisor(wanted, home / "logs", print) as services:
                platform = Platform(own, services, instance, port)
                platform.wait(platform.ui.is_loaded)
                yield platform
    drop_topics(own)
    drop_database(own)


def impatient(daemon: Service) -> Service:
    _, *arguments = daemon.arguments
    return replace(daemon, arguments=[sys.executable, "-c", IMPATIENT, *arguments])

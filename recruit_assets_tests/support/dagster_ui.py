"""Dagster's web server and daemon as `recruit-assets up` starts them, and what a person does in the UI, by GraphQL."""

import json
import socket
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import dagster as dg

from recruit_assets.defs.jobs import HOURLY_ASSETS
from recruit_assets.defs.partitions import key_of
from recruit_assets.hours.planning import HourRange
from recruit_assets.local import up
from recruit_assets.local.supervisor import Service, Supervisor
from recruit_assets_tests.support.waiting import wait_until

IMPATIENT = (
    "import sys, dagster._daemon.controller as controller; controller.DEFAULT_DAEMON_INTERVAL_SECONDS = 1; "
    "from dagster._daemon.cli import main; sys.exit(main())"
)
"""The daemon looks after backfills every 30 s; this one every second."""
LAUNCH = """mutation($params: LaunchBackfillParams!) { launchPartitionBackfill(backfillParams: $params) {
  __typename ... on LaunchBackfillSuccess { backfillId } ... on PythonError { message } } }"""
CANCEL = """mutation($id: String!) { cancelPartitionBackfill(backfillId: $id) {
  __typename ... on PythonError { message } } }"""
BACKFILL = """query($id: String!) { partitionBackfillOrError(backfillId: $id) {
  ... on PartitionBackfill { status numPartitions } } }"""
CODE_LOCATIONS = "{ workspaceOrError { ... on Workspace { locationEntries { loadStatus } } } }"


@dataclass(frozen=True, slots=True)
class Ui:
    """The UI of a running web server."""

    port: int
    instance: dg.DagsterInstance

    def query(self, text: str, **variables: object) -> Mapping[str, Any]:
        """The answer's only field."""
        body = json.dumps({"query": text, "variables": variables}).encode()
        request = Request(f"http://127.0.0.1:{self.port}/graphql", body, {"Content-Type": "application/json"})
        with urlopen(request, timeout=60) as response:
            answer = json.load(response)
        assert "errors" not in answer, answer["errors"]
        (field,) = answer["data"].values()
        return dict(field)

    def materialize(self, hours: HourRange) -> str:
        """Pick the hours on the page of the assets and click "Launch backfill"; returns its id."""
        answer = self.query(
            LAUNCH,
            params={
                "assetSelection": [{"path": list(key.path)} for key in HOURLY_ASSETS],
                "partitionNames": [key_of(hour) for hour in hours.hours()],
            },
        )
        assert answer["__typename"] == "LaunchBackfillSuccess", answer
        return str(answer["backfillId"])

    def cancel(self, backfill: str) -> None:
        answer = self.query(CANCEL, id=backfill)
        assert answer["__typename"] == "CancelBackfillSuccess", answer

    def status(self, backfill: str) -> str:
        return str(self.query(BACKFILL, id=backfill)["status"])

    def runs(self, backfill: str, *statuses: dg.DagsterRunStatus) -> Sequence[dg.DagsterRun]:
        """The backfill's runs, with any of these statuses if some are given."""
        tags = {"dagster/backfill": backfill}
        return self.instance.get_runs(dg.RunsFilter(tags=tags, statuses=statuses))


@contextmanager
def running_ui(instance: dg.DagsterInstance, logs: Path) -> Iterator[Ui]:
    """A web server and a daemon with this instance and the settings in the environment, until the block ends."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with Supervisor(_services(port, logs), logs, print):
        ui = Ui(port, instance)
        wait_until(lambda: _has_loaded(ui), 90, what=f"Dagster's UI (logs in {logs})")
        yield ui


def _services(port: int, logs: Path) -> Sequence[Service]:
    """Those of `up`; the daemon is impatient."""
    services = {one.name: one for one in up._services(0, port, metrics_port=0, page=logs / "page")}
    daemon = services["daemon"]
    _, *arguments = daemon.arguments
    return [services["webserver"], replace(daemon, arguments=[sys.executable, "-c", IMPATIENT, *arguments])]


def _has_loaded(ui: Ui) -> bool:
    try:
        entries = ui.query(CODE_LOCATIONS)["locationEntries"]
    except OSError:
        return False
    return [entry["loadStatus"] for entry in entries] == ["LOADED"]

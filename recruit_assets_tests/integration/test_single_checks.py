"""A person can execute any single check from the UI: asked of Dagster's own web server, through GraphQL."""

import json
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from recruit_assets.defs.checks import CHECK_KEYS
from recruit_assets.defs.checks.raw_events import nothing_left
from recruit_assets.local.engines.ports import free_ports
from recruit_assets.runtime.settings import Settings
from recruit_assets_tests.support.waiting import wait_until

WEB_SERVER = (str(Path(sys.executable).parent / "dagster-webserver"), "-m", "recruit_assets.definitions")
LAUNCHES_AT_ONCE = """
run_coordinator:
  module: dagster._core.run_coordinator
  class: DefaultRunCoordinator
telemetry:
  enabled: false
"""
CHECKS = """{assetNodes {assetKey {path} assetChecksOrError {... on AssetChecks {checks {
  name canExecuteIndividually executionForLatestMaterialization {status}}}}}}"""
LOCATION = "{repositoriesOrError {... on RepositoryConnection {nodes {name location {name}}}}}"
LAUNCH = """mutation Launch($params: ExecutionParams!) {launchRun(executionParams: $params) {
  __typename ... on PythonError {message} ... on LaunchRunSuccess {run {runId}}}}"""


class WebServer:
    """The GraphQL of a web server on this port."""

    def __init__(self, port: int) -> None:
        self._url = f"http://127.0.0.1:{port}/graphql"

    def ask(self, query: str, **variables: object) -> Any:
        body = json.dumps({"query": query, "variables": variables}).encode()
        request = urllib.request.Request(self._url, body, {"content-type": "application/json"})
        with urllib.request.urlopen(request, timeout=60) as response:
            answer = json.load(response)
        assert "errors" not in answer, answer
        return answer["data"]

    def repositories(self) -> list[dict[str, Any]]:
        """The loaded repositories; none while the server is starting."""
        try:
            found: list[dict[str, Any]] = self.ask(LOCATION)["repositoriesOrError"]["nodes"]
        except OSError:
            return []
        return found

    def checks(self) -> dict[dg.AssetCheckKey, dict[str, Any]]:
        nodes = self.ask(CHECKS)["assetNodes"]
        return {
            dg.AssetCheckKey(dg.AssetKey(node["assetKey"]["path"]), one["name"]): one
            for node in nodes
            for one in node["assetChecksOrError"].get("checks", [])
        }

    def execute(self, key: dg.AssetCheckKey) -> str:
        """What the button does; returns the kind of the answer."""
        (repository,) = self.repositories()
        selector = {
            "repositoryName": repository["name"],
            "repositoryLocationName": repository["location"]["name"],
            "pipelineName": "__ASSET_JOB",
            "assetSelection": [],
            "assetCheckSelection": [{"assetKey": {"path": list(key.asset_key.path)}, "name": key.name}],
        }
        params = {"selector": selector, "mode": "default", "runConfigData": "{}"}
        answer: str = self.ask(LAUNCH, params=params)["launchRun"]["__typename"]
        return answer


@pytest.fixture
def server(settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[WebServer]:
    """A web server with the product's definitions and an empty Dagster instance."""
    (tmp_path / "dagster.yaml").write_text(LAUNCHES_AT_ONCE)
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path))
    (port,) = free_ports(1)
    command = [*WEB_SERVER, "-h", "127.0.0.1", "-p", str(port)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        server = WebServer(port)
        wait_until(server.repositories, 120, what="the web server")
        yield server
        process.terminate()


def test_any_single_check_can_be_executed_in_the_ui(server: WebServer) -> None:
    checks = server.checks()
    assert {key: one["canExecuteIndividually"] for key, one in checks.items()} == dict.fromkeys(
        CHECK_KEYS, "CAN_EXECUTE"
    )

    assert server.execute(nothing_left.key) == "LaunchRunSuccess"

    def status() -> str:
        execution = server.checks()[nothing_left.key]["executionForLatestMaterialization"]
        return execution["status"] if execution else ""

    wait_until(lambda: status() not in ("", "IN_PROGRESS"), 120, what="the check's result")
    assert status() == "SUCCEEDED"

"""What people click in Dagster's UI, as the GraphQL that it sends to a real web server."""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from urllib.request import Request, urlopen

import dagster as dg

from recruit_assets.defs.jobs import HOURLY_ASSETS
from recruit_assets.defs.partitions import key_of
from recruit_assets.hours.planning import HourRange
from recruit_assets.stores.dagster.instance import LOCATION

LAUNCH = """
mutation($params: ExecutionParams!) {
  launchRun(executionParams: $params) { __typename ... on LaunchRunSuccess { run { runId } } ... on Error { message } }
}
"""
TERMINATE = "mutation($run: String!) { terminateRun(runId: $run) { __typename ... on Error { message } } }"
DELETE = "mutation($run: String!) { deletePipelineRun(runId: $run) { __typename ... on Error { message } } }"
LOADED = "{ workspaceOrError { ... on Workspace { locationEntries { locationOrLoadError { __typename } } } } }"
PARTITIONS = """
query($asset: String!) { assetNodeOrError(assetKey: {path: [$asset]}) { ... on AssetNode { partitionKeys } } }
"""
BACKFILL = """
mutation($params: LaunchBackfillParams!) {
  launchPartitionBackfill(backfillParams: $params) {
    ... on LaunchBackfillSuccess { backfillId } ... on Error { message }
  }
}
"""
CANCEL = "mutation($id: String!) { cancelPartitionBackfill(backfillId: $id) { __typename } }"
BACKFILL_STATUS = (
    "query($id: String!) { partitionBackfillOrError(backfillId: $id) { ... on PartitionBackfill { status } } }"
)
CHECKS = """
{ assetNodes { assetKey { path } assetChecksOrError { ... on AssetChecks {
  checks { name canExecuteIndividually executionForLatestMaterialization { status } } } } } }
"""
WIPE = """
mutation($asset: String!) { wipeAssets(assetPartitionRanges: [{assetKey: {path: [$asset]}}]) { __typename } }
"""
RELOAD = "mutation($location: String!) { reloadRepositoryLocation(repositoryLocationName: $location) { __typename } }"
SENSOR = """
query($selector: SensorSelector!) { sensorOrError(sensorSelector: $selector) {
  ... on Sensor { sensorState { id status } } } }
"""
STOP_SENSOR = "mutation($id: String!) { stopSensor(id: $id) { __typename } }"
START_SENSOR = "mutation($selector: SensorSelector!) { startSensor(sensorSelector: $selector) { __typename } }"
SET_CURSOR = """
mutation($selector: SensorSelector!, $cursor: String!) {
  setSensorCursor(sensorSelector: $selector, cursor: $cursor) { __typename }
}
"""
TEST_SCHEDULE = """
mutation($selector: ScheduleSelector!, $at: Float!) { scheduleDryRun(selectorData: $selector, timestamp: $at) {
  ... on DryRunInstigationTick { evaluationResult { skipReason error { message } runRequests { runKey } } } } }
"""
REPOSITORY = {"repositoryName": "__repository__", "repositoryLocationName": LOCATION}
TIMEOUT_S = 60


class DagsterUi:
    """The UI at this address."""

    def __init__(self, port: int) -> None:
        self._url = f"http://127.0.0.1:{port}/graphql"

    def ask(self, query: str, **variables: object) -> Mapping[str, Any]:
        body = json.dumps({"query": query, "variables": variables}).encode()
        request = Request(self._url, body, {"Content-Type": "application/json"})
        with urlopen(request, timeout=TIMEOUT_S) as answer:
            found: Mapping[str, Any] = json.load(answer)
        assert "errors" not in found, found
        data: Mapping[str, Any] = found["data"]
        return data

    def is_loaded(self) -> bool:
        """Whether the page shows the code location without an error; also false while nothing answers."""
        try:
            entries = self.ask(LOADED)["workspaceOrError"]["locationEntries"]
        except OSError:
            return False
        loaded = [entry["locationOrLoadError"] for entry in entries]
        return loaded == [{"__typename": "RepositoryLocation"}]

    def launch(self, job: str, tags: Mapping[str, str] | None = None) -> Mapping[str, Any]:
        """Launch a run; `__typename` is LaunchRunSuccess or the error's."""
        return self._launch(REPOSITORY | {"jobName": job}, tags or {})

    def launched(self, job: str, tags: Mapping[str, str] | None = None) -> str:
        """Launch a run; returns its id."""
        answer = self.launch(job, tags)
        assert answer["__typename"] == "LaunchRunSuccess", answer
        run: str = answer["run"]["runId"]
        return run

    def terminate(self, run: str) -> str:
        answer: str = self.ask(TERMINATE, run=run)["terminateRun"]["__typename"]
        return answer

    def delete(self, run: str) -> str:
        answer: str = self.ask(DELETE, run=run)["deletePipelineRun"]["__typename"]
        return answer

    def partitions(self, asset: str) -> list[str]:
        keys: list[str] = self.ask(PARTITIONS, asset=asset)["assetNodeOrError"]["partitionKeys"]
        return keys

    def materialize(self, hours: HourRange) -> str:
        """Pick the hours on the page of the assets and click "Launch backfill"; returns its id."""
        params = {
            "assetSelection": [{"path": list(key.path)} for key in HOURLY_ASSETS],
            "partitionNames": [key_of(hour) for hour in hours.hours()],
        }
        answer = self.ask(BACKFILL, params=params)["launchPartitionBackfill"]
        assert "backfillId" in answer, answer
        backfill: str = answer["backfillId"]
        return backfill

    def cancel(self, backfill: str) -> None:
        answer = self.ask(CANCEL, id=backfill)["cancelPartitionBackfill"]
        assert answer == {"__typename": "CancelBackfillSuccess"}

    def backfill_status(self, backfill: str) -> str:
        status: str = self.ask(BACKFILL_STATUS, id=backfill)["partitionBackfillOrError"]["status"]
        return status

    def checks(self) -> Mapping[dg.AssetCheckKey, Mapping[str, Any]]:
        """Of each check, whether a person can execute it, and its last execution."""
        return {
            dg.AssetCheckKey(dg.AssetKey(node["assetKey"]["path"]), one["name"]): one
            for node in self.ask(CHECKS)["assetNodes"]
            for one in node["assetChecksOrError"].get("checks", [])
        }

    def execute_check(self, key: dg.AssetCheckKey) -> str:
        """Click "Execute" on the page of the check; returns the run."""
        picked = [{"assetKey": {"path": list(key.asset_key.path)}, "name": key.name}]
        selector = REPOSITORY | {"jobName": "__ASSET_JOB", "assetSelection": [], "assetCheckSelection": picked}
        answer = self._launch(selector, {})
        assert answer["__typename"] == "LaunchRunSuccess", answer
        run: str = answer["run"]["runId"]
        return run

    def wipe(self, asset: str) -> str:
        """Forget all materializations of the asset."""
        answer: str = self.ask(WIPE, asset=asset)["wipeAssets"]["__typename"]
        return answer

    def reload(self) -> str:
        answer: str = self.ask(RELOAD, location=LOCATION)["reloadRepositoryLocation"]["__typename"]
        return answer

    def stop_sensor(self, name: str) -> None:
        found = self.ask(SENSOR, selector=REPOSITORY | {"sensorName": name})["sensorOrError"]
        answer = self.ask(STOP_SENSOR, id=found["sensorState"]["id"])["stopSensor"]
        assert answer == {"__typename": "StopSensorMutationResult"}

    def start_sensor(self, name: str) -> None:
        answer = self.ask(START_SENSOR, selector=REPOSITORY | {"sensorName": name})["startSensor"]
        assert answer == {"__typename": "Sensor"}

    def set_cursor(self, sensor: str, cursor: str) -> None:
        answer = self.ask(SET_CURSOR, selector=REPOSITORY | {"sensorName": sensor}, cursor=cursor)["setSensorCursor"]
        assert answer == {"__typename": "Sensor"}

    def test_schedule(self, name: str, at: datetime) -> Mapping[str, Any]:
        """Click "Test schedule" for this time; returns what the tick would do."""
        selector = REPOSITORY | {"scheduleName": name}
        tick: Mapping[str, Any] = self.ask(TEST_SCHEDULE, selector=selector, at=at.timestamp())["scheduleDryRun"]
        result: Mapping[str, Any] = tick["evaluationResult"]
        return result

    def _launch(self, selector: Mapping[str, object], tags: Mapping[str, str]) -> Mapping[str, Any]:
        listed = [{"key": key, "value": value} for key, value in tags.items()]
        params = {"selector": selector, "runConfigData": {}, "executionMetadata": {"tags": listed}}
        launched: Mapping[str, Any] = self.ask(LAUNCH, params=params)["launchRun"]
        return launched

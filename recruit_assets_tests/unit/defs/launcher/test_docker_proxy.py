"""The proxy passes on what the launcher asks Docker for, and nothing else. Docker is a fake on a real Unix socket."""

import json
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from threading import Thread
from typing import Any

import httpx
import pytest
import uvicorn
from docker.client import DockerClient
from docker.errors import APIError

from recruit_assets.defs.launcher.docker_proxy import DockerSocket, docker_proxy_app
from recruit_assets.defs.launcher.run_container import OWNER_LABEL
from recruit_assets_tests.support.fake_docker import OTHER_CONTAINER, FakeDocker, fake_docker
from recruit_assets_tests.support.waiting import wait_until
from recruit_assets_tests.unit.defs.launcher.test_run_container import CONTAINER, REQUEST

RUN: dict[str, Any] = {
    "image": "recruit:1",
    "command": ["dagster", "api", "execute_run", "{}"],
    "detach": True,
    "environment": {"DAGSTER_RUN_JOB_NAME": "hourly"},
    "network": None,
    "labels": {"dagster/run_id": "1", "dagster/job_name": "hourly"},
}
"""What DockerRunLauncher passes to `containers.create`."""
UNKNOWN = "0" * 64


@pytest.fixture
def daemon(tmp_path: Path) -> Iterator[FakeDocker]:
    with fake_docker(tmp_path / "docker.sock") as daemon:
        yield daemon


@pytest.fixture
def proxy(daemon: FakeDocker) -> Iterator[httpx.Client]:
    with ExitStack() as stack:
        app = docker_proxy_app(DockerSocket(daemon.socket), CONTAINER)
        server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=0, log_level="warning"))
        thread = Thread(target=server.run)
        thread.start()
        stack.callback(thread.join)
        stack.callback(setattr, server, "should_exit", True)
        wait_until(lambda: server.started, timeout_s=10)
        port = server.servers[0].sockets[0].getsockname()[1]
        yield stack.enter_context(httpx.Client(base_url=f"http://127.0.0.1:{port}", trust_env=False))


def message(answer: httpx.Response) -> str:
    return str(json.loads(answer.content)["message"])


def test_the_client_of_docker_can_launch_and_stop_a_run(daemon: FakeDocker, proxy: httpx.Client) -> None:
    client = DockerClient(base_url=str(proxy.base_url).replace("http://", "tcp://"))

    container = client.containers.create(**RUN)
    container.start()
    client.containers.get(container.id).stop(timeout=30)
    client.close()

    assert daemon.containers[container.id] == CONTAINER.created_for(REQUEST)
    one = f"/v1.50/containers/{container.id}"
    asked = [each for each in daemon.requests if not each.endswith("/json")]
    assert asked == [
        "GET /version",
        "POST /v1.50/containers/create",
        "POST /v1.50/networks/stores/connect",
        f"POST {one}/start",
        f"POST {one}/stop?t=30",
    ]
    assert daemon.networks == {"stores": [container.id]}


def test_a_container_that_cannot_join_its_networks_is_removed(daemon: FakeDocker, proxy: httpx.Client) -> None:
    """It could neither reach the stores nor end by itself."""
    daemon.networks.clear()

    answer = proxy.post("/v1.50/containers/create", json=dict(REQUEST))

    assert answer.status_code == 404
    assert daemon.containers.keys() == {OTHER_CONTAINER}


def test_the_client_learns_why_a_container_is_refused(daemon: FakeDocker, proxy: httpx.Client) -> None:
    client = DockerClient(base_url=str(proxy.base_url).replace("http://", "tcp://"))

    with pytest.raises(APIError, match=r"refused by docker-proxy: HostConfig isn't what a run needs"):
        client.containers.create(**RUN, volumes=["/:/host"])
    client.close()

    assert daemon.containers.keys() == {OTHER_CONTAINER}


@pytest.mark.parametrize(
    ("method", "target"),
    [
        ("GET", "/info"),
        ("GET", "/_ping"),
        ("GET", "/containers/json"),
        ("GET", "/v1.50/containers/json"),
        ("GET", "/v1.50/containers/json?all=1"),
        ("GET", f"/v1.50/containers/{OTHER_CONTAINER}/logs?stdout=1"),
        ("GET", f"/v1.50/containers/{OTHER_CONTAINER}/archive?path=/"),
        ("PUT", f"/v1.50/containers/{OTHER_CONTAINER}/archive?path=/"),
        ("POST", f"/v1.50/containers/{OTHER_CONTAINER}/exec"),
        ("POST", f"/v1.50/containers/{OTHER_CONTAINER}/kill"),
        ("POST", f"/v1.50/containers/{OTHER_CONTAINER}/update"),
        ("POST", f"/v1.50/containers/{OTHER_CONTAINER}/attach"),
        ("DELETE", f"/v1.50/containers/{OTHER_CONTAINER}"),
        ("DELETE", f"/v1.50/containers/{OTHER_CONTAINER}/stop"),
        ("POST", "/v1.50/images/create?fromImage=other"),
        ("POST", "/v1.50/build"),
        ("GET", "/v1.50/networks/stores"),
        ("POST", "/v1.50/networks/stores/connect"),
        ("POST", "/v1.50/volumes/create"),
        ("POST", "/v1.50/containers/create/"),
        ("POST", "//v1.50/containers/create"),
        ("POST", "/containers/create"),
        ("GET", "/v1.50/version"),
        # an allowed path with more than the launcher sends
        ("GET", "/version?x=1"),
        ("POST", "/v1.50/containers/create?name=mysql"),
        ("POST", "/v1.50/containers/create?platform=windows"),
        ("POST", "/v1.50%2F..%2Fimages/containers/create"),
        ("POST", "/v1.50x/containers/create"),
        ("GET", "/v1.50/containers/mysql/json"),
        ("GET", f"/v1.50/containers/{OTHER_CONTAINER[:12]}/json"),
        ("GET", f"/v1.50/containers/..%2F..%2Finfo%3F{UNKNOWN}/json"),
        ("GET", f"/v1.50/containers/{OTHER_CONTAINER}/json?size=1"),
        ("POST", f"/v1.50/containers/{OTHER_CONTAINER}/start?detachKeys=a"),
        ("POST", f"/v1.50/containers/{OTHER_CONTAINER}/stop?t=-1"),
        ("POST", f"/v1.50/containers/{OTHER_CONTAINER}/stop?t=1&signal=KILL"),
    ],
)
def test_another_request_never_reaches_docker(
    method: str, target: str, daemon: FakeDocker, proxy: httpx.Client
) -> None:
    answer = proxy.request(method, target, json=dict(REQUEST))

    assert answer.status_code == 403
    assert message(answer).startswith("refused by docker-proxy: ")
    assert daemon.requests == []


@pytest.mark.parametrize("body", [b"", b"{", b"\xff", b"[]", b'{"Image": "other:1"}'])
def test_a_body_that_names_no_run_never_reaches_docker(body: bytes, daemon: FakeDocker, proxy: httpx.Client) -> None:
    assert proxy.post("/v1.50/containers/create", content=body).status_code == 403
    assert daemon.requests == []


@pytest.mark.parametrize("container", [OTHER_CONTAINER, UNKNOWN])
@pytest.mark.parametrize(("method", "what"), [("GET", "json"), ("POST", "start"), ("POST", "stop")])
def test_another_container_does_not_exist(
    method: str, what: str, container: str, daemon: FakeDocker, proxy: httpx.Client
) -> None:
    answer = proxy.request(method, f"/v1.50/containers/{container}/{what}")

    assert answer.status_code == 404
    assert daemon.requests == [f"GET /v1.50/containers/{container}/json"]


def test_a_container_of_another_platform_does_not_exist(daemon: FakeDocker, proxy: httpx.Client) -> None:
    daemon.containers[UNKNOWN] = {"Labels": {OWNER_LABEL: "other"}}

    assert proxy.post(f"/v1.50/containers/{UNKNOWN}/stop").status_code == 404


def test_what_a_request_names_twice_is_passed_on_once(daemon: FakeDocker, proxy: httpx.Client) -> None:
    """Two readers of the same JSON may take one or the other."""
    body = json.dumps(dict(REQUEST)).replace('{"Image"', '{"Image": "other:1", "Image"', 1)

    proxy.post("/v1.50/containers/create", content=body)

    assert [each["Image"] for each in daemon.containers.values() if "Image" in each] == ["recruit:1"]


def test_docker_that_is_gone_is_named(tmp_path: Path, daemon: FakeDocker, proxy: httpx.Client) -> None:
    daemon.socket.unlink()

    answer = proxy.get("/version")

    assert (answer.status_code, message(answer)) == (502, "Docker doesn't answer: [Errno 2] No such file or directory")

"""Dagster's web server answers its own hosts, pages and logins. Without the checks it executes anything for anyone."""

import json
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from threading import Thread

import dagster as dg
import httpx
import pytest
import uvicorn
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect
from websockets.typing import Origin, Subprotocol

from recruit_assets.defs.webserver.access import access_checks, may_operate
from recruit_assets.defs.webserver.compat import checked_app
from recruit_assets.runtime.settings import load_settings
from recruit_assets_tests.support.waiting import wait_until

CHANGE = {"query": "mutation { reloadWorkspace { __typename } }"}
READ = {"query": "{ version }"}


class Browser:
    """Sends requests to a web server, by default as its own page does."""

    def __init__(self, port: int) -> None:
        self.host = f"127.0.0.1:{port}"

    def post(self, body: dict[str, str], *, login: tuple[str, str] | None = None, **headers: str) -> tuple[int, str]:
        """Status and body of the answer."""
        answer = httpx.post(f"http://{self.host}/graphql", json=body, auth=login, headers=headers, trust_env=False)
        return answer.status_code, answer.text

    def get(self, path: str) -> int:
        return httpx.get(f"http://{self.host}{path}", trust_env=False).status_code

    def open_socket(self, origin: str | None = None) -> str:
        """What the server answers to a first message over a WebSocket; InvalidStatus if it refuses."""
        address, protocols = f"ws://{self.host}/graphql", [Subprotocol("graphql-ws")]
        with connect(address, origin=Origin(origin) if origin else None, subprotocols=protocols, proxy=None) as socket:
            socket.send(json.dumps({"type": "connection_init"}))
            return str(json.loads(socket.recv(timeout=10))["type"])


class WebServers:
    """Starts web servers with an empty workspace on free ports."""

    def __init__(self, workspace: Path, stack: ExitStack) -> None:
        self._workspace = workspace
        self._stack = stack

    def __call__(self, **settings: str) -> Browser:
        instance = self._stack.enter_context(dg.instance_for_test())
        checks = access_checks(load_settings(**{f"ui_{name}": value for name, value in settings.items()}))
        app = self._stack.enter_context(checked_app(instance, self._workspace, checks, may_operate=may_operate))
        server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=0, log_level="warning"))
        thread = Thread(target=server.run)
        thread.start()
        self._stack.callback(thread.join)
        self._stack.callback(setattr, server, "should_exit", True)
        wait_until(lambda: server.started, timeout_s=30)
        return Browser(server.servers[0].sockets[0].getsockname()[1])


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[WebServers]:
    workspace = tmp_path / "workspace.yaml"
    workspace.write_text("load_from: []")
    with ExitStack() as stack:
        yield WebServers(workspace, stack)


def test_the_page_of_this_machine_may_read_and_change(serve: WebServers) -> None:
    own = serve()

    assert own.post(READ)[0] == 200
    assert '"Workspace"' in own.post(CHANGE, Origin=f"http://{own.host}")[1]
    assert '"Workspace"' in own.post(CHANGE, Host="localhost", Origin="http://localhost")[1]
    assert own.open_socket(f"http://{own.host}") == "connection_ack"


@pytest.mark.parametrize("host", ["evil.example", "evil.example:3000", "127.0.0.1.evil.example", "10.0.0.5:3000", ""])
def test_a_name_that_another_site_points_here_is_not_answered(serve: WebServers, host: str) -> None:
    """DNS rebinding makes the attacker's page one of the same origin."""
    assert serve().post(READ, Host=host, Origin=f"http://{host}")[0] == 400


def test_names_that_the_settings_list_are_answered(serve: WebServers) -> None:
    listed = serve(hosts="dagster.example.com, etl")

    assert listed.post(READ, Host="dagster.example.com", Origin="https://dagster.example.com")[0] == 200
    assert listed.post(READ, Host="etl:3000")[0] == 200
    assert listed.post(READ, Host="other.example.com")[0] == 400


@pytest.mark.parametrize("origin", ["http://evil.example", "null", "http://127.0.0.1:8000", "http://localhost"])
def test_what_another_sites_page_sends_is_refused(serve: WebServers, origin: str) -> None:
    own = serve()

    assert own.post(CHANGE, Origin=origin)[0] == 403
    with pytest.raises(InvalidStatus):
        own.open_socket(origin)


def test_a_url_executes_nothing(serve: WebServers) -> None:
    """A link or an image of any site makes a browser send a GET, without an Origin."""
    own = serve()

    assert own.get("/graphql?query=mutation%7BreloadWorkspace%7B__typename%7D%7D") == 403
    assert own.get("/server_info") == 200


def test_with_a_password_nobody_gets_in_without_it(serve: WebServers) -> None:
    locked = serve(operator_password="right", viewer_password="seeing")

    wrong = (None, ("operator", "wrong"), ("operator", ""), ("operator", "seeing"), ("root", "right"), ("", ""))
    assert [locked.post(READ, login=login)[0] for login in wrong] == [401] * len(wrong)
    assert locked.post(READ, Authorization="Basic %%%")[0] == 401
    assert locked.get("/server_info") == 401
    with pytest.raises(InvalidStatus):
        locked.open_socket()


def test_an_operator_changes_and_a_viewer_reads(serve: WebServers) -> None:
    locked = serve(operator_password="right", viewer_password="seeing")

    assert '"Workspace"' in locked.post(CHANGE, login=("operator", "right"))[1]
    assert locked.post(READ, login=("viewer", "seeing"))[0] == 200
    assert "UnauthorizedError" in locked.post(CHANGE, login=("viewer", "seeing"))[1]


def test_with_a_viewers_password_alone_nobody_operates(serve: WebServers) -> None:
    locked = serve(viewer_password="seeing")

    assert locked.post(CHANGE)[0] == 401
    assert "UnauthorizedError" in locked.post(CHANGE, login=("viewer", "seeing"))[1]

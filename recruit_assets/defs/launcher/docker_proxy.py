"""A door to Docker for the launcher of runs: it opens for the five requests that launching takes, and for nothing else.

Whoever may use Docker's socket is root on the host, so only this service has it. It answers about the containers that
it has made itself; to the launcher, others don't exist.
"""

import json
import re
import socket
from collections.abc import Mapping
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException as StarletteHTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from recruit_assets.defs.launcher.run_container import OWNER_LABEL, Refused, RunContainer

TIMEOUT_S = 120.0
"""Stopping a container takes as long as the launcher gives it, which is half a minute."""


class DockerSocket:
    """Docker's API on its Unix socket."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def send(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> tuple[int, bytes]:
        """Status and body of the answer; OSError or HTTPException if Docker doesn't answer."""
        connection = _UnixConnection(self._path)
        try:
            content = None if body is None else json.dumps(body)
            connection.request(method, path, content, {"Content-Type": "application/json"})
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()


class _UnixConnection(HTTPConnection):
    def __init__(self, path: Path) -> None:
        super().__init__("localhost", timeout=TIMEOUT_S)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(str(self._path))


class LauncherRequests:
    """The requests that the launcher makes, each checked and made anew."""

    def __init__(self, docker: DockerSocket, container: RunContainer) -> None:
        self._docker, self._container = docker, container

    def version(self, request: Request) -> Response:
        """The client of Docker asks for it first."""
        _query(request)
        return _answer(*self._docker.send("GET", "/version"))

    async def create(self, request: Request) -> Response:
        """A container as `RunContainer` says."""
        _query(request)
        try:
            asked = json.loads(await request.body())
        except ValueError:
            raise Refused("the request isn't JSON") from None
        return _answer(*await run_in_threadpool(self._create, _api(request), self._container.created_for(asked)))

    def inspect(self, request: Request) -> Response:
        _query(request)
        return _answer(*self._own(request))

    def start(self, request: Request) -> Response:
        _query(request)
        return self._change(request, "start")

    def stop(self, request: Request) -> Response:
        seconds = _query(request, "t")
        return self._change(request, f"stop?t={seconds}" if seconds else "stop")

    def _create(self, api: str, container: Mapping[str, Any]) -> tuple[int, bytes]:
        """Docker's answer to the creation; or to a network that can't be connected, and then no container is left."""
        status, created = self._docker.send("POST", f"{api}/containers/create", container)
        if status != HTTPStatus.CREATED:
            return status, created
        new = json.loads(created)["Id"]
        for network in self._container.networks[1:]:  # before Docker 25, a container is created in one network
            connected, answer = self._docker.send("POST", f"{api}/networks/{network}/connect", {"Container": new})
            if connected != HTTPStatus.OK:
                self._docker.send("DELETE", f"{api}/containers/{new}?v=1")
                return connected, answer
        return status, created

    def _change(self, request: Request, what: str) -> Response:
        status, found = self._own(request)
        if status != HTTPStatus.OK:
            return _answer(status, found)
        return _answer(*self._docker.send("POST", f"{_path(request)}/{what}"))

    def _own(self, request: Request) -> tuple[int, bytes]:
        """Docker's description of the container; not found if it isn't a run's of this platform."""
        status, found = self._docker.send("GET", f"{_path(request)}/json")
        if status == HTTPStatus.OK and _owner(found) != self._container.owner:
            message = f"No such container of a run: {request.path_params['id']}"
            return HTTPStatus.NOT_FOUND, json.dumps({"message": message}).encode()
        return status, found


def docker_proxy_app(docker: DockerSocket, container: RunContainer) -> Starlette:
    """The proxy as an ASGI application."""
    requests = LauncherRequests(docker, container)
    one = "/v{api}/containers/{id}"
    routes = [
        Route("/version", requests.version, methods=["GET"]),
        Route("/v{api}/containers/create", requests.create, methods=["POST"]),
        Route(f"{one}/json", requests.inspect, methods=["GET"]),
        Route(f"{one}/start", requests.start, methods=["POST"]),
        Route(f"{one}/stop", requests.stop, methods=["POST"]),
    ]
    errors = {
        Refused: _refused,
        StarletteHTTPException: _unknown,
        OSError: _unavailable,
        HTTPException: _unavailable,
    }
    app = Starlette(routes=routes, exception_handlers=errors)
    app.router.redirect_slashes = False
    return app


def _query(request: Request, allowed: str = "") -> str:
    """The value of the one query parameter that may be there, a number; empty without it."""
    given = dict(request.query_params)
    value = given.pop(allowed, "")
    if given or not re.fullmatch(r"\d{0,4}", value):
        raise Refused(f"the query {request.url.query[:200]} isn't allowed")
    return value


def _api(request: Request) -> str:
    """The version of Docker's API as the beginning of a path."""
    version = request.path_params["api"]
    if not re.fullmatch(r"\d\.\d{1,3}", version):
        raise Refused(f"{version[:20]} isn't a version of Docker's API")
    return f"/v{version}"


def _path(request: Request) -> str:
    """The path of a container. Only the full id is accepted, which the launcher knows from creating it."""
    container = request.path_params["id"]
    if not re.fullmatch(r"[0-9a-f]{64}", container):
        raise Refused(f"{container[:100]} isn't the id of a container")
    return f"{_api(request)}/containers/{container}"


def _owner(description: bytes) -> str | None:
    labels: dict[str, str] = json.loads(description)["Config"]["Labels"] or {}
    return labels.get(OWNER_LABEL)


def _answer(status: int, body: bytes) -> Response:
    return Response(body, status, media_type="application/json")


def _refused(_: Request, error: Exception) -> JSONResponse:
    return JSONResponse({"message": f"refused by docker-proxy: {error}"}, HTTPStatus.FORBIDDEN)


def _unknown(request: Request, _: Exception) -> JSONResponse:
    return _refused(request, Refused(f"{request.method} {request.url.path[:200]} isn't among the launcher's requests"))


def _unavailable(_: Request, error: Exception) -> JSONResponse:
    return JSONResponse({"message": f"Docker doesn't answer: {error}"}, HTTPStatus.BAD_GATEWAY)

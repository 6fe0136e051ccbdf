"""A Docker daemon on a Unix socket that only remembers what it was asked."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from socketserver import ThreadingMixIn, UnixStreamServer
from threading import Thread
from typing import Any

OTHER_CONTAINER = "f" * 64
"""A container that was there before, of somebody else."""
VERSION = {"ApiVersion": "1.50", "Version": "28.0"}


@dataclass(slots=True)
class FakeDocker:
    """Its containers by id, its networks' containers, and the requests that reached it."""

    socket: Path
    containers: dict[str, Any] = field(default_factory=lambda: {OTHER_CONTAINER: {"Labels": {}}})
    networks: dict[str, list[str]] = field(default_factory=lambda: {"stores": []})
    requests: list[str] = field(default_factory=list)

    def answer(self, method: str, target: str, body: Any) -> tuple[int, Any]:
        self.requests.append(f"{method} {target}")
        match target.split("?")[0].strip("/").split("/"):
            case ["version"]:
                return 200, VERSION
            case [_, "containers", "create"]:
                new = f"{len(self.containers):064x}"
                self.containers[new] = body
                return 201, {"Id": new, "Warnings": []}
            case [_, "containers", one] if method == "DELETE":
                del self.containers[one]
                return 204, None
            case [_, "networks", name, "connect"] if name in self.networks:
                self.networks[name].append(body["Container"])
                return 200, None
            case [_, "containers", one, "json"] if one in self.containers:
                return 200, {"Id": one, "Config": self.containers[one], "State": {"Status": "running"}}
            case [_, "containers", one, "start" | "stop"] if one in self.containers:
                return 204, None
        return 404, {"message": "page not found"}


@contextmanager
def fake_docker(socket: Path) -> Iterator[FakeDocker]:
    """Serve one until the context ends."""
    docker = FakeDocker(socket)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            content = self.rfile.read(length)
            status, found = docker.answer(self.command, self.path, json.loads(content) if content else None)
            answer = b"" if found is None else json.dumps(found).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def do_POST(self) -> None:
            self.do_GET()

        def do_DELETE(self) -> None:
            self.do_GET()

        def address_string(self) -> str:
            return "client"  # a Unix socket has no address

        def log_message(self, format: str, *args: object) -> None:
            pass

    class Server(ThreadingMixIn, UnixStreamServer):
        daemon_threads = True

    with Server(str(socket), Handler) as server:
        thread = Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        try:
            yield docker
        finally:
            server.shutdown()
            thread.join()

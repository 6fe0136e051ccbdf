"""Receivers of alerts on this machine: a web server and a small mail server."""

import json
import socketserver
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread


@dataclass
class Hook:
    """What was posted, and what the next posts are answered with."""

    port: int = 0
    status: int = 200
    posted: list[dict[str, str]] = field(default_factory=list)
    """Of every post, those that were refused too."""
    accepted: list[dict[str, str]] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"json://127.0.0.1:{self.port}/secret-path"

    @property
    def messages(self) -> list[str]:
        """The bodies that were accepted."""
        return [one["message"] for one in self.accepted]


@contextmanager
def web_hook() -> Iterator[Hook]:
    """A web server that takes Apprise's json:// messages."""
    hook = Hook()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            hook.posted.append(body)
            if hook.status < 300:
                hook.accepted.append(body)
            self.send_response(hook.status)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Log nothing."""

    with _serving(ThreadingHTTPServer(("127.0.0.1", 0), Handler)) as hook.port:
        yield hook


@contextmanager
def mail_server(lines: list[str], *, offers: tuple[str, ...] = ()) -> Iterator[int]:
    """The part of SMTP that one mail needs; yields its port. `offers` are its extensions, such as AUTH PLAIN."""

    class Smtp(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            self.wfile.write(b"220 ready\r\n")
            in_data = False
            for raw in self.rfile:
                line = raw.decode().rstrip("\r\n")
                lines.append(line)
                if in_data and line != ".":
                    continue
                in_data = line.upper() == "DATA"
                if line.upper() == "QUIT":
                    self.wfile.write(b"221 bye\r\n")
                    return
                self.wfile.write(_answer(line, in_data=in_data, offers=offers))

    with _serving(socketserver.ThreadingTCPServer(("127.0.0.1", 0), Smtp)) as port:
        yield port


def _answer(line: str, *, in_data: bool, offers: tuple[str, ...]) -> bytes:
    if in_data:
        return b"354 go on\r\n"
    if line.upper().startswith("EHLO"):
        last = len(offers)
        texts = ["localhost", *offers]
        return "".join(f"250{' ' if n == last else '-'}{text}\r\n" for n, text in enumerate(texts)).encode()
    return b"250 ok\r\n"


@contextmanager
def _serving(server: socketserver.TCPServer) -> Iterator[int]:
    thread = Thread(target=server.serve_forever)
    thread.start()
    try:
        yield int(server.server_address[1])
    finally:
        server.shutdown()
        thread.join()
        server.server_close()

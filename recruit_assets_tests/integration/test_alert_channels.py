"""Alerts sent to a real web server and a small mail server on this machine."""

import json
import socketserver
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread

import pytest

from recruit_assets.observability import alerts
from recruit_assets.observability.alerts import Alert, is_configured, send
from recruit_assets.runtime.errors import StoreUnavailable, UserError
from recruit_assets.runtime.settings import load_settings

ALERT = Alert("The report is not being updated", "2 hours wait")


@contextmanager
def serving(server: socketserver.TCPServer) -> Iterator[int]:
    thread = Thread(target=server.serve_forever)
    thread.start()
    try:
        yield int(server.server_address[1])
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def web_server(bodies: list[object], *, statuses: list[int]) -> HTTPServer:
    class Hook(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            bodies.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(statuses.pop(0))
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Log nothing."""

    return HTTPServer(("127.0.0.1", 0), Hook)


def mail_server(lines: list[str]) -> socketserver.TCPServer:
    """The part of SMTP that one mail needs."""

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
                self.wfile.write(b"354 go on\r\n" if in_data else b"250 ok\r\n")

    return socketserver.TCPServer(("127.0.0.1", 0), Smtp)


def test_a_webhook_receives_the_text() -> None:
    bodies: list[object] = []
    with serving(web_server(bodies, statuses=[200])) as port:
        send(ALERT, load_settings(alert_webhook=f"http://127.0.0.1:{port}/hook"))

    assert bodies == [{"text": "The report is not being updated\n2 hours wait"}]


def test_a_failed_post_is_tried_again() -> None:
    bodies: list[object] = []
    with serving(web_server(bodies, statuses=[503, 200])) as port:
        send(ALERT, load_settings(alert_webhook=f"http://127.0.0.1:{port}/hook"))

    assert len(bodies) == 2


def test_the_error_of_a_failing_webhook_hides_its_url() -> None:
    with serving(web_server([], statuses=[500] * alerts.TRIES)) as port:
        settings = load_settings(alert_webhook=f"http://127.0.0.1:{port}/secret-path")
        with pytest.raises(
            StoreUnavailable, match=r"The webhook rejected the alert: .*Check RECRUIT_ALERT_WEBHOOK"
        ) as raised:
            send(ALERT, settings)

    assert "secret-path" not in str(raised.value)


def test_a_mail_has_subject_receivers_and_body() -> None:
    lines: list[str] = []
    with serving(mail_server(lines)) as port:
        send(
            ALERT,
            load_settings(alert_smtp_host="127.0.0.1", alert_smtp_port=port, alert_to="a@example.org, b@example.org"),
        )

    assert {
        "Subject: The report is not being updated",
        "To: a@example.org, b@example.org",
        "2 hours wait",
    } <= set(lines)
    assert [line for line in lines if line.startswith("rcpt")] == ["rcpt TO:<a@example.org>", "rcpt TO:<b@example.org>"]


def test_nothing_is_sent_without_settings() -> None:
    settings = load_settings()

    assert not is_configured(settings)
    send(ALERT, settings)


def test_a_webhook_must_be_an_http_url() -> None:
    with pytest.raises(UserError, match=r"RECRUIT_ALERT_WEBHOOK: .*https://"):
        load_settings(alert_webhook="file:///etc/passwd")

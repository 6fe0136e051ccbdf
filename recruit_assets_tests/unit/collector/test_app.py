"""The collector's answers over a real socket, with a sender that keeps what it is sent."""

import re
import socket
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from threading import Thread

import httpx
import pytest
import uvicorn

from recruit_assets.collector import app
from recruit_assets.collector.app import PIXEL, TRACKER, collector_app
from recruit_assets.runtime.errors import StoreUnavailable
from recruit_assets.runtime.settings import load_settings
from recruit_assets.stores.kafka.confirmed_sender import Done
from recruit_assets_tests.support.waiting import wait_until

SHOP = "https://shop.example.com"


class Kept:
    """Keeps the records and acknowledges them at once, or answers with the error."""

    def __init__(self) -> None:
        self.records: list[bytes] = []
        self.error: StoreUnavailable | None = None

    def send(self, values: Sequence[bytes], done: Done) -> None:
        self.records += values
        done(self.error)


class Collector:
    """A running collector."""

    def __init__(self, sender: Kept, port: int) -> None:
        self.sender = sender
        self.port = port

    def request(self, method: str, path: str, content: bytes = b"", **headers: str) -> httpx.Response:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        url = f"http://127.0.0.1:{self.port}{path}"
        return httpx.request(method, url, content=content, headers=named, trust_env=False)

    def post(self, content: bytes, **headers: str) -> int:
        return self.request("POST", "/collect", content, **headers).status_code


Start = Callable[..., Collector]


@pytest.fixture
def start() -> Iterator[Start]:
    """Starts collectors on free ports, with these settings."""
    with ExitStack() as stack:

        def started(*, probe: Callable[[], object] = lambda: None, **settings: object) -> Collector:
            sender = Kept()
            application = collector_app(load_settings(**settings), sender, probe)
            server = uvicorn.Server(uvicorn.Config(application, port=0, log_level="warning", lifespan="off"))
            thread = Thread(target=server.run)
            thread.start()
            stack.callback(thread.join)
            stack.callback(setattr, server, "should_exit", True)
            wait_until(lambda: server.started, timeout_s=30)
            return Collector(sender, server.servers[0].sockets[0].getsockname()[1])

        yield started


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (b'{"create_time":"x","job_id":7}', "application/json"),
        (b'{"create_time":"x","job_id":7}', "text/plain;charset=UTF-8"),
        (b"create_time=x&job_id=7", "application/x-www-form-urlencoded"),
        (b"not json", "application/json"),
    ],
)
def test_a_beacon_is_stored(start: Start, content: bytes, kind: str) -> None:
    collector = start()

    assert collector.post(content, content_type=kind) == 204
    expected = b'{"create_time":"x","job_id":"7"}' if b"=" in content else content
    assert collector.sender.records == [expected]


def test_a_pixel_is_stored_and_answered_with_an_image_that_is_not_cached(start: Start) -> None:
    collector = start()
    answer = collector.request("GET", "/pixel.gif?create_time=x&job_id=7")

    assert (answer.status_code, answer.content, answer.headers["cache-control"]) == (200, PIXEL, "no-store")
    assert collector.sender.records == [b'{"create_time":"x","job_id":"7"}']
    assert collector.request("HEAD", "/pixel.gif?job_id=7").status_code == 200
    assert len(collector.sender.records) == 1


@pytest.mark.parametrize(
    ("content", "kind", "status", "message"),
    [
        (b"", "application/json", 400, "wanted an event with at least one field, found none"),
        (b"  ", "text/plain", 400, "wanted an event"),
        (b"[]", "application/json", 400, "wanted an event"),
        (b"", "application/x-www-form-urlencoded", 400, "wanted an event"),
        (b"{}", "multipart/form-data", 415, "Content-Type: wanted application/json, .*, found 'multipart/form-data'"),
        (
            b'{"a": "%s"}' % (b"x" * 1_000),
            "application/json",
            413,
            "the event, with its create_time, has more than 1024",
        ),
        (
            b"x" * 2_000,
            "application/json",
            413,
            "the body has more than 1024 bytes, which RECRUIT_MAX_EVENT_BYTES allows",
        ),
    ],
)
def test_what_has_no_event_or_is_too_large_is_refused(
    start: Start, content: bytes, kind: str, status: int, message: str
) -> None:
    collector = start(max_event_bytes=1_024)
    answer = collector.request("POST", "/collect", content, content_type=kind)

    assert answer.status_code == status
    assert re.search(message, answer.text)
    assert collector.sender.records == []


def test_too_many_events_in_a_request_are_refused(start: Start) -> None:
    collector = start()

    assert collector.post(b"[" + b",".join([b"{}"] * 1_001) + b"]") == 413
    assert collector.sender.records == []


def test_pages_of_the_listed_origins_may_send(start: Start) -> None:
    collector = start(collect_origins=f"{SHOP}, https://blog.example.com")

    assert collector.post(b"{}", origin=SHOP) == 204
    assert collector.post(b"{}", origin=f"http://127.0.0.1:{collector.port}") == 204
    assert collector.post(b"{}", origin="https://evil.example.com") == 403
    assert collector.post(b"{}", origin="null") == 403
    answer = collector.request("POST", "/collect", b"{}", origin=SHOP)
    assert answer.headers["access-control-allow-origin"] == SHOP


def test_a_preflight_allows_listed_origins_only(start: Start) -> None:
    collector = start(collect_origins=SHOP)

    def preflight(origin: str) -> httpx.Response:
        return collector.request(
            "OPTIONS", "/collect", origin=origin, access_control_request_method="POST",
            access_control_request_headers="content-type",
        )  # fmt: skip

    assert preflight(SHOP).headers["access-control-allow-origin"] == SHOP
    assert preflight("https://evil.example.com").status_code == 400


def test_any_origin_may_send_if_all_are_allowed(start: Start) -> None:
    assert start(collect_origins="*").post(b"{}", origin="https://any.example.com") == 204


def test_an_address_that_sends_too_much_is_slowed_down(start: Start) -> None:
    collector = start(collect_rate=1)
    statuses = [collector.post(b"{}") for _ in range(8)]

    assert statuses.count(204) in (5, 6)
    answer = collector.request("POST", "/collect", b"{}")
    assert (answer.status_code, answer.headers["retry-after"]) == (429, "5")


def test_if_kafka_fails_the_answer_is_503_and_hides_why(start: Start) -> None:
    collector = start()
    collector.sender.error = StoreUnavailable("Kafka request failed at broker-7.internal")
    answer = collector.request("POST", "/collect", b"{}")

    assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
    assert "broker-7" not in answer.text


def test_health_tells_whether_kafka_answers(start: Start) -> None:
    def fails() -> None:
        raise StoreUnavailable("down")

    assert start().request("GET", "/healthz").status_code == 200
    assert start(probe=fails).request("GET", "/healthz").status_code == 503


def test_a_body_that_does_not_arrive_is_given_up(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(app, "BODY_TIMEOUT_S", 0.2)
    collector = start()
    with socket.create_connection(("127.0.0.1", collector.port), timeout=10) as connection:
        connection.sendall(b"POST /collect HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{")
        started_s = time.monotonic()
        answer = connection.recv(1_000)

    assert answer.startswith(b"HTTP/1.1 408")
    assert time.monotonic() - started_s < 5


def test_the_tracker_is_small_and_served(start: Start) -> None:
    answer = start().request("GET", "/tracker.js")

    assert answer.content == TRACKER.read_bytes()
    assert len(answer.content) < 2_048
    assert answer.headers["content-type"].startswith("text/javascript")


@pytest.mark.parametrize(("method", "path"), [("GET", "/collect"), ("POST", "/pixel.gif"), ("GET", "/other")])
def test_other_paths_and_methods_are_refused(start: Start, method: str, path: str) -> None:
    assert start().request(method, path).status_code in (404, 405)

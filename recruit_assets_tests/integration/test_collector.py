"""`recruit-assets collect` as a process, with real Kafka: what it has answered is stored, and becomes events."""

import json
import signal
import socket
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from kafka import KafkaConsumer, TopicPartition

from recruit_assets.ingest.dead_letters import Selection, list_dead_letters
from recruit_assets.ingest.service import drain
from recruit_assets.local.engines.ports import free_ports
from recruit_assets.runtime.settings import Settings
from recruit_assets.stores.cassandra.session import open_session
from recruit_assets.stores.kafka.connection import connection_options
from recruit_assets_tests.support.command import RECRUIT_ASSETS
from recruit_assets_tests.support.waiting import wait_until


class Running:
    """A collector's process."""

    def __init__(self, process: "subprocess.Popen[bytes]", port: int) -> None:
        self.process = process
        self.port = port
        self.client = httpx.Client(base_url=f"http://127.0.0.1:{port}", trust_env=False, timeout=30)

    def is_healthy(self) -> bool:
        if self.process.poll() is not None:
            raise AssertionError(f"the collector ended with {self.process.returncode}")
        try:
            return self.client.get("/healthz").status_code == 200
        except httpx.TransportError:
            return False

    def is_listening(self) -> bool:
        try:
            socket.create_connection(("127.0.0.1", self.port), timeout=5).close()
        except ConnectionRefusedError:
            return False
        return True

    def post(self, content: bytes, kind: str = "text/plain") -> int:
        return self.client.post("/collect", content=content, headers={"content-type": kind}).status_code


@contextmanager
def running(folder: Path) -> Iterator[Running]:
    """A collector of the test's topic: the fixture exported the settings."""
    (port,) = free_ports(1)
    process = subprocess.Popen([*RECRUIT_ASSETS, "collect", "--port", str(port)], cwd=folder)
    collector = Running(process, port)
    try:
        wait_until(collector.is_healthy, 60, what="the collector's health")
        yield collector
    finally:
        collector.client.close()
        process.kill()
        process.wait(30)


def values_in(settings: Settings) -> list[bytes]:
    """All values in the topic."""
    consumer = KafkaConsumer(**connection_options(settings), auto_offset_reset="earliest")
    partitions = [TopicPartition(settings.kafka_topic, number) for number in range(settings.kafka_partitions)]
    consumer.assign(partitions)
    ends = consumer.end_offsets(partitions)
    values: list[bytes] = []

    def is_read() -> bool:
        values.extend(record.value for records in consumer.poll(timeout_ms=200).values() for record in records)
        return all(consumer.position(partition) >= end for partition, end in ends.items())

    wait_until(is_read, 60, what="reading the topic to its end")
    consumer.close()
    return values


def test_beacons_forms_and_pixels_become_events_and_the_rest_dead_letters(settings: Settings, tmp_path: Path) -> None:
    with running(tmp_path) as collector:
        statuses = [
            collector.post(b'{"custom_track": "click", "job_id": 1}'),
            collector.post(b'[{"custom_track": "click", "job_id": 2}, {"custom_track": "page"}]', "application/json"),
            collector.post(b"custom_track=click&job_id=3&bid=40", "application/x-www-form-urlencoded"),
            collector.client.get(
                "/pixel.gif", params={"custom_track": "click", "job_id": "4", "shop": "é"}
            ).status_code,
            collector.post(b"{"),
            collector.post(b'{"job_id": "seven"}'),
        ]
    result = drain(settings)

    assert statuses == [204, 204, 204, 200, 204, 204]
    assert (result.events, result.dead_letters) == (5, {"not_json": 1, "wrong_type": 1})
    with open_session(settings) as session:
        keyspace = settings.cassandra_keyspace
        rows = session.execute(f"SELECT job_id, custom_track, bid, extra FROM {keyspace}.raw_events")
    assert sorted(rows, key=str) == sorted(
        [(1, "click", None, None), (2, "click", None, None), (None, "page", None, None), (3, "click", 40, None),
         (4, "click", None, '{"shop":"é"}')],
        key=str,
    )  # fmt: skip
    messages = {traced.letter.message.partition(": ")[2] for traced in list_dead_letters(settings, Selection())}
    assert "job_id: wanted a whole number, found a string 'seven'" in messages


def test_what_was_answered_is_stored_although_the_collector_is_killed(settings: Settings, tmp_path: Path) -> None:
    answered: list[int] = []
    with running(tmp_path) as collector, ThreadPoolExecutor(8) as pool:

        def send(first: int) -> None:
            for number in range(first, first + 10_000):
                try:
                    status = collector.post(b'{"job_id": %d}' % number)
                except httpx.TransportError:
                    return
                if status == 204:
                    answered.append(number)

        sending = [pool.submit(send, first * 10_000) for first in range(8)]
        wait_until(lambda: len(answered) > 200, 60, what="200 answers")
        collector.process.kill()
        for one in sending:
            one.result(60)

    stored = {json.loads(value)["job_id"] for value in values_in(settings)}
    assert set(answered) <= stored


def test_on_sigterm_a_request_that_has_begun_is_answered(settings: Settings, tmp_path: Path) -> None:
    with running(tmp_path) as collector, socket.create_connection(("127.0.0.1", collector.port), timeout=30) as begun:
        begun.sendall(b"POST /collect HTTP/1.1\r\nHost: x\r\nContent-Length: 13\r\n\r\n{")
        assert collector.post(b'{"job_id": 1}') == 204  # by then the other one has begun too
        collector.process.send_signal(signal.SIGTERM)
        wait_until(lambda: not collector.is_listening(), 30, what="the collector's end of listening")
        begun.sendall(b'"job_id": 2}')
        answer = begun.recv(1_000)
        collector.process.wait(30)

    assert answer.startswith(b"HTTP/1.1 204")
    assert sorted(json.loads(value)["job_id"] for value in values_in(settings)) == [1, 2]


def test_a_missing_topic_is_an_error_at_start(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RECRUIT_KAFKA_TOPIC", f"{settings.kafka_topic}.missing")
    command = [*RECRUIT_ASSETS, "collect"]
    done = subprocess.run(command, cwd=tmp_path, check=False, capture_output=True, text=True, timeout=60)

    assert done.returncode == 1
    assert "doesn't exist. Run `recruit-assets schema apply`" in " ".join(done.stderr.split())

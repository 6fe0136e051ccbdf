"""How many requests a second `recruit-assets collect` answers, each after Kafka has acknowledged its event.

A process of its own sends over connections that stay open, one request at a time on each, as pages do.
"""

import asyncio
import multiprocessing
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager

import httpx

from benchmarks.engines import BenchmarkEngines
from benchmarks.figure import Figure, Goal, Side
from benchmarks.simulator import require_records
from recruit_assets.local.engines.ports import free_ports
from recruit_assets.runtime.settings import Settings, as_environment
from recruit_assets_tests.support.builders import an_event, as_bytes
from recruit_assets_tests.support.command import RECRUIT_ASSETS
from recruit_assets_tests.support.waiting import wait_until

KEY = "collector_requests_per_s"
REQUESTS = 30_000
WARM_UP_REQUESTS = 5_000
CONNECTIONS = 64
BODY = as_bytes(an_event(create_time=..., ts=..., dl="https://www.example.com/jobs/1", ua="Mozilla/5.0 (X11; Linux)"))
ANSWER = b"HTTP/1.1 204"


def measure(engines: BenchmarkEngines, repeats: int) -> list[Figure]:
    """Requests per second, from the first to the last answer."""
    with engines.fresh_names("collector", collect_rate=0) as settings, _collector(settings) as port:
        _send(port, WARM_UP_REQUESTS)
        rates = tuple(REQUESTS / _send(port, REQUESTS) for _ in range(repeats))
        require_records(settings, WARM_UP_REQUESTS + repeats * REQUESTS)
    ours = Side("collect", "requests/s", rates)
    return [
        Figure(
            key=KEY,
            title="Collector, HTTP request to Kafka acknowledged",
            value=ours.median,
            unit="requests/s",
            goal=Goal(at_least=2_000),
            ours=ours,
            notes=(
                f"{REQUESTS:,} beacons of {len(BODY)} bytes per repeat over {CONNECTIONS} connections; sender and "
                "Kafka run on the same machine",
            ),
        )
    ]


@contextmanager
def _collector(settings: Settings) -> Iterator[int]:
    """A running collector's port."""
    (port,) = free_ports(1)
    process = subprocess.Popen([*RECRUIT_ASSETS, "collect", "--port", str(port)], env=dict(as_environment(settings)))
    try:
        wait_until(lambda: _is_healthy(port), 30, what="the collector's health")
        yield port
    finally:
        process.terminate()
        process.wait(30)


def _is_healthy(port: int) -> bool:
    try:
        return httpx.get(f"http://127.0.0.1:{port}/healthz", trust_env=False).status_code == 200
    except httpx.TransportError:
        return False


def _send(port: int, requests: int) -> float:
    """Seconds until all requests of a sender process were answered with 204."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return float(pool.apply(_timed, (port, requests)))


def _timed(port: int, requests: int) -> float:
    started_s = time.perf_counter()
    asyncio.run(_over_connections(port, requests))
    return time.perf_counter() - started_s


async def _over_connections(port: int, requests: int) -> None:
    shares = [requests // CONNECTIONS + (number < requests % CONNECTIONS) for number in range(CONNECTIONS)]
    await asyncio.gather(*(_over_one(port, share) for share in shares))


async def _over_one(port: int, requests: int) -> None:
    head = (
        f"POST /collect HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: text/plain\r\nContent-Length: {len(BODY)}\r\n\r\n"
    )
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    for _ in range(requests):
        writer.write(head.encode() + BODY)
        answer = await reader.readuntil(b"\r\n\r\n")
        if not answer.startswith(ANSWER):
            raise RuntimeError(f"the collector answered {answer!r}")
    writer.close()
    await writer.wait_closed()

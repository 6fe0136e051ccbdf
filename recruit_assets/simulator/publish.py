"""Sending a simulation somewhere, at a pace, and keeping its ledger.

Belongs here: sinks, pacing, `simulate` (the entry for tests and commands). Not here: what is sent (`events`), Kafka's
client (`stores.event_publisher`).
"""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from io import BufferedWriter
from threading import Event
from typing import Protocol

from recruit_assets.runtime.settings import Settings
from recruit_assets.simulator.events import Chunk, EventStream
from recruit_assets.simulator.jobs import dimension_rows, site_jobs
from recruit_assets.simulator.ledger import Ledger
from recruit_assets.simulator.names import site_names
from recruit_assets.simulator.spec import SimulationSpec
from recruit_assets.simulator.times import milliseconds
from recruit_assets.stores.kafka.event_publisher import open_publisher
from recruit_assets.stores.mysql.connection import open_report_database
from recruit_assets.stores.mysql.dimensions import load_jobs, load_names

MAX_BEHIND_S = 1.0
"""A paced simulation that was held up catches up this much and drops the rest of its delay."""


class Sink(Protocol):
    """Where records go."""

    def send(self, values: Sequence[bytes | None], /) -> None:
        """Take the records, in order; may wait. StoreUnavailable when it can't."""

    def finish(self) -> None:
        """Return when everything taken is safely there. StoreUnavailable otherwise."""


class Clock(Protocol):
    """Time, replaced in tests."""

    def now(self) -> datetime:
        """The present moment, UTC."""

    def monotonic_s(self) -> float:
        """Seconds that never go back."""


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    def monotonic_s(self) -> float:
        return time.monotonic()


class ListSink:
    """Keeps the records in memory."""

    def __init__(self) -> None:
        self.values: list[bytes | None] = []

    def send(self, values: Sequence[bytes | None]) -> None:
        self.values += values

    def finish(self) -> None:
        """Nothing is pending."""


class LinesSink:
    """Writes each record as a line of a binary file. The spec must be `lines_only`."""

    def __init__(self, file: BufferedWriter) -> None:
        self._file = file

    def send(self, values: Sequence[bytes | None]) -> None:
        self._file.writelines(value + b"\n" for value in values if value is not None)

    def finish(self) -> None:
        self._file.flush()


def simulate(
    spec: SimulationSpec,
    sink: Sink,
    *,
    stop: Event | None = None,
    progress: Callable[[int], object] = lambda _: None,
    clock: Clock | None = None,
) -> Ledger:
    """Send the records of a spec and return the ledger of what was sent; everything in it is safely in the sink.

    Ends early, with the ledger of what was sent so far, soon after `stop` is set. `progress` is told the number of
    records of each step. Where the sink fails there is no ledger, since what arrived is unknown.
    """
    stop, clock = stop or Event(), clock or SystemClock()
    spec = spec.resolved(clock.now())
    jobs = site_jobs(spec.jobs)
    stream, ledger = EventStream(spec, jobs), Ledger(spec.seed, jobs)
    chunks = _live_chunks(spec, stream, clock) if spec.live else stream.chunks()
    for chunk in _paced(chunks, spec.rate, stop=stop, clock=clock):
        sink.send(chunk.values)
        ledger.add(chunk)
        progress(len(chunk.values))
    sink.finish()
    return ledger


def simulate_to_kafka(
    settings: Settings,
    spec: SimulationSpec,
    *,
    stop: Event | None = None,
    progress: Callable[[int], object] = lambda _: None,
) -> Ledger:
    """Load the spec's jobs and names into the report database, then send its records to Kafka, each acknowledged.

    What is too early or too large is what the settings say, whatever the spec says, since ingest goes by them.
    """
    spec = replace(spec, first_hour=settings.first_hour, max_event_bytes=settings.max_event_bytes)
    with open_report_database(settings) as database:
        load_jobs(database, dimension_rows(site_jobs(spec.jobs)))
        load_names(database, site_names(spec))
    with open_publisher(settings) as publisher:
        return simulate(spec, publisher, stop=stop, progress=progress)


def _live_chunks(spec: SimulationSpec, stream: EventStream, clock: Clock) -> Iterator[Chunk]:
    """Records that happened between the chunk before and the moment in which they are asked for."""
    sent, previous_ms = 0, milliseconds(clock.now()) - round(1000 * spec.chunk_size / spec.rate)
    while sent < spec.events or spec.events == 0:
        size = min(spec.chunk_size, spec.events - sent) if spec.events else spec.chunk_size
        now_ms = max(milliseconds(clock.now()), previous_ms)  # the machine's clock may be set back
        yield stream.chunk(size, previous_ms, now_ms)
        sent, previous_ms = sent + size, now_ms


def _paced(chunks: Iterator[Chunk], rate: float, *, stop: Event, clock: Clock) -> Iterator[Chunk]:
    """The chunks, not faster than `rate` records a second, until `stop` is set."""
    due_s = clock.monotonic_s()
    for chunk in chunks:
        yield chunk
        if rate:
            now_s = clock.monotonic_s()
            due_s = max(due_s + len(chunk.values) / rate, now_s - MAX_BEHIND_S)
            stop.wait(max(0.0, due_s - now_s))
        if stop.is_set():
            return

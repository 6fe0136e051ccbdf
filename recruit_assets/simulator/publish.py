"""Runs a simulation: sends its records to a sink at a given rate, and keeps the ledger."""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from io import BufferedWriter
from threading import Event
from typing import Protocol

from recruit_assets.runtime.settings import Settings
from recruit_assets.simulator.budgets import site_budgets
from recruit_assets.simulator.events import Chunk, EventStream
from recruit_assets.simulator.expected import ExpectedTable, expected_tables, rules_of
from recruit_assets.simulator.job_rules import OWN_JOB, JobRules
from recruit_assets.simulator.jobs import dimension_rows, site_jobs
from recruit_assets.simulator.ledger import Ledger
from recruit_assets.simulator.names import site_names
from recruit_assets.simulator.spec import SimulationSpec
from recruit_assets.simulator.times import milliseconds
from recruit_assets.simulator.unusual_clicks import end_dates
from recruit_assets.stores.kafka.event_publisher import open_publisher
from recruit_assets.stores.mysql.budgets import load_budgets
from recruit_assets.stores.mysql.connection import open_report_database
from recruit_assets.stores.mysql.dimensions import load_jobs, load_names

Progress = Callable[[int, int], object]
"""Called with the number of records sent and their total, 0 if there is no limit."""

MAX_BEHIND_S = 1.0
"""A simulation with a rate catches up this much after a delay; it drops the rest of the delay."""


class Sink(Protocol):
    """Where records go."""

    def send(self, values: Sequence[bytes | None], /) -> None:
        """Send the records in order; may block. StoreUnavailable if that fails."""

    def finish(self) -> None:
        """Wait until everything sent is durable; StoreUnavailable if that fails."""


class Clock(Protocol):
    """The time; tests replace it."""

    def now(self) -> datetime:
        """The current time in UTC."""

    def monotonic_s(self) -> float:
        """Seconds of a clock that never goes back."""


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
        """Nothing to do."""


class LinesSink:
    """Writes each record as a line of a binary file; the spec must be `lines_only`."""

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
    progress: Progress = lambda _sent, _total: None,
    clock: Clock | None = None,
    rules: JobRules = OWN_JOB,
    downstream: Sequence[ExpectedTable] = (),
) -> Ledger:
    """Send the records of a spec and return their ledger; everything in it is durable in the sink.

    The ledger finds the job of each event by the rules, and also has the rows of the `downstream` tables.

    After `stop` is set it soon returns the ledger of what was sent until then. If the sink fails there is no ledger,
    because it is unknown which records arrived.
    """
    stop, clock = stop or Event(), clock or SystemClock()
    sent = 0
    spec = spec.resolved(clock.now())
    jobs = site_jobs(spec.jobs)
    stream, ledger = EventStream(spec, jobs), Ledger(spec.seed, jobs, rules, downstream)
    chunks = _live_chunks(spec, stream, clock) if spec.live else stream.chunks()
    for chunk in _paced(chunks, spec.rate, stop=stop, clock=clock):
        sink.send(chunk.values)
        ledger.add(chunk)
        sent += len(chunk.values)
        progress(sent, spec.events)
    sink.finish()
    return ledger


def simulate_to_kafka(
    settings: Settings,
    spec: SimulationSpec,
    *,
    stop: Event | None = None,
    progress: Progress = lambda _sent, _total: None,
) -> Ledger:
    """Load the spec's jobs, names and budgets into the report database, then send its records, all acknowledged.

    First hour, maximum event size and the rules of the ledger are those of the settings, whatever the spec says,
    because ingest and runs use them.
    """
    spec = replace(spec, first_hour=settings.first_hour, max_event_bytes=settings.max_event_bytes)
    now, jobs = datetime.now(UTC), site_jobs(spec.jobs)
    ends = end_dates(spec, jobs, now=now)
    with open_report_database(settings) as database:
        load_jobs(database, dimension_rows(jobs, ends))
        load_names(database, site_names(spec))
        load_budgets(database, site_budgets(spec, now))
    with open_publisher(settings) as publisher:
        return simulate(
            spec,
            publisher,
            stop=stop,
            progress=progress,
            rules=rules_of(settings),
            downstream=expected_tables(settings, ends),
        )


def _live_chunks(spec: SimulationSpec, stream: EventStream, clock: Clock) -> Iterator[Chunk]:
    """Chunks of records; each spans the time from the previous chunk to now."""
    sent, previous_ms = 0, milliseconds(clock.now()) - round(1000 * spec.chunk_size / spec.rate)
    while sent < spec.events or spec.events == 0:
        size = min(spec.chunk_size, spec.events - sent) if spec.events else spec.chunk_size
        now_ms = max(milliseconds(clock.now()), previous_ms)  # the clock may be set back
        yield stream.chunk(size, previous_ms, now_ms)
        sent, previous_ms = sent + size, now_ms


def _paced(chunks: Iterator[Chunk], rate: float, *, stop: Event, clock: Clock) -> Iterator[Chunk]:
    """The chunks, at most `rate` records per second, until `stop` is set."""
    due_s = clock.monotonic_s()
    for chunk in chunks:
        yield chunk
        if rate:
            now_s = clock.monotonic_s()
            due_s = max(due_s + len(chunk.values) / rate, now_s - MAX_BEHIND_S)
            stop.wait(max(0.0, due_s - now_s))
        if stop.is_set():
            return

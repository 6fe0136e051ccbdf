"""Our side of the ingest benchmarks, and what all sides share: the topic, the emptied tables, the rows to compare.

A side's rate is that of its whole command, minus the time that the same command takes for very few rows: the start of
an interpreter or a JVM isn't compared. Each peer has a module of its own.
"""

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from uuid import uuid4

from benchmarks.command import run_command
from benchmarks.engines import BenchmarkEngines
from benchmarks.processors import describe_usage, processors_in_use
from benchmarks.table_digest import Digest, digest
from recruit_assets.contract.tables import BUCKET_VERSIONS, EVENT_CHANGES, RAW_EVENTS
from recruit_assets.runtime.settings import Settings, load_settings
from recruit_assets.simulator.publish import simulate_to_kafka
from recruit_assets.simulator.spec import SimulationSpec
from recruit_assets.stores.cassandra.bucket_layouts import store_first_layout
from recruit_assets.stores.cassandra.session import open_session

FEW = 1_000
END = datetime(2026, 1, 6, tzinfo=UTC)
SHARED_COLUMNS = tuple(name for name in RAW_EVENTS.column_names if name != "extra")
"""Typical consumers drop unknown fields."""
PROCESSES = len(os.sched_getaffinity(0))
"""RECRUIT_INGEST_PROCESSES: as many as the peers have threads."""
OURS = f"recruit-assets ingest, {PROCESSES} processes"

Send = Callable[[Settings, int], object]
"""Sends this many valid events without duplicates: peers have no dead letters, and overwrite duplicates."""


@dataclass(frozen=True, slots=True)
class Rows:
    """A topic with many events, and one with few events, whose time is that of the start."""

    engines: BenchmarkEngines
    many: Settings
    few: Settings
    events: int
    processors: dict[str, str] = field(default_factory=dict)
    """By side: which processes used the processors in its last repeat."""

    def seconds(self, side: str, work: Callable[[], object]) -> float:
        """Seconds of a side's command over the many rows."""
        with processors_in_use(self.engines, others=side) as used:
            seconds = seconds_of(work)
        self.processors[side] = describe_usage(used)
        return seconds

    @property
    def notes(self) -> tuple[str, ...]:
        return tuple(f"{side}: {used}" for side, used in self.processors.items())

    def rate(self, whole_s: float, start_s: float) -> float:
        """Events per second without the start."""
        return (self.events - FEW) / (whole_s - start_s)


@contextmanager
def rows_in_kafka(engines: BenchmarkEngines, events: int, send: Send | None = None) -> Iterator[Rows]:
    """Topics of a day's events, or of those that `send` sends."""
    send = send or partial(_send_day, of=events)
    processes = {"ingest_processes": PROCESSES}
    with engines.fresh_names("rows", **processes) as many, engines.fresh_names("few", **processes) as few:
        for settings, size in ((many, events), (few, FEW)):
            send(settings, size)
        ingest(many)  # warm-up: a Cassandra that has just started spends most CPU time on compiling
        yield Rows(engines, many, few, events)


def use_first_layout(settings: Settings) -> None:
    """Store the bucket layout that the peers write for; ingest would choose a smaller one for a sparse history."""
    with open_session(settings) as session:
        store_first_layout(session, one_bucket_before_ms=None)


def _send_day(settings: Settings, events: int, *, of: int) -> None:
    """Send events as trackers do, in every spelling, as dense in time as `of` events in a day."""
    start = END - timedelta(hours=24) * events / of
    simulate_to_kafka(
        settings, SimulationSpec(events=events, seed=1, start=start, end=END, duplicate_share=0, malformed_share=0)
    )
    use_first_layout(settings)


def ours(rows: Rows, checked: Callable[[Settings], None]) -> float:
    """Events per second of our command, as a user runs it."""
    start_s = seconds_of(lambda: ingest(rows.few))
    empty(rows.many)
    whole_s = rows.seconds(OURS, lambda: ingest(rows.many))
    checked(rows.many)
    return rows.rate(whole_s, start_s)


def ingest(settings: Settings) -> None:
    """Run `recruit-assets ingest --until-caught-up` with a new consumer group."""
    fresh = load_settings(**settings.model_dump() | {"kafka_group": f"bench_{uuid4().hex[:8]}"})
    run_command(fresh, "ingest", "--until-caught-up")


def empty(settings: Settings) -> None:
    """Empty the tables that ingest writes."""
    with open_session(settings) as session:
        for table in (RAW_EVENTS, BUCKET_VERSIONS, EVENT_CHANGES):
            session.execute(f"TRUNCATE {session.table(table)}")


def seconds_of(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


class SameRows:
    """Called after each side wrote: all must have written the same rows, one per event."""

    def __init__(self, events: int, columns: tuple[str, ...] = SHARED_COLUMNS) -> None:
        self._events = events
        self._columns = columns
        self._first: Digest | None = None

    def __call__(self, settings: Settings) -> None:
        """RuntimeError unless the table has the same rows as after the first side."""
        found = digest(settings, RAW_EVENTS, self._columns)
        if found.rows != self._events:
            raise RuntimeError(f"{found.rows} rows were written, not {self._events}: the time doesn't count")
        if self._first is not None and found != self._first:
            raise RuntimeError("the sides wrote different rows: the times don't count")
        self._first = found

"""Our side of the ingest benchmarks, and what all sides share: the topic, the emptied tables, the rows to compare.

A side's rate is rows over the time that its whole command takes, less what the same command takes for hardly any rows:
starting an interpreter or a JVM isn't what is compared. Not here: the peers, one module each.
"""

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from uuid import uuid4

from benchmarks.arena import Arena
from benchmarks.command import run_command
from benchmarks.processors import busy, told
from benchmarks.table_digest import Digest, digest
from recruit_assets.contract.tables import BUCKET_VERSIONS, EVENT_CHANGES, RAW_EVENTS
from recruit_assets.runtime.settings import Settings, load_settings
from recruit_assets.simulator.publish import simulate_to_kafka
from recruit_assets.simulator.spec import SimulationSpec
from recruit_assets.stores.cassandra.session import open_session

FEW = 1_000
END = datetime(2026, 1, 6, tzinfo=UTC)
SHARED_COLUMNS = tuple(name for name in RAW_EVENTS.column_names if name != "extra")
"""Consumers as people write them drop the fields that they don't know."""
PROCESSES = len(os.sched_getaffinity(0))
"""RECRUIT_INGEST_PROCESSES: as many as the peers have threads."""
OURS = f"recruit-assets ingest, {PROCESSES} processes"


@dataclass(frozen=True, slots=True)
class Rows:
    """A topic with that many events, and a tiny one that tells what starting costs; both use the same tables."""

    arena: Arena
    many: Settings
    few: Settings
    events: int
    processors: dict[str, str] = field(default_factory=dict)
    """By side, who kept them busy in its last repeat."""

    def seconds(self, side: str, work: Callable[[], object]) -> float:
        """Of a side's command over the many rows."""
        with busy(self.arena, others=side) as used:
            seconds = seconds_of(work)
        self.processors[side] = told(used)
        return seconds

    @property
    def notes(self) -> tuple[str, ...]:
        return tuple(f"{side}: {used}" for side, used in self.processors.items())

    def rate(self, whole_s: float, start_s: float) -> float:
        """Events a second without the start."""
        return (self.events - FEW) / (whole_s - start_s)


@contextmanager
def rows_in_kafka(arena: Arena, events: int) -> Iterator[Rows]:
    """Topics of a day's valid events, each once: peers have no dead letters, and a duplicate's time is its own."""
    processes = {"ingest_processes": PROCESSES}
    with arena.names("rows", **processes) as many, arena.names("few", **processes) as few:
        for settings, size in ((many, events), (few, FEW)):
            simulate_to_kafka(settings, plain_events(size, of=events))
        ingest(many)  # a Cassandra that was just started spends more on compiling itself than on rows
        yield Rows(arena, many, few, events)


def plain_events(size: int, *, of: int) -> SimulationSpec:
    """Events as trackers send them, in every spelling; none is refused. As dense in time as `of` events in a day."""
    start = END - timedelta(hours=24) * size / of
    return SimulationSpec(events=size, seed=1, start=start, end=END, duplicate_share=0, malformed_share=0)


def ours(rows: Rows, checked: Callable[[Settings], None]) -> float:
    """Events a second of our command, as a user types it."""
    start_s = seconds_of(lambda: ingest(rows.few))
    empty(rows.many)
    whole_s = rows.seconds(OURS, lambda: ingest(rows.many))
    checked(rows.many)
    return rows.rate(whole_s, start_s)


def ingest(settings: Settings) -> None:
    """`recruit-assets ingest --until-caught-up`, with a group that has read nothing yet."""
    fresh = load_settings(**settings.model_dump() | {"kafka_group": f"bench_{uuid4().hex[:8]}"})
    run_command(fresh, "ingest", "--until-caught-up")


def empty(settings: Settings) -> None:
    """The tables as they were before anything was ingested."""
    with open_session(settings) as session:
        for table in (RAW_EVENTS, BUCKET_VERSIONS, EVENT_CHANGES):
            session.execute(f"TRUNCATE {session.table(table)}")


def seconds_of(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


class SameRows:
    """Called after each side wrote: all must have written the same rows, and as many as there are events."""

    def __init__(self, events: int, columns: tuple[str, ...] = SHARED_COLUMNS) -> None:
        self._events = events
        self._columns = columns
        self._first: Digest | None = None

    def __call__(self, settings: Settings) -> None:
        """RuntimeError unless the table is as the first side left it."""
        found = digest(settings, RAW_EVENTS, self._columns)
        if found.rows != self._events:
            raise RuntimeError(f"{found.rows} rows were written, not {self._events}: the time doesn't count")
        if self._first is not None and found != self._first:
            raise RuntimeError("the sides wrote different rows: the times don't count")
        self._first = found

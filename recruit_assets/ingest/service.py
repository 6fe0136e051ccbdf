"""When ingest runs and when it ends: the service until it is told to stop, a drain until given offsets are committed.

Belongs here: waiting for another service, joining the group, ending, giving up when nothing moves. Not here: the loop's
steps (`ingest.worker`), several processes and their signals (`ingest.processes`).
"""

import logging
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Protocol

from recruit_assets.ingest.metrics import IngestMetrics
from recruit_assets.ingest.offsets import Offsets, missing
from recruit_assets.ingest.result import IngestResult, Tally
from recruit_assets.ingest.steps import OnStep, no_step
from recruit_assets.ingest.worker import open_worker
from recruit_assets.runtime.errors import StoreUnavailable
from recruit_assets.runtime.settings import Settings
from recruit_assets.stores.cassandra.event_writes import EventWrites
from recruit_assets.stores.kafka.clients import Admin, open_admin, open_consumer
from recruit_assets.stores.kafka.offsets import beginning_offsets, committed_offsets, end_offsets, group_members

log = logging.getLogger(__name__)

ASK_EVERY_S = 0.5
STANDSTILL_S = 10.0
"""A running service that commits nothing for so long isn't waited for any longer."""
STUCK_S = 120.0

Progress = Callable[[int, int], None]
"""Told how many offsets of how many are committed."""


class Run(Protocol):
    """Ingest in this process (`serve`) or in several (`processes.serve_processes`)."""

    def __call__(
        self,
        settings: Settings,
        *,
        should_stop: Callable[[], bool],
        targets: Mapping[int, int] | None = None,
        progress: Progress | None = None,
    ) -> IngestResult: ...


@dataclass(frozen=True, slots=True)
class Backlog:
    """The records of the topic that the ingest group hasn't committed. None is read before `drain_to`."""

    settings: Settings

    def drain_to(self, writes: EventWrites) -> IngestResult:
        """Write every event that the topic holds now; offsets move after an event or its dead letter is durable."""
        return drain(self.settings, run=partial(serve, writes=writes))


def serve(
    settings: Settings,
    *,
    should_stop: Callable[[], bool],
    targets: Mapping[int, int] | None = None,
    writes: EventWrites | None = None,
    process: int = 0,
    on_step: OnStep = no_step,
    progress: Progress | None = None,
) -> IngestResult:
    """Ingest as one member of the group until told to stop or, with targets, until the group has committed these.

    StoreUnavailable when a store doesn't answer for minutes, or when nothing moves towards the targets.
    """
    started_at = time.monotonic()
    metrics = IngestMetrics()
    metrics.serve(settings.metrics_address, process=process)
    with (
        _watch(settings, targets, progress=progress) as are_reached,
        open_worker(settings, metrics=metrics, drains=targets is not None, writes=writes, on_step=on_step) as worker,
    ):
        while not should_stop() and not are_reached():
            worker.turn()
        worker.finish()
    return worker.tally.result(offsets=_committed(settings), seconds=time.monotonic() - started_at)


def drain(
    settings: Settings,
    *,
    should_stop: Callable[[], bool] = lambda: False,
    standstill_s: float = STANDSTILL_S,
    run: Run | None = None,
    progress: Progress | None = None,
) -> IngestResult:
    """Return when everything that the topic held at the start is durable in Cassandra, or a dead letter.

    Where a running service does that, its progress is waited for; the group is joined only where nobody is in it or
    nothing moved for `standstill_s`. The counts are of this process: all 0 where the service did the work.
    """
    started_at = time.monotonic()
    targets = topic_ends(settings)
    if _others_reach(settings, targets, standstill_s=standstill_s, should_stop=should_stop, progress=progress):
        return Tally().result(offsets=_committed(settings), seconds=time.monotonic() - started_at)
    return (run or serve)(settings, should_stop=should_stop, targets=targets, progress=progress)


def topic_ends(settings: Settings) -> Offsets:
    """Per partition with readable records, the offset after the last one."""
    consumer = open_consumer(settings, group=None)
    try:
        firsts = beginning_offsets(consumer, settings.kafka_topic)
        ends = end_offsets(consumer, settings.kafka_topic)
    finally:
        consumer.close(autocommit=False)
    return {partition: end for partition, end in ends.items() if end > firsts[partition]}


def _committed(settings: Settings) -> Offsets:
    with open_admin(settings) as admin:
        return committed_offsets(admin, settings)


class _Watch:
    """Asks the group how far it is, at most every half second, and notices when it doesn't get further."""

    def __init__(
        self, admin: Admin, settings: Settings, targets: Mapping[int, int], *, progress: Progress | None
    ) -> None:
        self._admin = admin
        self._settings = settings
        self._targets = targets
        self._progress = progress
        self._asked_at = float("-inf")
        self._moved_at = time.monotonic()
        self._first: int | None = None
        self._left: Offsets = dict(targets)

    @property
    def still_for_s(self) -> float:
        return time.monotonic() - self._moved_at

    @property
    def left(self) -> Offsets:
        return self._left

    def is_reached(self) -> bool:
        if not self._left:
            return True
        now = time.monotonic()
        if now - self._asked_at < ASK_EVERY_S:
            return False
        self._asked_at = now
        left = missing(self._targets, committed_offsets(self._admin, self._settings))
        if left != self._left:
            self._moved_at = now
        self._left = left
        self._tell(sum(left.values()))
        return not left

    def _tell(self, left: int) -> None:
        self._first = left if self._first is None else self._first
        if self._progress is not None:
            self._progress(self._first - left, self._first)


@contextmanager
def _watch(
    settings: Settings, targets: Mapping[int, int] | None, *, progress: Progress | None
) -> Iterator[Callable[[], bool]]:
    """Whether the targets are reached; without targets, never. StoreUnavailable when the group is stuck."""
    if targets is None:
        yield lambda: False
        return
    with open_admin(settings) as admin:
        watch = _Watch(admin, settings, targets, progress=progress)

        def reached() -> bool:
            if watch.is_reached():
                return True
            if watch.still_for_s > STUCK_S:
                raise StoreUnavailable(
                    f"Kafka group {settings.kafka_group} committed nothing of topic {settings.kafka_topic} for "
                    f"{STUCK_S:.0f} s; offsets still missing per partition: {watch.left}. Look for a member that "
                    "hangs, and restart it"
                )
            return False

        yield reached


def _others_reach(
    settings: Settings,
    targets: Mapping[int, int],
    *,
    standstill_s: float,
    should_stop: Callable[[], bool],
    progress: Progress | None,
) -> bool:
    """Wait while a running service makes progress towards the targets; whether they were reached so."""
    with open_admin(settings) as admin:
        watch = _Watch(admin, settings, targets, progress=progress)
        while not watch.is_reached():
            if should_stop() or watch.still_for_s > standstill_s or not group_members(admin, settings):
                return False
            time.sleep(ASK_EVERY_S)
    return True

"""How long ingest runs: as a service until it is stopped, or as a drain until given offsets are committed.

The loop itself is `ingest.worker`; several processes are `ingest.processes`.
"""

import logging
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Protocol

from recruit_assets.ingest.metrics import IngestMetrics
from recruit_assets.ingest.offsets import Offsets, remaining
from recruit_assets.ingest.result import IngestCounts, IngestResult
from recruit_assets.ingest.worker import Connect, connect, open_worker
from recruit_assets.runtime.errors import StoreUnavailable
from recruit_assets.runtime.settings import Settings
from recruit_assets.stores.kafka.clients import Admin, open_admin
from recruit_assets.stores.kafka.offsets import committed_offsets, group_members, partition_spans
from recruit_assets.stores.kafka.transactions import open_transactions

log = logging.getLogger(__name__)

POLL_OFFSETS_EVERY_S = 0.5
STANDSTILL_S = 10.0
"""A drain stops waiting for a running service that commits nothing for this long."""
STUCK_S = 120.0

Progress = Callable[[int, int], None]
"""Called with the number of committed offsets and their total."""


class Run(Protocol):
    """Ingest in this process (`serve`) or in several (`ingest.processes.serve_processes`)."""

    def __call__(
        self,
        settings: Settings,
        *,
        should_stop: Callable[[], bool],
        targets: Mapping[int, int] | None = None,
        progress: Progress | None = None,
    ) -> IngestResult: ...


def serve(
    settings: Settings,
    *,
    should_stop: Callable[[], bool],
    targets: Mapping[int, int] | None = None,
    process: int = 0,
    progress: Progress | None = None,
    connect: Connect = connect,
) -> IngestResult:
    """Ingest as one member of the group until stopped or, given targets, until the group has committed them.

    StoreUnavailable if a store doesn't answer for minutes, or if the group makes no progress towards the targets.
    """
    started_at = time.monotonic()
    metrics = IngestMetrics()
    metrics.serve(settings.metrics_address, process=process)
    with (
        _watch(settings, targets, progress=progress) as are_reached,
        open_worker(settings, metrics=metrics, drains=targets is not None, connect=connect) as worker,
    ):
        while not should_stop() and not are_reached():
            worker.run_once()
        worker.finish()
    return worker.counts.result(offsets=_committed(settings), seconds=time.monotonic() - started_at)


def drain(
    settings: Settings,
    *,
    should_stop: Callable[[], bool] = lambda: False,
    standstill_s: float = STANDSTILL_S,
    run: Run | None = None,
    progress: Progress | None = None,
) -> IngestResult:
    """Return when everything that was in the topic at the start is durable in Cassandra, or a dead letter.

    While a running service makes progress, the drain only waits. It joins the group if the group is empty, or if it
    commits nothing for `standstill_s`. The counts are those of this process: 0 if a service did all the work.
    """
    started_at = time.monotonic()
    targets = topic_ends(settings)
    if _others_reach(settings, targets, standstill_s=standstill_s, should_stop=should_stop, progress=progress):
        return IngestCounts().result(offsets=_committed(settings), seconds=time.monotonic() - started_at)
    return (run or serve)(settings, should_stop=should_stop, targets=targets, progress=progress)


def topic_ends(settings: Settings) -> Offsets:
    """Per partition with records, the offset after the last one, also if an open transaction hides it still."""
    with open_admin(settings) as admin:
        return {span.partition: span.end for span in partition_spans(admin, settings) if span.end > span.first}


def _committed(settings: Settings) -> Offsets:
    with open_admin(settings) as admin:
        return committed_offsets(admin, settings)


class _Watch:
    """Reads the group's offsets, at most every half second, and measures how long they haven't moved."""

    def __init__(
        self, admin: Admin, settings: Settings, targets: Mapping[int, int], *, progress: Progress | None
    ) -> None:
        self._admin = admin
        self._settings = settings
        self._targets = targets
        self._progress = progress
        self._read_at = float("-inf")
        self._moved_at = time.monotonic()
        self._total: int | None = None
        self._left: Offsets = dict(targets)

    @property
    def unchanged_for_s(self) -> float:
        return time.monotonic() - self._moved_at

    @property
    def left(self) -> Offsets:
        return self._left

    def is_reached(self) -> bool:
        if not self._left:
            return True
        now = time.monotonic()
        if now - self._read_at < POLL_OFFSETS_EVERY_S:
            return False
        self._read_at = now
        left = remaining(self._targets, partition_spans(self._admin, self._settings))
        if left != self._left:
            self._moved_at = now
        self._left = left
        self._notify(sum(left.values()))
        return not left

    def _notify(self, left: int) -> None:
        self._total = left if self._total is None else self._total
        if self._progress is not None:
            self._progress(self._total - left, self._total)


@contextmanager
def _watch(
    settings: Settings, targets: Mapping[int, int] | None, *, progress: Progress | None
) -> Iterator[Callable[[], bool]]:
    """Yields a check whether the targets are reached (never without targets); StoreUnavailable if stuck."""
    if targets is None:
        yield lambda: False
        return
    with open_admin(settings) as admin:
        watch = _Watch(admin, settings, targets, progress=progress)

        def is_reached() -> bool:
            if watch.is_reached():
                return True
            if watch.unchanged_for_s > STUCK_S:
                raise StoreUnavailable(_stuck(admin, settings, watch.left))
            return False

        yield is_reached


def _stuck(admin: Admin, settings: Settings, left: Offsets) -> str:
    """Why nothing is committed any more: a transaction that nobody ends, or a member that hangs."""
    standing = (
        f"Kafka group {settings.kafka_group} has committed nothing of topic {settings.kafka_topic} for {STUCK_S:.0f} "
        f"s; offsets still to commit per partition: {left}. "
    )
    blocking = [str(one) for one in open_transactions(admin, settings) if one.partition in left]
    if not blocking:
        return standing + "Find the member that hangs and restart it"
    return standing + "; ".join(blocking) + ". End the producer, or abort its transaction with kafka-transactions.sh"


def _others_reach(
    settings: Settings,
    targets: Mapping[int, int],
    *,
    standstill_s: float,
    should_stop: Callable[[], bool],
    progress: Progress | None,
) -> bool:
    """Wait while a running service makes progress; True if it reached the targets."""
    with open_admin(settings) as admin:
        watch = _Watch(admin, settings, targets, progress=progress)
        while not watch.is_reached():
            if should_stop() or watch.unchanged_for_s > standstill_s or not group_members(admin, settings):
                return False
            time.sleep(POLL_OFFSETS_EVERY_S)
    return True

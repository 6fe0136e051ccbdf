"""Several consumer processes under one: started, restarted with backoff, stopped together.

Belongs here: processes, their signals and exit codes. Not here: what each of them does (`ingest.service`).
"""

import logging
import multiprocessing
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnProcess

from recruit_assets.ingest.result import IngestResult, total
from recruit_assets.ingest.service import Progress, serve
from recruit_assets.runtime.errors import Inconsistent, RecruitError, StoreUnavailable
from recruit_assets.runtime.logs import configure_logs
from recruit_assets.runtime.settings import Settings
from recruit_assets.runtime.signals import stop_on_signals

log = logging.getLogger(__name__)

CHECK_EVERY_S = 0.5
STOP_TIMEOUT_S = 60.0
BACKOFF_MAX_S = 30.0
RESTARTS = 5
RESTARTS_WITHIN_S = 600.0
"""More than RESTARTS of one process in this time, and the whole service fails."""

EXIT_UNAVAILABLE = 75
"""The process may be started again; every other exit code means that a restart can't help."""

_spawn = multiprocessing.get_context("spawn")


def serve_processes(
    settings: Settings,
    *,
    should_stop: Callable[[], bool],
    targets: Mapping[int, int] | None = None,
    progress: Progress | None = None,
) -> IngestResult:
    """`serve` in RECRUIT_INGEST_PROCESSES processes; the counts of those that ended cleanly, together.

    A process that dies or that can't reach a store is started again, with backoff; StoreUnavailable when that doesn't
    help, Inconsistent when one ends with another error (it has logged which).
    """
    started_at = time.monotonic()
    children = [_Child(settings, number, targets) for number in range(settings.ingest_processes)]
    try:
        for child in children:
            child.start()
        while not should_stop() and not all(child.is_done for child in children):
            for child in children:
                child.check()
            time.sleep(CHECK_EVERY_S)
    finally:
        _stop(children)
    results = [child.result for child in children if child.result is not None]
    if progress is not None and targets is not None and len(results) == len(children):
        progress(1, 1)
    offsets: dict[int, int] = {}
    for result in results:
        offsets |= {p: offset for p, offset in result.offsets.items() if offset > offsets.get(p, -1)}
    return total(results).result(offsets=offsets, seconds=time.monotonic() - started_at)


@dataclass(slots=True)
class _Child:
    """One consumer process and its history."""

    settings: Settings
    number: int
    targets: Mapping[int, int] | None
    process: SpawnProcess | None = None
    results: Connection | None = None
    result: IngestResult | None = None
    deaths: deque[float] = field(default_factory=deque)
    start_at: float = 0.0

    def start(self) -> None:
        self.results, theirs = _spawn.Pipe(duplex=False)
        self.process = _spawn.Process(
            target=_run, args=(self.settings, self.number, self.targets, theirs), name=f"ingest-{self.number}"
        )
        self.process.start()
        theirs.close()

    @property
    def is_done(self) -> bool:
        return self.result is not None

    def check(self) -> None:
        """Note a clean end; after another one start again when it is time to."""
        if self.is_done:
            return
        if self.process is None:
            if time.monotonic() >= self.start_at:
                self.start()
        elif not self.process.is_alive():
            self._ended(self.process.exitcode)

    def collect(self) -> None:
        """Take the result of a process that was told to end."""
        if self.result is None and self.results is not None and self.results.poll():
            try:
                self.result = self.results.recv()
            except EOFError:
                self.result = None  # it died before it had one

    def _ended(self, code: int | None) -> None:
        self.collect()
        self.process = None
        if code == 0 and self.result is not None:
            return
        if code is not None and code > 0 and code != EXIT_UNAVAILABLE:
            raise Inconsistent(f"ingest process {self.number} ended with exit code {code}; its log says why")
        now = time.monotonic()
        self.deaths.append(now)
        while now - self.deaths[0] > RESTARTS_WITHIN_S:
            self.deaths.popleft()
        if len(self.deaths) > RESTARTS:
            raise StoreUnavailable(
                f"ingest process {self.number} ended {len(self.deaths)} times within {RESTARTS_WITHIN_S:.0f} s, last "
                f"with exit code {code}; its log says why"
            )
        delay = min(2.0 ** (len(self.deaths) - 1), BACKOFF_MAX_S)
        log.warning("ingest process %s ended with exit code %s; starting it again in %s s", self.number, code, delay)
        self.start_at = now + delay


def _stop(children: list[_Child]) -> None:
    """SIGTERM to all, then wait for their clean stops."""
    unfinished = [(child, child.process) for child in children if child.process is not None]
    for _, process in unfinished:
        process.terminate()
    deadline = time.monotonic() + STOP_TIMEOUT_S
    for child, process in unfinished:
        process.join(max(deadline - time.monotonic(), 0))
        if process.is_alive():
            log.error("ingest process %s didn't stop within %s s; killed", child.number, STOP_TIMEOUT_S)
            process.kill()
            process.join()
        child.collect()


def _run(settings: Settings, number: int, targets: Mapping[int, int] | None, results: Connection) -> None:
    """A child's main."""
    configure_logs(f"ingest-{number}")
    stop = stop_on_signals()
    threading.Thread(target=_stop_with_parent, args=(stop,), daemon=True).start()
    try:
        results.send(serve(settings, should_stop=stop.is_set, targets=targets, process=number))
    except StoreUnavailable as error:
        log.error("%s", error)  # noqa: TRY400  # an outage isn't a defect: no traceback
        raise SystemExit(EXIT_UNAVAILABLE) from None
    except RecruitError as error:
        log.error("%s", error)  # noqa: TRY400
        raise SystemExit(1) from None


def _stop_with_parent(stop: threading.Event) -> None:
    """Nobody would stop a child whose parent was killed."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        stop.set()

"""Ingest in several consumer processes: started, restarted with backoff, stopped together."""

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
from recruit_assets.ingest.service import Progress, Run, serve
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
"""The whole service fails if one process needs more than RESTARTS in this time."""

EXIT_UNAVAILABLE = 75
"""A store was down, so a restart may help. It can't for any other positive exit code."""

_spawn = multiprocessing.get_context("spawn")


def service_of(settings: Settings) -> Run:
    """Ingest in as many processes as the settings say; a single one is this process."""
    return serve_processes if settings.ingest_processes > 1 else serve


def serve_processes(
    settings: Settings,
    *,
    should_stop: Callable[[], bool],
    targets: Mapping[int, int] | None = None,
    progress: Progress | None = None,
) -> IngestResult:
    """Run `serve` in RECRUIT_INGEST_PROCESSES processes; returns the total of those that ended cleanly.

    A process that is killed or can't reach a store is restarted with backoff. StoreUnavailable if that happens too
    often, Inconsistent if a process fails with another error, which it has logged.
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
    """One consumer process, across its restarts."""

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
        """Collect the result of a clean end; restart the process after any other, once the backoff is over."""
        if self.is_done:
            return
        if self.process is None:
            if time.monotonic() >= self.start_at:
                self.start()
        elif not self.process.is_alive():
            self._ended(self.process.exitcode)

    def collect(self) -> None:
        """Take the process's result, if it sent one."""
        if self.result is None and self.results is not None and self.results.poll():
            try:
                self.result = self.results.recv()
            except EOFError:
                self.result = None  # it died before it sent one

    def _ended(self, code: int | None) -> None:
        self.collect()
        self.process = None
        if code == 0 and self.result is not None:
            return
        if code is not None and code > 0 and code != EXIT_UNAVAILABLE:
            raise Inconsistent(f"ingest process {self.number} failed with exit code {code}; see its log")
        now = time.monotonic()
        self.deaths.append(now)
        while now - self.deaths[0] > RESTARTS_WITHIN_S:
            self.deaths.popleft()
        if len(self.deaths) > RESTARTS:
            raise StoreUnavailable(
                f"ingest process {self.number} failed {len(self.deaths)} times within {RESTARTS_WITHIN_S:.0f} s, last "
                f"with exit code {code}; see its log"
            )
        delay = min(2.0 ** (len(self.deaths) - 1), BACKOFF_MAX_S)
        log.warning("ingest process %s failed with exit code %s; restarting it in %s s", self.number, code, delay)
        self.start_at = now + delay


def _stop(children: list[_Child]) -> None:
    """Send SIGTERM to all, then wait until they have ended."""
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
    """Main function of a child process."""
    configure_logs(f"ingest-{number}")
    try:
        with stop_on_signals() as stop:
            threading.Thread(target=_stop_with_parent, args=(stop,), daemon=True).start()
            results.send(serve(settings, should_stop=stop.is_set, targets=targets, process=number))
    except StoreUnavailable as error:
        log.error("%s", error)  # noqa: TRY400  # an outage is no bug: no traceback
        raise SystemExit(EXIT_UNAVAILABLE) from None
    except RecruitError as error:
        log.error("%s", error)  # noqa: TRY400
        raise SystemExit(1) from None


def _stop_with_parent(stop: threading.Event) -> None:
    """A child must also stop when its parent is killed and can't send SIGTERM."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        stop.set()

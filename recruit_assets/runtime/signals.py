"""How a process ends on a signal: `with` blocks that handle signals, and restore the handlers afterwards.

Python allows this in the main thread only.
"""

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

SIGINT, SIGTERM, SIGHUP = signal.SIGINT, signal.SIGTERM, signal.SIGHUP


@contextmanager
def interrupt_on_signals() -> Iterator[None]:
    """SIGTERM and SIGHUP (a closed terminal) raise KeyboardInterrupt, as Ctrl-C does."""

    def interrupt(_: int) -> None:
        raise KeyboardInterrupt

    with _handled_by(interrupt, SIGTERM, SIGHUP):
        yield


@contextmanager
def stop_on_signals() -> Iterator[threading.Event]:
    """SIGTERM and Ctrl-C set the event, so that the work can end in order."""
    stop = threading.Event()
    with _handled_by(lambda _: stop.set(), SIGTERM, SIGINT):
        yield stop


@contextmanager
def defer_signals() -> Iterator[None]:
    """Signals wait until the end of the block. Without effect in other threads, which get no signals.

    They are caught, not blocked: a child process would inherit a blocked signal.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    received: list[int] = []
    try:
        with _handled_by(received.append, SIGINT, SIGTERM, SIGHUP):
            yield
    finally:
        for number in received:
            signal.raise_signal(number)


@contextmanager
def _handled_by(handle: Callable[[int], object], *signals: signal.Signals) -> Iterator[None]:
    def handler(number: int, _: FrameType | None) -> None:
        handle(number)

    before = {number: signal.signal(number, handler) for number in signals}
    try:
        yield
    finally:
        for number, previous in before.items():
            signal.signal(number, previous)

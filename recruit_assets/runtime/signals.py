"""How a process ends on a signal: `with` blocks that handle signals, and restore the handlers afterwards.

Python allows this in the main thread only.
"""

import signal
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import FrameType
from typing import Any

SIGINT, SIGTERM, SIGHUP = signal.SIGINT, signal.SIGTERM, signal.SIGHUP
ENDING = (SIGINT, SIGTERM, SIGHUP)
Handler = Callable[[int, FrameType | None], Any] | int | None
INTERRUPTED = 130
"""Exit code of a command that a signal ended before its work was done, as after Ctrl-C in any shell."""


@contextmanager
def interrupt_on_signals() -> Iterator[None]:
    """SIGTERM and SIGHUP (a closed terminal) raise KeyboardInterrupt, as Ctrl-C does."""

    def interrupt(number: int) -> None:
        if number == SIGHUP:
            signal.raise_signal(SIGTERM)  # in a run, Dagster handles this one: it interrupts where that is safe
        else:
            raise KeyboardInterrupt

    with _handled_by(interrupt):
        yield


@contextmanager
def stop_on_signals() -> Iterator[threading.Event]:
    """SIGTERM, SIGHUP and Ctrl-C set the event, so that the work can end in order."""
    stop = threading.Event()
    with _handled_by(lambda _: stop.set()):
        yield stop


@contextmanager
def notice_signals() -> Iterator[Callable[[], bool]]:
    """Yields whether a signal to end has arrived in the block, whoever handles it there.

    For code that replaces the handlers, as Dagster does during a run: it may forget a signal, and leaves SIGTERM with
    another handler. In other threads, which get no signals, none arrives.
    """
    if threading.current_thread() is not threading.main_thread():
        yield lambda: False
        return
    seen: set[int] = set()
    reading, writing = socket.socketpair()
    with reading, writing:
        reading.setblocking(False)
        writing.setblocking(False)

        def arrived() -> bool:
            with suppress(BlockingIOError):
                seen.update(reading.recv(4096))
            return not seen.isdisjoint(ENDING)

        handlers = {number: signal.getsignal(number) for number in ENDING}
        before = signal.set_wakeup_fd(writing.fileno(), warn_on_full_buffer=False)
        try:
            yield arrived
        finally:
            signal.set_wakeup_fd(before)
            _restore(handlers)


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
        with _handled_by(received.append):
            yield
    finally:
        for number in received:
            signal.raise_signal(number)


@contextmanager
def _handled_by(handle: Callable[[int], object]) -> Iterator[None]:
    """Handle the signals to end, except those that the process was started to ignore: SIGHUP after `nohup`."""

    def handler(number: int, _: FrameType | None) -> None:
        handle(number)

    before = {number: signal.getsignal(number) for number in ENDING}
    for number, previous in before.items():
        if previous is not signal.SIG_IGN:
            signal.signal(number, handler)
    try:
        yield
    finally:
        _restore(before)


def _restore(handlers: dict[signal.Signals, Handler]) -> None:
    for number, handler in handlers.items():
        signal.signal(number, handler)

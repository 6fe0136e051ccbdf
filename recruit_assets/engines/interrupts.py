"""The ways in which a terminal or a supervisor ends a command, made one: KeyboardInterrupt.

Belongs here: signals of a command that must clean up after itself. Not here: what is cleaned up.
"""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


@contextmanager
def ending_signals_interrupt() -> Iterator[None]:
    """SIGTERM and a closed terminal (SIGHUP) raise KeyboardInterrupt, as Ctrl-C does; only for a main thread."""
    before = {number: signal.signal(number, _interrupt) for number in (signal.SIGTERM, signal.SIGHUP)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt

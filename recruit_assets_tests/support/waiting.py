"""Waits for a condition instead of a fixed time."""

import time
from collections.abc import Callable

POLL_S = 0.05


def wait_until(condition: Callable[[], object], timeout_s: float, *, what: str = "the condition") -> None:
    """Return once `condition()` is true; AssertionError after `timeout_s`."""
    deadline = time.monotonic() + timeout_s
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError(f"{what} didn't hold within {timeout_s} s")
        time.sleep(POLL_S)

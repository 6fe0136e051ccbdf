"""The steps of a batch, by name, and the seam through which a test can end the process at one of them."""

from collections.abc import Callable
from enum import StrEnum


class Step(StrEnum):
    """Where a crash must lose nothing."""

    BEFORE_WRITE = "before_write"
    MID_WRITE = "mid_write"
    EVENTS_WRITTEN = "events_written"
    VERSIONS_WRITTEN = "versions_written"
    CHANGE_WRITTEN = "change_written"
    COMMITTED = "committed"


OnStep = Callable[[Step], None]


def no_step(_: Step) -> None:
    """What production does at a step."""

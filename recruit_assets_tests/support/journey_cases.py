"""People's clicks and an application, computed by hand: which click gets the credit within 7 days.

Times are minutes before the application, which is on job 1; a greater `order` is a later create_time at the same time.
"""

from typing import NamedTuple

DAYS = 7
WEEK = DAYS * 24 * 60


class AClick(NamedTuple):
    """A click; its publisher tells which one it is."""

    publisher_id: int
    minutes_before: float
    job_id: int | None = 1
    order: int = 0
    ed: str | None = None
    ua: str | None = None
    dl: str | None = None


class Case(NamedTuple):
    """The publisher of the click that gets the credit; None: the application is unattributed."""

    about: str
    clicks: tuple[AClick, ...]
    credited: int | None


ORDER = 5
"""Of the application."""
CASES = (
    Case("no click", (), None),
    Case("one click", (AClick(11, 3),), 11),
    Case("the person clicks twice", (AClick(11, 30), AClick(12, 3)), 12),
    Case("the order of sending doesn't matter", (AClick(12, 3), AClick(11, 30)), 12),
    Case("a click after the application", (AClick(11, 3), AClick(12, -1)), 11),
    Case("only a click after the application", (AClick(12, -0.001),), None),
    Case("a click on another job", (AClick(11, 30), AClick(12, 3, job_id=2)), 11),
    Case("a click without a job", (AClick(12, 3, job_id=None),), None),
    Case("a job that is found in the event data", (AClick(12, 3, job_id=None, ed='{"jobId":1}'),), 12),
    Case("exactly 7 days before", (AClick(11, WEEK),), 11),
    Case("a millisecond more than 7 days before", (AClick(11, WEEK + 1 / 60_000),), None),
    Case("at the same time, created before", (AClick(11, 3), AClick(12, 0, order=ORDER - 1)), 12),
    Case("at the same time, created after", (AClick(11, 3), AClick(12, 0, order=ORDER + 1)), 11),
    Case("two clicks at the same time", (AClick(12, 3, order=2), AClick(11, 3, order=1)), 12),
    Case("one ad after the other", (AClick(11, 90), AClick(12, 60), AClick(11, 30)), 11),
)
ROBOT, HOME = "curl/8.5.0", "http://localhost/stelle/1"
JUDGED = (
    Case("the last click is a robot's", (AClick(11, 3), AClick(12, 2, ua=ROBOT)), 11),
    Case("the last click is internal", (AClick(11, 3), AClick(12, 2, dl=HOME)), 11),
    Case("a double click: the first one counts", (AClick(11, 3), AClick(12, 2.9)), 11),
    Case("a double click over the edge of the 7 days", (AClick(11, WEEK + 0.1), AClick(12, WEEK - 0.1)), None),
    Case("a click on another job is no double click", (AClick(11, 3, job_id=2), AClick(12, 2.9)), 12),
    Case("no valid click", (AClick(12, 2, ua=ROBOT),), None),
)
"""With double clicks within 30 seconds, robots and the usual internal hosts."""

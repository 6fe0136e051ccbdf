"""What a click is worth: one verdict per click, the first that holds.

The terms are those of the Click Measurement Guidelines of IAB and Media Rating Council (MRC): gross clicks are all that
were measured, valid ones those that remain when general invalid traffic is left out, which routine rules and lists can
find. A click belongs to one verdict, so valid and invalid ones add up to the gross clicks, which `mysql_report` has.
In Spark `transforms.click_quality` finds the verdict, in Python `transforms.click_judge`.
"""

from dataclasses import dataclass, field
from importlib.metadata import version
from math import ceil

from recruit_assets.contract.internal_hosts import DEFAULT_HOSTS, host_pattern

LONGEST_WINDOW_S = 86_400
DEFAULT_WINDOW_S = 30
"""A second click of a person within so many seconds is a double click or a reloaded page, and no new interest."""
ROBOTS_PACKAGE = "crawler-user-agents"
LONGEST_AGENT = 1_000
"""Characters of a user agent that are looked at."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is said of a click."""

    name: str
    title: str
    description: str


VALID = Verdict("valid", "Valid", "No rule speaks against it")
DUPLICATE = Verdict(
    "duplicate",
    "Duplicate",
    "The same person (uid) clicked on the same job less than RECRUIT_CLICK_WINDOW_S before, whatever that click's "
    "verdict",
)
ROBOT = Verdict("robot", "Robot", f"The user agent is one of the list {ROBOTS_PACKAGE}")
INTERNAL = Verdict("internal", "Internal", "The page's host is one of RECRUIT_INTERNAL_HOSTS")
EXPIRED = Verdict(
    "expired", "Expired", "After the last day of the job (end_date in the job dimension), in RECRUIT_REPORT_TIMEZONE"
)

INVALID = (DUPLICATE, ROBOT, INTERNAL, EXPIRED)
"""In the order in which they are tried."""
VERDICTS = (VALID, *INVALID)


def robots_version() -> str:
    """The version of the list of robots that is installed."""
    return version(ROBOTS_PACKAGE)


@dataclass(frozen=True, slots=True)
class ClickRules:
    """What verdicts depend on, beside the clicks and the jobs' last days."""

    window_s: int = DEFAULT_WINDOW_S
    """0: no click is a duplicate."""
    internal_hosts: str = host_pattern(DEFAULT_HOSTS)
    """Matches the hosts of the site's own people, see `internal_hosts.host_pattern`."""
    timezone: str = "UTC"
    """Whose days a job's last day is one of."""
    robots: str = field(default_factory=robots_version)

    @property
    def hours_before(self) -> int:
        """So many earlier hours have clicks that those of an hour can be duplicates of."""
        return ceil(self.window_s / 3600)

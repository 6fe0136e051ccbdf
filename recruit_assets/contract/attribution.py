"""How a countable event's job is found (RECRUIT_ATTRIBUTION): rules, of which the first that finds a job counts.

`job_id` is the event's own job, publisher, campaign and group. `ed.jobId` is `jobId` of the JSON object in `ed`, and
`ed.data.jobId` that of the object in its `data`. Publisher, campaign and group are then the event's own where it has
one, else `publisherId`, `campaignId` and `groupId` beside `jobId`: the job's key with another word for `job`. `dl` is
what the group of RECRUIT_ATTRIBUTION_DL matches in the landing URL; the rest is the event's own.

An id in `ed` or in a URL is a JSON number, or a string that is spelled like one, whose value as a 64-bit float is whole
and from 0 to 2147483647: 192, 192.0, "192". Anything else is no id, and the next rule is tried. Spark's way to do this
is `transforms.attribution`, Python's `transforms.found_jobs`.
"""

import re
from dataclasses import dataclass

from recruit_assets.contract.tables import GRAIN
from recruit_assets.contract.types import INT_MAX
from recruit_assets.contract.url_patterns import portable

OWN, URL, EVENT_DATA = "job_id", "dl", "ed"
MOST_RULES = 8
ID_TEXT = r"-?[0-9]+(?:[.][0-9]+)?(?:[eE][+-]?[0-9]+)?"
"""A number as JSON spells it; leading zeros don't matter."""
GREATEST_ID = INT_MAX

MOST_CONTAINERS = 500
"""An `ed` with more `{` and `[` isn't read: the parsers end at nestings of different depth."""
MOST_DIGITS = 300
"""Nor is one with so many digits in a row: Spark's parser takes no number of more than 1,000."""

MOST_DAYS = 90
"""Of RECRUIT_ATTRIBUTION_DAYS: a late click is looked for in the applications of so many days."""

_KEY = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,49}")
_MOST_KEYS = 4


@dataclass(frozen=True, slots=True)
class Rule:
    """A place where events name their job; `path` are the keys that lead to it in `ed`."""

    name: str
    path: tuple[str, ...] = ()

    @property
    def keys(self) -> tuple[str | None, ...]:
        """The keys of job, publisher, campaign and group in the object that `path` leads to; None if there is none."""
        job = self.path[-1]
        return (job, *(_instead_of_job(job, name.removesuffix("_id")) for name in GRAIN[1:]))


@dataclass(frozen=True, slots=True)
class Attribution:
    """The rules in their order, and the pattern of `dl` in the form that Python and Java share."""

    rules: tuple[Rule, ...] = (Rule(OWN),)
    url_pattern: str = ""

    @property
    def is_default(self) -> bool:
        """Whether events have no job but their own."""
        return self == DEFAULT

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(rule.name for rule in self.rules)

    @property
    def recorded(self) -> str:
        """What is recorded of the rows that these rules computed; empty for the default rule."""
        return "" if self.is_default else str(self)

    def __str__(self) -> str:
        """The same for settings that mean the same."""
        return ",".join(self.names) + (f" {self.url_pattern}" if self.url_pattern else "")


DEFAULT = Attribution()


def rules_of(names: list[str]) -> tuple[Rule, ...]:
    """The rules with these names; ValueError if a name is unknown or comes twice, or if `job_id` isn't among them."""
    if len(names) > MOST_RULES:
        raise ValueError(f"has {len(names)} rules, at most {MOST_RULES} are allowed")
    repeated = next((name for name in names if names.count(name) > 1), None)
    if repeated is not None:
        raise ValueError(f"has {repeated} twice")
    if OWN not in names:
        raise ValueError(
            f"must have {OWN} among its rules: otherwise events that say their job themselves wouldn't count"
        )
    return tuple(_rule(name) for name in names)


def attribution(names: list[str], url_pattern: str) -> Attribution:
    """The rules with these names; ValueError as in `rules_of` and `portable`."""
    return Attribution(rules_of(names), portable(url_pattern) if url_pattern else "")


def _rule(name: str) -> Rule:
    if name in (OWN, URL):
        return Rule(name)
    source, *path = name.split(".")
    if source != EVENT_DATA or not 1 <= len(path) <= _MOST_KEYS or not all(map(_KEY.fullmatch, path)):
        raise ValueError(
            f"has the rule {name!r}; rules are {OWN}, {URL} and {EVENT_DATA}.<key> such as ed.jobId or ed.data.jobId, "
            f"with at most {_MOST_KEYS} keys of letters, digits, _ and -"
        )
    return Rule(name, tuple(path))


def _instead_of_job(key: str, word: str) -> str | None:
    """jobId: publisherId; job_id: publisher_id; JobId: PublisherId."""
    for job, replaced in (("job", word), ("Job", word.capitalize())):
        if job in key:
            return key.replace(job, replaced)
    return None

"""Finds the job of countable events in plain Python, by the rules of RECRUIT_ATTRIBUTION.

For what reads events without Spark: ingest's count of unattributed events, checks and the audit. It reads JSON as Spark
does, which ends at the object's end and takes the last of equal keys.
"""

import json
import re
from collections.abc import Callable, Sequence
from typing import NamedTuple, NoReturn

from recruit_assets.contract.attribution import (
    DEFAULT,
    GREATEST_ID,
    ID_TEXT,
    MOST_CONTAINERS,
    MOST_DIGITS,
    OWN,
    Attribution,
    Rule,
)
from recruit_assets.contract.tables import GRAIN
from recruit_assets.contract.url_patterns import LONGEST_URL
from recruit_assets.transforms.validate import Event

Id = int | None
_IDS = tuple[Id, ...]
"""The ids of GRAIN that a rule finds."""
_NONE: _IDS = (None, None, None, None)
_BLANK = " \t\n\r"
_ID_TEXT = re.compile(ID_TEXT)
_MANY_DIGITS = re.compile(f"[0-9]{{{MOST_DIGITS}}}")


class FoundJob(NamedTuple):
    """The rule's position, and the ids of GRAIN; what nobody names is 0."""

    rule: int
    ids: tuple[int, ...]


class JobFinder:
    """Applies the rules in their order."""

    def __init__(self, attribution: Attribution = DEFAULT) -> None:
        pattern = re.compile(attribution.url_pattern)
        self.attribution = attribution
        self._rules: list[Callable[[Sequence[Id], str | None, str | None], _IDS]] = [
            _own if rule.name == OWN else _of_data(rule) if rule.path else _of_url(pattern)
            for rule in attribution.rules
        ]

    def find(self, own: Sequence[Id], ed: str | None, dl: str | None) -> FoundJob | None:
        """The job of an event with these ids of GRAIN, event data and landing URL; None if no rule finds one."""
        for number, rule in enumerate(self._rules):
            job, *others = rule(own, ed, dl)
            if job is not None:
                ids = (mine if mine is not None else other or 0 for mine, other in zip(own[1:], others, strict=True))
                return FoundJob(number, (job, *ids))
        return None

    def of_event(self, event: Event) -> FoundJob | None:
        """The job of an event, whether it counts or not."""
        ed, dl = event.value("ed"), event.value("dl")
        own = [event.value(name) for name in GRAIN]
        return self.find(own, ed, dl)  # type: ignore[arg-type]  # ids are numbers, the others texts

    def misses(self, event: Event) -> bool:
        """Whether the event counts but no rule finds its job."""
        return event.is_unattributed and (self.attribution.is_default or self.of_event(event) is None)


def _own(own: Sequence[Id], _ed: str | None, _dl: str | None) -> _IDS:
    return (own[0], None, None, None)


def _of_url(pattern: re.Pattern[str]) -> Callable[[Sequence[Id], str | None, str | None], _IDS]:
    def ids(_own: Sequence[Id], _ed: str | None, dl: str | None) -> _IDS:
        found = pattern.search(dl[:LONGEST_URL]) if dl else None
        return (_id(found[1]) if found else None, None, None, None)

    return ids


def _of_data(rule: Rule) -> Callable[[Sequence[Id], str | None, str | None], _IDS]:
    def ids(_own: Sequence[Id], ed: str | None, _dl: str | None) -> _IDS:
        found = _object(ed)
        for key in rule.path[:-1]:
            found = _inner(found, key)
        if found is None:
            return _NONE
        values = dict(found)
        return tuple(_id(values.get(key)) if key else None for key in rule.keys)

    return ids


class _Pairs(list[tuple[str, object]]):
    """The members of a JSON object, equal keys included."""


def _object(text: str | None) -> _Pairs | None:
    """The JSON object at the beginning of the text; None if there is none, or if Spark wouldn't read it."""
    text = (text or "").lstrip(_BLANK)
    if text.count("{") + text.count("[") > MOST_CONTAINERS or _MANY_DIGITS.search(text):
        return None
    try:
        found, _ = _DECODER.raw_decode(text)
    except ValueError:
        return None
    return found if isinstance(found, _Pairs) else None


def _inner(pairs: _Pairs | None, key: str) -> _Pairs | None:
    """The object in a member; None if it isn't one. Where the key comes twice, both must be objects or null."""
    found = [value for name, value in pairs or () if name == key]
    if not all(value is None or isinstance(value, _Pairs) for value in found):
        return None
    return found[-1] if found else None  # type: ignore[return-value]  # just checked


def _id(value: object) -> Id:
    if isinstance(value, str):
        value = float(value) if _ID_TEXT.fullmatch(value) else None
    return int(value) if isinstance(value, float) and 0 <= value <= GREATEST_ID and value.is_integer() else None


def _not_json(constant: str) -> NoReturn:
    raise ValueError(f"{constant} isn't JSON")


_DECODER = json.JSONDecoder(
    object_pairs_hook=_Pairs, parse_int=float, parse_float=float, parse_constant=_not_json, strict=True
)

OWN_JOBS = JobFinder()

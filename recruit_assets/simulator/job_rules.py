"""Whose job an event is, as the ledger reads RECRUIT_ATTRIBUTION.

Written a second time on purpose, so that a mistake in the pipeline's rules shows up as a difference.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass

from recruit_assets.simulator.fragments import Interaction

URL_CHARACTERS = 1_000
_WHOLE = re.compile(r"([0-9]+)(?:\.0+)?")

Ids = tuple[int, int, int, int]
"""Job, publisher, campaign, group."""


@dataclass(frozen=True, slots=True)
class JobRules:
    """`rules` and `pattern` are RECRUIT_ATTRIBUTION and RECRUIT_ATTRIBUTION_DL."""

    rules: str = "job_id"
    pattern: str = ""

    @property
    def names(self) -> list[str]:
        return [name.strip() for name in self.rules.split(",") if name.strip()]

    def found(self, event: Interaction) -> tuple[str, Ids] | None:
        """The first rule that finds the event's job, and the ids it counts for."""
        fields = json.loads(b"{%b}" % event.members)
        for name in self.names:
            ids = self._by(name, event, fields)
            if ids is not None:
                return name, ids
        return None

    def _by(self, name: str, event: Interaction, fields: Mapping[str, object]) -> Ids | None:
        own = event.publisher_id, event.campaign_id, event.group_id
        if name == "job_id":
            return None if event.job_id is None else (event.job_id, *own)
        if name == "dl":
            pattern = self.pattern.replace("(?<job_id>", "(?P<job_id>")
            found = re.search(pattern, str(fields.get("dl") or "")[:URL_CHARACTERS])
            job = whole(found["job_id"]) if found else None
            return None if job is None else (job, *own)
        *place, key = name.split(".")[1:]
        data = _object(fields.get("ed"), place)
        job = whole(data.get(key))
        if job is None:
            return None
        publisher, campaign, group = (
            mine if fields.get(f"{word}_id") is not None else whole(data.get(key.replace("job", word))) or 0
            for word, mine in zip(("publisher", "campaign", "group"), own, strict=True)
        )
        return job, publisher, campaign, group


OWN_JOB = JobRules()


class FoundJobs:
    """Finds the job of events by the rules; each interaction is looked at once."""

    def __init__(self, rules: JobRules) -> None:
        self._rules = rules
        self._found: dict[Interaction, tuple[str, Ids] | None] = {}

    def of(self, event: Interaction) -> tuple[str, Ids] | None:
        """The rule that finds the event's job, and the ids it counts for."""
        if event not in self._found:
            self._found[event] = self._rules.found(event)
        return self._found[event]


def whole(value: object) -> int | None:
    """192, 192.0, "192" and "192.0" are 192; what isn't a whole number from 0 to 2147483647 is none."""
    found = _WHOLE.fullmatch(str(value)) if isinstance(value, int | float | str) else None
    return int(found[1]) if found and int(found[1]) < 2**31 else None


def _object(ed: object, place: list[str]) -> Mapping[str, object]:
    """The object in `ed` at this place; an empty one if there is none."""
    try:
        found = json.loads(str(ed))
    except ValueError:
        return {}
    for key in place:
        found = found.get(key) if isinstance(found, dict) else None
    return found if isinstance(found, dict) else {}

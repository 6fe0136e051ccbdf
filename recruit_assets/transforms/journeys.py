"""Which click leads to an application: the same person's last valid one on that job, at most some days before.

A person is a `uid`. Events are in the order of their event time and, at the same time, of their create_time.
"""

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import repeat
from typing import Any, NamedTuple
from uuid import UUID

from recruit_assets.contract.click_quality import VALID, Verdict
from recruit_assets.contract.events import MAX_UID_BYTES
from recruit_assets.contract.measures import ACTION_SPELLINGS, CLICKS
from recruit_assets.contract.tables import GRAIN
from recruit_assets.transforms.click_judge import Click as Judged
from recruit_assets.transforms.click_judge import ClickJudge
from recruit_assets.transforms.found_jobs import JobFinder

DAY_MS = 86_400_000
FIELDS = ("custom_track", *GRAIN, "ed", "dl", "ua")
"""What of a person's event says whether it is a click, on which job, and whether it is valid."""

Moment = tuple[int, UUID]
"""Event time in ms since the epoch, and create_time."""


class Click(NamedTuple):
    """A click, and the ids of GRAIN that it counts for."""

    at: Moment
    ids: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Journeys:
    """A person's valid clicks, by job and in their order."""

    clicks: Mapping[int, Sequence[Click]]

    def last_click(self, job_id: int, application: Moment, *, days: int) -> Click | None:
        """The click that gets the credit for this application."""
        clicks = self.clicks.get(job_id, ())
        before = bisect_right(clicks, application, key=lambda click: click.at)
        last = clicks[before - 1] if before else None
        return last if last and last.at[0] >= application[0] - days * DAY_MS else None


def journeys_of(
    uid: str, events: Iterable[tuple[Moment, Sequence[Any]]], jobs: JobFinder, judge: ClickJudge | None = None
) -> Journeys:
    """From a person's events, each with the values of FIELDS. Without a judge, every click is valid."""
    found: list[tuple[Click, str | None, str | None]] = []
    for at, (track, *own, ed, dl, ua) in events:
        if ACTION_SPELLINGS.get(track) == CLICKS.action and (job := jobs.find(own, ed, dl)):
            found.append((Click(at, job.ids), ua, dl))
    found.sort(key=lambda one: one[0].at)
    verdicts: Iterable[Verdict] = repeat(VALID)
    if judge is not None:
        verdicts = judge.verdicts(Judged(*_spelled(click.at), click.ids[0], uid, ua, dl) for click, ua, dl in found)
    clicks: dict[int, list[Click]] = {}
    for (click, _, _), verdict in zip(found, verdicts, strict=False):
        if verdict is VALID:
            clicks.setdefault(click.ids[0], []).append(click)
    return Journeys(clicks)


def is_person(uid: str | None) -> bool:
    """Whether events with this uid are found by Cassandra's index, and so can be joined."""
    return uid is not None and 0 < len(uid.encode()) <= MAX_UID_BYTES


def _spelled(at: Moment) -> tuple[int, str]:
    return at[0], str(at[1])

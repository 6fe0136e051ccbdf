"""Recounts attributed_conversions by going through each person's events in their order.

On purpose this isn't done as in `transforms.journeys`, so that the audit can disagree with it. People are hashes here.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from hashlib import blake2b
from itertools import groupby

from recruit_assets.contract.click_quality import VALID
from recruit_assets.contract.measures import ACTION_SPELLINGS, CLICKS, COUNTS
from recruit_assets.contract.tables import ATTRIBUTED_CONVERSIONS
from recruit_assets.observability.audit.attribution import job_of
from recruit_assets.observability.audit.audit_db import JOURNEYS_COLUMNS, AuditDatabase, Values, hour_text, latest_text
from recruit_assets.stores.cassandra.audit_reads import READ_COLUMNS
from recruit_assets.transforms.click_judge import Click, ClickJudge
from recruit_assets.transforms.found_jobs import JobFinder
from recruit_assets.transforms.journeys import DAY_MS, is_person

NOBODY = b""
_AT, _RECEIVED_AT, _CREATE_TIME, _TRACK, _UID, _DL, _UA = (
    READ_COLUMNS.index(name)
    for name in ("event_time_ms", "received_at_ms", "create_time", "custom_track", "uid", "dl", "ua")
)
_ACTIONS = [count.action for count in COUNTS if count is not CLICKS]
_IN_ORDER = f"SELECT {', '.join(JOURNEYS_COLUMNS)} FROM journeys ORDER BY person, job_id, at_ms, create_time"


class JourneysRecount:
    """Keeps the events that count in the audit database until all are there."""

    table = ATTRIBUTED_CONVERSIONS

    def __init__(
        self, audit_db: AuditDatabase, jobs: JobFinder, *, days: int, judge: Callable[[], ClickJudge] | None
    ) -> None:
        """`days` is RECRUIT_ATTRIBUTION_DAYS; `judge` makes one for a person, without it all clicks are valid."""
        self._audit_db = audit_db
        self._jobs = jobs
        self._days = days
        self._judge = judge

    def take(self, hour_ms: int, rows: Sequence[Values]) -> Iterable[Values]:
        """No rows yet."""
        self._audit_db.add_journeys(event for row in rows if (event := self._event(hour_ms, row)))
        return ()

    def rest(self) -> Iterator[Values]:
        """One row per application."""
        for (person, job), theirs in groupby(self._audit_db.rows(_IN_ORDER), key=lambda event: event[:2]):
            judge = self._judge() if self._judge else None
            last: Sequence[int] | None = None
            last_ms = 0
            for _, _, at_ms, create_time, hour, action, *own, ua, dl, received_at_ms in theirs:
                if action == CLICKS.action:
                    if judge is None or _is_valid(judge, Click(at_ms, create_time.hex(), job, person.hex(), ua, dl)):
                        last, last_ms = own, at_ms
                    continue
                credited = last if person != NOBODY and last_ms >= at_ms - self._days * DAY_MS else None
                counts = (int(action == one) for one in _ACTIONS)
                yield hour, job, *(credited or own), int(credited is not None), *counts, latest_text(received_at_ms)

    def _event(self, hour_ms: int, row: Values) -> Values | None:
        action = ACTION_SPELLINGS.get(row[_TRACK])
        found = job_of(row, self._jobs) if action else None
        if found is None:
            return None
        person = blake2b(row[_UID].encode(), digest_size=16).digest() if is_person(row[_UID]) else NOBODY
        job, *ids = found.ids
        judged = (row[_UA], row[_DL]) if self._judge and action == CLICKS.action else (None, None)
        return (
            person, job, row[_AT], row[_CREATE_TIME].bytes, hour_text(hour_ms), action, *ids, *judged,
            row[_RECEIVED_AT] or 0,
        )  # fmt: skip


def _is_valid(judge: ClickJudge, click: Click) -> bool:
    (verdict,) = judge.verdicts([click])
    return verdict is VALID

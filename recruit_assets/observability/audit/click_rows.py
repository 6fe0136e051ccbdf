"""The verdict on each click, found again in plain Python from the rows of Cassandra."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from hashlib import blake2b

from recruit_assets.contract.click_quality import DUPLICATE, ClickRules
from recruit_assets.contract.measures import CLICKS, SPEND
from recruit_assets.contract.tables import CLICK_QUALITY
from recruit_assets.observability.audit.attribution import job_of
from recruit_assets.observability.audit.audit_db import AuditDatabase, Values, hour_text, latest_text
from recruit_assets.stores.cassandra.audit_reads import READ_COLUMNS
from recruit_assets.transforms.buckets import HOUR_MS
from recruit_assets.transforms.click_judge import Click, ClickJudge, RecentClicks
from recruit_assets.transforms.found_jobs import JobFinder

_AT, _RECEIVED_AT, _CREATE_TIME, _TRACK, _UID, _UA, _DL, _BID = (
    READ_COLUMNS.index(name)
    for name in ("event_time_ms", "received_at_ms", "create_time", "custom_track", "uid", "ua", "dl", SPEND.of)
)


class ClickRecount:
    """Recounts click_quality. What it keeps of a person is a hash, in the audit database."""

    table = CLICK_QUALITY

    def __init__(
        self, audit_db: AuditDatabase, jobs: JobFinder, *, rules: ClickRules, last_days: Mapping[int, date]
    ) -> None:
        self._audit_db = audit_db
        self._jobs = jobs
        self._judge = ClickJudge(rules, last_days)
        self._recent = RecentClicks(rules.window_s)

    def take(self, _hour_ms: int, rows: Sequence[Values]) -> Iterable[Values]:
        """Nothing yet: rows come in any order. The clicks are kept, with the verdict unless they are duplicates."""
        clicks = (self._click(row) for row in rows if row[_TRACK] in CLICKS.spellings)
        self._audit_db.add_clicks(filter(None, clicks))
        return ()

    def rest(self) -> Iterator[Values]:
        """One row per click, in their order."""
        for at_ms, _, person, job_id, *ids, bid, verdict, received_at_ms in self._audit_db.clicks():
            is_duplicate = self._recent.is_duplicate(person, job_id, at_ms)
            name = DUPLICATE.name if is_duplicate else verdict
            hour = hour_text(at_ms // HOUR_MS * HOUR_MS)
            yield hour, job_id, *ids, name, 1, float(bid), latest_text(received_at_ms)

    def _click(self, row: Values) -> Values | None:
        found = job_of(row, self._jobs)
        if found is None:
            return None
        create_time, uid = str(row[_CREATE_TIME]), row[_UID]
        verdict = self._judge.alone(Click(row[_AT], create_time, found.ids[0], uid, row[_UA], row[_DL]))
        person = blake2b(uid.encode(), digest_size=16).digest() if uid else b""
        return row[_AT], create_time, person, *found.ids, row[_BID] or 0, verdict.name, row[_RECEIVED_AT] or 0

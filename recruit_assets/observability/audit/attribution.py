"""How many events each rule of RECRUIT_ATTRIBUTION found the job of: recounted, and as runs recorded it."""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from recruit_assets.contract.attribution import Attribution
from recruit_assets.contract.tables import GRAIN
from recruit_assets.hours.bucket_state import RowCounts
from recruit_assets.observability.audit.results import EXAMPLES, RuleResult
from recruit_assets.stores.cassandra.audit_reads import READ_COLUMNS
from recruit_assets.transforms.found_jobs import FoundJob, JobFinder

UNATTRIBUTED = -1
FoundByHour = dict[datetime, Counter[int]]
"""By hour (aware) and position of the rule: its events; at UNATTRIBUTED, those whose job no rule found."""

_IDS = [READ_COLUMNS.index(name) for name in GRAIN]
_ED, _DL = READ_COLUMNS.index("ed"), READ_COLUMNS.index("dl")


def job_of(row: Sequence[Any], jobs: JobFinder) -> FoundJob | None:
    """The job of a row of raw_events, which has READ_COLUMNS."""
    return jobs.find([row[index] for index in _IDS], row[_ED], row[_DL])


def attribution_matches(
    attribution: Attribution, found: FoundByHour, recorded: Mapping[datetime, RowCounts]
) -> RuleResult:
    """Whether the runs recorded what a recount of raw_events finds, in every hour."""
    names = {UNATTRIBUTED: "unattributed"} | dict(enumerate(attribution.names))
    by_hour = {hour: _positions(recorded.get(hour, RowCounts())) for hour in found}
    wrong = [
        f"{hour:%Y-%m-%d %H:%M} {names[one]}: {by_hour[hour][one]} recorded, expected {counts[one]}"
        for hour, counts in sorted(found.items())
        for one in names
        if counts[one] != by_hour[hour][one]
    ]
    promise = "each rule found as many events as runs recorded, in every hour"
    expected, has = (sum(counts.total() for counts in one.values()) for one in (found, by_hour))
    return RuleResult("attribution", promise, expected, has, len(wrong), tuple(wrong[:EXAMPLES]))


def _positions(counts: RowCounts) -> Counter[int]:
    return Counter({UNATTRIBUTED: counts.unattributed} | dict(enumerate(counts.by_rule)))

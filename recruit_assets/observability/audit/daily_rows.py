"""The days that the report database holds, and which of them are as new as the hours they are made of.

Days are made some minutes after their hours. One that is older than its hours isn't compared; if it stays so, that is a
difference of its own.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from recruit_assets.contract.types import SqlTable
from recruit_assets.observability.audit.audit_db import AuditDatabase, Values, as_texts
from recruit_assets.observability.audit.cassandra_rows import DateOf
from recruit_assets.observability.audit.results import EXAMPLES, Sample
from recruit_assets.runtime.times import from_ms, to_ms
from recruit_assets.transforms.buckets import HOUR_MS

LATE = timedelta(hours=1)
"""Six times as long as it takes until the automation asks for a day."""
BEING_REPLACED = -1
"""In place of an hour's version: no day was made from it."""
QUARTER_MS = HOUR_MS // 4


@dataclass(frozen=True, slots=True)
class Days:
    """By date: the version of the hours that the day was made from, and that of its hours now."""

    made: Mapping[str, int] = field(default_factory=dict)
    hours: Mapping[str, int] = field(default_factory=dict)
    newest_ms: Mapping[str, int] = field(default_factory=dict)
    """About when an hour of the day was replaced last."""
    left_out: frozenset[str] = frozenset()
    """Days with an hour whose events expire."""

    @property
    def compared(self) -> list[str]:
        """Days as new as their hours. One without any reported hour has no events."""
        return [day for day in self.made if self._is_new(day) and day not in self.left_out]

    @property
    def older_than_hours(self) -> list[str]:
        """Days that aren't compared because an hour was replaced after them; none if no day was ever made."""
        known = {*self.made, *self.hours} if self.made else set()
        return sorted(day for day in known - self.left_out if not self._is_new(day))

    def late(self, now: datetime) -> Sample:
        """Those of `older_than_hours` whose hours were replaced more than an hour ago."""
        replaced = {day: from_ms(self.newest_ms[day]) for day in self.older_than_hours if day in self.newest_ms}
        late = [
            f"{day}: one of its hours was replaced at {at:%Y-%m-%d %H:%M:%S}, the day wasn't made again since then"
            for day, at in replaced.items()
            if at < now - LATE
        ]
        return Sample(len(late), tuple(late[:EXAMPLES]))

    def _is_new(self, day: str) -> bool:
        return self.made.get(day) == self.hours.get(day, 0)


def days_of(
    made: Mapping[str, int], hours: Mapping[datetime, int | None], date_of: DateOf, *, frozen_before: datetime | None
) -> Days:
    """From the versions of the days and of all hours; an hour without one is being replaced."""
    versions: Counter[str] = Counter()
    newest: dict[str, int] = {}
    for hour, covered_ms in hours.items():
        for day in dates_in(to_ms(hour), date_of):
            versions[day] += BEING_REPLACED if covered_ms is None else covered_ms
            newest[day] = max(newest.get(day, 0), covered_ms or 0)
    last_frozen = "" if frozen_before is None else date_of(to_ms(frozen_before) - 1)
    return Days(made, versions, newest, frozenset(day for day in {*made, *versions} if day <= last_frozen))


def dates_in(hour_ms: int, date_of: DateOf) -> set[str]:
    """The dates of an hour. Days begin at a quarter of an hour; some once began a minute later or before."""
    quarters = range(hour_ms, hour_ms + HOUR_MS, QUARTER_MS)
    return {date_of(start + shift_ms) for start in quarters for shift_ms in (0, 30_000, QUARTER_MS - 1)}


def take_days(audit_db: AuditDatabase, table: SqlTable, pages: Iterable[Sequence[Values]]) -> None:
    """Copy a daily table into the audit database."""
    for page in pages:
        audit_db.add_reported_days(table, as_texts(table, page))

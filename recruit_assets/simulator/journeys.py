"""Which click leads to each application, as the ledger finds it: by comparing it with all clicks of the person.

Written a third time on purpose, after the pipeline and the audit. Times are read from the records as they were sent.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from collections.abc import Set as AbstractSet
from datetime import datetime, timedelta
from typing import NamedTuple

import orjson

from recruit_assets.simulator.click_verdicts import time_of
from recruit_assets.simulator.fragments import Action
from recruit_assets.simulator.job_rules import Ids

DAY = timedelta(days=1)
REVIEWED = (Action.CONVERSION, Action.QUALIFIED, Action.UNQUALIFIED)

Row = tuple[object, ...]


class Visit(NamedTuple):
    """A click or an application. Visits are in the order of their times, then of create_time."""

    at: datetime
    create_time: str
    action: Action
    ids: Ids


class Visits:
    """All countable events that name a job, by person and job. Memory grows with their number."""

    def __init__(self, days: int) -> None:
        self._days = days
        self._visits: defaultdict[tuple[str | None, int], list[Visit]] = defaultdict(list)

    def add(self, value: bytes, action: Action, ids: Ids) -> None:
        """Take the record of a valid event."""
        fields = orjson.loads(value)
        visit = Visit(time_of(fields), fields["create_time"], action, ids)
        self._visits[fields.get("uid"), ids[0]].append(visit)

    def rows(self, valid: AbstractSet[tuple[datetime, str]] | None = None) -> list[Row]:
        """The expected rows: hour, ids, whether attributed, then how many applications were sent, qualified and not.

        `valid` has time and create_time of the valid clicks; None: all are.
        """
        counts: Counter[Row] = Counter()
        for (uid, _), visits in self._visits.items():
            clicks = [
                one
                for one in visits
                if one.action is Action.CLICK and uid is not None and (valid is None or one[:2] in valid)
            ]
            for ids, is_attributed, one in self._credited(visits, clicks):
                counts[f"{one.at:%Y-%m-%d %H}:00:00", *ids, int(is_attributed), one.action] += 1
        keys = sorted({key[:-1] for key in counts}, key=str)
        return [(*key, *(counts[*key, action] for action in REVIEWED)) for key in keys]

    def _credited(self, visits: Iterable[Visit], clicks: Sequence[Visit]) -> Iterator[tuple[Ids, bool, Visit]]:
        for one in visits:
            if one.action is Action.CLICK:
                continue
            before = [click for click in clicks if click[:2] <= one[:2] and click.at >= one.at - self._days * DAY]
            yield (max(before).ids, True, one) if before else (one.ids, False, one)

"""What the report page shows of click_quality: clicks and spend by verdict."""

from dataclasses import dataclass
from datetime import datetime

from recruit_assets.contract.click_quality import VALID, VERDICTS, Verdict
from recruit_assets.contract.measures import CLICKS, SPEND
from recruit_assets.contract.tables import CLICK_QUALITY
from recruit_assets.runtime.times import naive
from recruit_assets.stores.mysql.connection import ReportDatabase


@dataclass(frozen=True, slots=True)
class JudgedClicks:
    """How many clicks have a verdict, and the sum of their bids."""

    verdict: Verdict
    number: int
    amount: float


@dataclass(frozen=True, slots=True)
class ClickSums:
    """The clicks of some hours by verdict, the valid ones first."""

    by_verdict: tuple[JudgedClicks, ...]

    @property
    def number(self) -> int:
        """Gross clicks."""
        return sum(one.number for one in self.by_verdict)

    @property
    def amount(self) -> float:
        return sum(one.amount for one in self.by_verdict)

    @property
    def valid_share(self) -> float | None:
        """None without any click."""
        valid = sum(one.number for one in self.by_verdict if one.verdict is VALID)
        return valid / self.number if self.number else None


def read_click_sums(database: ReportDatabase, *, since: datetime | None) -> ClickSums:
    """The sums of the hours from this one on; of no hour if it is None."""
    rows = database.query(
        f"SELECT verdict, SUM({CLICKS.name}), SUM({SPEND.name}) FROM {CLICK_QUALITY.name} "
        "WHERE event_hour >= %s GROUP BY verdict",
        (None if since is None else naive(since),),
    )
    found = {name: (int(number), float(amount)) for name, number, amount in rows}
    return ClickSums(tuple(JudgedClicks(one, *found.get(one.name, (0, 0.0))) for one in VERDICTS))

"""Probes: clicks on jobs that no other event has, and how long each takes from Kafka's producer to MySQL's report.

They are sent at random moments among the simulator's events. The report is read with plain queries, as a dashboard
would.
"""

import random
import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from benchmarks.click import send_clicks
from benchmarks.figure import Figure, Goal, Side
from benchmarks.whole_platform import Platform
from recruit_assets.contract.tables import MYSQL_REPORT
from recruit_assets.stores.kafka.event_publisher import EventPublisher
from recruit_assets.stores.mysql.connection import ReportDatabase, placeholders

PAUSE_S = (1.5, 3.5)
"""Random, so that probes arrive at every phase of the platform's polling loops."""
ASK_EVERY_S = 0.1
FIRST_JOB_ID = 900_000_000
LOST_AFTER_S = 300


@dataclass(slots=True)
class Probes:
    """Probes of a running platform; `waiting` are those that aren't in the report yet, with the time of sending."""

    platform: Platform
    database: ReportDatabase
    publisher: EventPublisher
    sent: int = 0
    waiting: dict[int, float] = field(default_factory=dict)

    def series(self, count: int) -> list[float]:
        """Seconds of so many probes, in the order in which they appeared in the report."""
        pauses = random.Random(1)  # noqa: S311  # no secret
        seconds: list[float] = []
        left, next_at = count, time.monotonic()
        while left or self.waiting:
            if left and time.monotonic() >= next_at:
                self._send([datetime.now(UTC)])
                left -= 1
                next_at += pauses.uniform(*PAUSE_S)
            seconds += self._reported()
            time.sleep(ASK_EVERY_S)
        return seconds

    def together(self, times: Sequence[datetime]) -> float:
        """Seconds until all of these probes, sent at once, are in the report."""
        self._send(times)
        seconds: list[float] = []
        while self.waiting:
            seconds += self._reported()
            time.sleep(ASK_EVERY_S)
        return max(seconds)

    def _send(self, times: Sequence[datetime]) -> None:
        """Send a click for each time. The clicks' seconds begin before they are handed to the producer."""
        clicks = {FIRST_JOB_ID + self.sent + number: at for number, at in enumerate(times)}
        self.sent += len(clicks)
        self.waiting |= dict.fromkeys(clicks, time.monotonic())
        send_clicks(self.publisher, clicks)

    def _reported(self) -> list[float]:
        """Seconds of each probe that has reached the report since the last call; RuntimeError if one takes too long."""
        self.platform.require_running()
        if not self.waiting:
            return []
        found = self.database.query(
            f"SELECT job_id FROM {MYSQL_REPORT.name} WHERE job_id IN ({placeholders(self.waiting)}) AND clicks = 1",
            list(self.waiting),
        )
        now = time.monotonic()
        seconds = [now - self.waiting.pop(job_id) for (job_id,) in found]
        if any(now - since > LOST_AFTER_S for since in self.waiting.values()):
            raise RuntimeError(
                f"{len(self.waiting)} probes aren't in the report after {LOST_AFTER_S} s, see {self.platform.log}"
            )
        return seconds


def p95(seconds: Sequence[float]) -> float:
    """The 95th percentile."""
    return statistics.quantiles(seconds, n=100)[94]


def p95_figure(key: str, title: str, seconds: Sequence[float], *, goal: Goal, notes: Sequence[str]) -> Figure:
    """The 95th percentile of the probes' seconds, all in one series, since there is no side to compare with."""
    value = p95(seconds)
    return Figure(
        key=key,
        title=title,
        value=value,
        unit="s",
        goal=goal,
        ours=Side("recruit-assets up", "s", tuple(seconds)),
        notes=(
            f"{len(seconds)} probes: median {statistics.median(seconds):.1f} s, p95 {value:.1f} s, "
            f"slowest {max(seconds):.1f} s",
            *notes,
        ),
    )

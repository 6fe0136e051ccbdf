"""Turning the change feed into pending hours: the tick that sensor, schedule and `materialize` all begin with.

Belongs here: from where to read, and the order of reading and storing. Not here: queries (`stores`), the rules
(`pending`), requesting runs (`sensors`, `schedules`).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from recruit_assets.contract.tables import EVENT_CHANGES
from recruit_assets.hours.planning import FailedRun, PendingHour
from recruit_assets.hours.ports import ChangeFeed, PendingHourStore

LOOKBACK = timedelta(minutes=2)
"""A change can become visible so long after its changed_at: its coordinator was paused, its write was tried again."""
DAILY_LOOKBACK = timedelta(days=2)
"""What the daily schedule reads again, for a change that was later still."""
ROWS_PER_TICK = 200_000
"""A tick after a long outage ends after so many changes, well within Dagster's 60 s; the mark keeps its progress."""
DAILY_ROWS_PER_TICK = 2_000_000
"""The daily reading must come through its two days to reach the mark: this is 11 batches a second."""


@dataclass(frozen=True, slots=True)
class FeedState:
    """What one tick read and found. `now` is Cassandra's clock; the feed has been read through `checkpoint`."""

    now: datetime
    checkpoint: datetime
    changes_read: int
    pending: tuple[PendingHour, ...]

    @property
    def behind(self) -> bool:
        """Whether the feed holds more than this tick read."""
        return self.checkpoint < self.now


def read_feed(
    feed: ChangeFeed,
    hours: PendingHourStore,
    *,
    lookback: timedelta = LOOKBACK,
    failures: Sequence[FailedRun] = (),
    rows_per_tick: int = ROWS_PER_TICK,
) -> FeedState:
    """Read what changed since the mark, store pending hours and mark, and return all hours that are pending.

    Costs the number of new changes and of pending hours, whatever the history. Killed anywhere, it loses nothing: the
    mark moves in the transaction that stores what lies before it. A first reading begins with the oldest change.
    """
    now = feed.now()
    mark = hours.checkpoint()
    start = now - timedelta(seconds=EVENT_CHANGES.ttl_s) if mark is None else mark - lookback
    checkpoint, changes_read = mark or start, 0
    for page in feed.pages(start, now):
        hours.record(page.newest, read_through=page.read_through, now=now)
        checkpoint = max(checkpoint, page.read_through)
        changes_read += page.row_count
        if changes_read >= rows_per_tick:
            break
    pending = hours.settle(failures, now=now)
    return FeedState(now=now, checkpoint=checkpoint, changes_read=changes_read, pending=tuple(pending))

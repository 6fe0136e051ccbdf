"""Turns the change feed into pending hours: the first step of the sensor, the daily schedule and `materialize`."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from recruit_assets.contract.tables import EVENT_CHANGES
from recruit_assets.hours.planning import FailedRun, PendingHour
from recruit_assets.hours.ports import ChangeFeed, PendingHourStore

LOOKBACK = timedelta(minutes=2)
"""A change may become visible this long after its changed_at: its coordinator was paused, or its write was retried."""
DAILY_LOOKBACK = timedelta(days=2)
"""How far back the daily schedule reads again, for changes that became visible even later."""
ROWS_PER_TICK = 200_000
"""Ends a tick after a long outage, well within Dagster's 60 s; the checkpoint keeps the progress."""
DAILY_ROWS_PER_TICK = 2_000_000
"""Enough for two days with 11 ingest batches a second: the daily reading must get from there to the checkpoint."""


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
    """Read the changes since the checkpoint, store the hours they make pending, and return all pending hours.

    The cost grows with the number of new changes and pending hours, not with the history. Killed at any point, it loses
    nothing: one transaction stores the hours and moves the checkpoint. The first reading begins with the oldest change.
    """
    now = feed.now()
    stored = hours.checkpoint()
    start = now - timedelta(seconds=EVENT_CHANGES.ttl_s) if stored is None else stored - lookback
    checkpoint, changes_read = stored or start, 0
    for page in feed.pages(start, now):
        hours.record(page.newest, read_through=page.read_through, now=now)
        checkpoint = max(checkpoint, page.read_through)
        changes_read += page.row_count
        if changes_read >= rows_per_tick:
            break
    pending = hours.settle(failures, now=now)
    return FeedState(now=now, checkpoint=checkpoint, changes_read=changes_read, pending=tuple(pending))

"""Turns the change feed into pending hours: the first step of the sensor, the daily schedule and `materialize`."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from recruit_assets.contract.tables import EVENT_CHANGES
from recruit_assets.hours.planning import FailedRun, PendingHour, is_ahead
from recruit_assets.hours.ports import ChangeFeed, ChangePage, PendingHourStore

log = logging.getLogger(__name__)

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
    frozen: tuple[datetime, ...] = ()
    """Hours that were pending until now and are given up: the report keeps them as they are."""
    set_back_from: datetime | None = None
    """The checkpoint that lay in the future: Cassandra's clock was ahead, and the feed is read from its beginning."""

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
    nothing: one transaction stores the hours and moves the checkpoint. The first reading begins with the oldest change,
    and so does one that finds a checkpoint in the future. A `lookback` of days also finds changes in the future.
    """
    now = feed.now()
    stored = hours.checkpoint()
    oldest = now - timedelta(seconds=EVENT_CHANGES.ttl_s)
    set_back_from = stored if stored is not None and is_ahead(stored, now) else None
    if stored is None or set_back_from is not None or lookback > LOOKBACK:
        # they are visible, so they happened before now
        hours.record(ChangePage(dict.fromkeys(feed.hours_ahead(now), now), oldest, row_count=0), now=now)
    if set_back_from is not None:
        _start_over(hours, set_back_from, oldest=oldest, now=now)
        stored = None
    start = oldest if stored is None else stored - lookback
    checkpoint, changes_read = stored or start, 0
    for page in feed.pages(start, now, counted_through=stored):
        hours.record(page, now=now)
        checkpoint = max(checkpoint, page.read_through)
        changes_read += page.row_count
        if changes_read >= rows_per_tick:
            break
    pending = hours.settle(failures, now=now)
    frozen = _drop_frozen(hours, pending, before=feed.frozen_before(now))
    return FeedState(
        now=now,
        checkpoint=checkpoint,
        changes_read=changes_read,
        pending=tuple(one for one in pending if one.hour not in frozen),
        frozen=frozen,
        set_back_from=set_back_from,
    )


def _drop_frozen(
    hours: PendingHourStore, pending: Sequence[PendingHour], *, before: datetime | None
) -> tuple[datetime, ...]:
    """Give up the pending hours that are frozen: their events expire, so a run would empty them."""
    frozen = tuple(one.hour for one in pending if before is not None and one.hour < before)
    if frozen:
        log.warning(
            "%d pending hours from %s on are frozen (RECRUIT_RETENTION_DAYS): the report keeps them without their "
            "newest changes",
            len(frozen),
            f"{frozen[0]:%Y-%m-%d %H:%M}",
        )
        hours.drop(frozen)
    return frozen


def _start_over(hours: PendingHourStore, checkpoint: datetime, *, oldest: datetime, now: datetime) -> None:
    """Read the feed from its beginning: nobody knows since when changes lie before the checkpoint unread."""
    log.warning(
        "Cassandra's clock was set back: the change feed was read through %s, its clock says %s. The feed is read "
        "again from its beginning, and hours that are covered in the future are pending again",
        f"{checkpoint:%Y-%m-%d %H:%M:%S}",
        f"{now:%Y-%m-%d %H:%M:%S}",
    )
    hours.start_over(checkpoint, at=oldest)

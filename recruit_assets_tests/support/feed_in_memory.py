"""The change feed and the pending hours of one hour, in memory, for the interleaving tests."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from datetime import datetime
from typing import Protocol

from greenlet import getcurrent

from recruit_assets.hours.change_feed import DAILY_LOOKBACK
from recruit_assets.hours.planning import SKEW, FailedRun, PendingHour, is_ahead, is_covered, uncovered
from recruit_assets.hours.ports import ChangePage
from recruit_assets.runtime.times import EPOCH, from_ms


class Report(Protocol):
    coverage: tuple[int, int]
    """covered_through in ms, and write timestamp."""


class Stores(Protocol):
    """What is read of the world."""

    off: frozenset[str]
    changes: list[int]

    @property
    def report(self) -> Report: ...
    def clock_ms(self) -> int: ...


def pause() -> None:
    """Let others act before the next step of an actor."""
    scheduler = getcurrent().parent
    if scheduler is not None:
        scheduler.switch()


class FakeFeed:
    """`ports.ChangeFeed` over the changes of one hour."""

    def __init__(self, stores: Stores, hour: datetime, pending: FakePendingHours) -> None:
        self._stores, self._hour, self._pending = stores, hour, pending

    def now(self) -> datetime:
        pause()
        return from_ms(self._stores.clock_ms())

    def pages(self, start: datetime, now: datetime, *, counted_through: datetime | None = None) -> Iterator[ChangePage]:
        pause()
        if "checkpoint_ahead" in self._stores.off:
            start = max(start, self._pending.furthest_read - DAILY_LOOKBACK)
        found = [at for at in map(from_ms, self._stores.changes) if start <= at <= now + SKEW]
        yield ChangePage({self._hour: max(found)} if found else {}, now, len(found))

    def frozen_before(self, now: datetime) -> datetime | None:
        return None

    def hours_ahead(self, now: datetime) -> Collection[datetime]:
        pause()
        is_any = any(from_ms(at) > now + SKEW for at in self._stores.changes)
        return {self._hour} if is_any and "changes_ahead" not in self._stores.off else set()


class FakePendingHours:
    """`ports.PendingHourStore` for one hour; each method is a transaction."""

    def __init__(self, stores: Stores, hour: datetime) -> None:
        self._stores, self._hour = stores, hour
        self._checkpoint: datetime | None = None
        self._newest_change: datetime | None = None
        """Of the hour, while it is pending."""
        self.furthest_read = EPOCH

    def checkpoint(self) -> datetime | None:
        pause()
        return self._checkpoint

    def start_over(self, checkpoint: datetime, *, at: datetime) -> None:
        pause()
        if self._checkpoint == checkpoint:
            self._checkpoint = at

    def record(self, page: ChangePage, *, now: datetime) -> None:
        pause()
        self._checkpoint = max(self._checkpoint or page.read_through, page.read_through)
        self.furthest_read = max(self.furthest_read, page.read_through)
        for changed_at in uncovered(page.newest, {self._hour: self._covered_through()}).values():
            self._add(changed_at)

    def drop(self, hours: Sequence[datetime]) -> None:
        self._newest_change = None

    def settle(self, failures: Sequence[FailedRun], *, now: datetime) -> Sequence[PendingHour]:
        pause()
        if is_ahead(self._covered_through(), now) and "coverage_ahead" not in self._stores.off:
            self._stores.report.coverage = (0, 0)
            self._add(now)
        if self._newest_change is not None and "change_ahead" not in self._stores.off:
            self._newest_change = now if is_ahead(self._newest_change, now) else self._newest_change
        if self._newest_change is None or is_covered(self._newest_change, self._covered_through()):
            self._newest_change = None
            return []
        return [PendingHour(self._hour, newest_change=self._newest_change, next_try_at=now)]

    def _covered_through(self) -> datetime:
        return from_ms(self._stores.report.coverage[0])

    def _add(self, changed_at: datetime) -> None:
        self._newest_change = max(self._newest_change or changed_at, changed_at)

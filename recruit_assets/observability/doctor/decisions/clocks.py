"""Rules of clocks. docs/operators.md says what each of them decides."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from recruit_assets.hours.planning import SKEW, is_ahead
from recruit_assets.observability.conditions import AHEAD_BY
from recruit_assets.observability.doctor.verdict import Verdict, fail, ok, skipped, warn

USE_NTP = "keep both hosts on NTP; docs/operators.md, Clocks, says what a wrong clock did"


@dataclass(frozen=True, slots=True)
class ClockReading:
    """A store's clock, and this machine's before and after it was asked."""

    theirs: datetime
    before: datetime
    after: datetime

    @property
    def offset(self) -> timedelta:
        """How far the store's clock is ahead, at least; the time that the answer took doesn't count."""
        if self.theirs < self.before:
            return self.theirs - self.before
        return max(self.theirs - self.after, timedelta())


def clock(store: str, reading: ClockReading | None) -> Verdict:
    """None if the store doesn't tell its time."""
    if reading is None:
        return skipped(f"{store} doesn't tell this login its time")
    seconds = reading.offset.total_seconds()
    found = f"{store}'s clock is {abs(seconds):,.1f} s {'ahead of' if seconds > 0 else 'behind'} this machine's"
    if abs(reading.offset) > AHEAD_BY:
        return fail(found, USE_NTP)
    if abs(reading.offset) > SKEW:
        return warn(found, USE_NTP)
    return ok(f"{store}'s clock and this machine's agree within {SKEW.total_seconds():.0f} s")


def newest_record(newest: datetime | None, *, now: datetime) -> Verdict:
    """The latest time that a broker gave to a record of the event topic."""
    if newest is None:
        return ok("the topic is empty")
    if is_ahead(newest, now):
        return warn(
            f"the newest record has the time {newest:%Y-%m-%d %H:%M:%S}, and it is {now:%Y-%m-%d %H:%M:%S} UTC: a "
            "broker's clock was ahead",
            USE_NTP,
        )
    return ok(f"the newest record came {newest:%Y-%m-%d %H:%M:%S} UTC")

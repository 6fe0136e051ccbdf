"""What counts as a trouble of the report or of ingest, from which limit on. Pure functions of what was read.

A name stays the same while its trouble lasts. It begins with the store it was read from, so that what was known of a
store that can't be read is kept (`unreadable`).
"""

from collections.abc import Callable, Collection, Sequence
from datetime import UTC, datetime, timedelta

from recruit_assets.hours.planning import HOUR, HourRange, PendingHour
from recruit_assets.observability.freshness import waiting_in_kafka
from recruit_assets.observability.troubles import Troubles
from recruit_assets.stores.kafka.ingest_lag import SHARE_WINDOW, IngestLag

Why = Callable[[Collection[datetime]], str]
"""The error with which a run of these hours failed; empty if it isn't known."""

REPORT, KAFKA = "report", "kafka"
INGEST, DEAD_LETTERS, FAILING = f"{KAFKA} ingest", f"{KAFKA} dead letters", f"{REPORT} hours"

UNREAD_AFTER = timedelta(minutes=2)
"""cassandra_cdc_sensor reads the feed every 5 s; Dagster repeats a tick that failed."""
AHEAD_BY = timedelta(minutes=1)
LATE_AFTER = timedelta(minutes=15)
UNATTENDED_AFTER_S = 60.0
"""An ingest process that was killed is replaced within seconds, and in the group within 15 s."""
STUCK_AFTER_S = 300.0
DEAD_LETTER_SHARE = 0.1
"""Ten times the usual share: a faulty tracker release, most often."""
FEWEST_DEAD_LETTERS = 20
"""The share of fewer says nothing."""

_HOUR = "%Y-%m-%dT%H"


def of_report(
    pending: Sequence[PendingHour],
    checkpoint: datetime | None,
    *,
    now: datetime,
    known: Collection[str] = (),
    why: Why = lambda _: "",
) -> Troubles:
    """Why the report isn't up to date with Cassandra; empty if it is. `known` names the troubles so far."""
    troubles = unread_feed(checkpoint, now=now) | wrong_clock(checkpoint, now=now) | late_hours(pending, now=now)
    return troubles | dict(failing_hours(pending, known, why=why))


def unread_feed(checkpoint: datetime | None, *, now: datetime) -> dict[str, str]:
    """That the change feed hasn't been read through for UNREAD_AFTER; nothing before its first reading."""
    if checkpoint is None or now - checkpoint <= UNREAD_AFTER:
        return {}
    return {f"{REPORT} feed": f"the change feed was last read through {checkpoint:%Y-%m-%d %H:%M} UTC"}


def wrong_clock(checkpoint: datetime | None, *, now: datetime) -> dict[str, str]:
    """That the change feed was read through a time, by Cassandra's clock, that the report database's hasn't reached."""
    if checkpoint is None or checkpoint - now <= AHEAD_BY:
        return {}
    return {
        f"{REPORT} clock": f"Cassandra's clock is ahead of the report database's: {checkpoint:%Y-%m-%d %H:%M:%S} and "
        f"{now:%Y-%m-%d %H:%M:%S} UTC. Check the clocks of both hosts"
    }


def late_hours(pending: Sequence[PendingHour], *, now: datetime) -> dict[str, str]:
    """That hours have been pending for LATE_AFTER."""
    late = [one for one in pending if now - one.newest_change > LATE_AFTER]
    if not late:
        return {}
    return {
        f"{REPORT} late": f"{len(late)} hours have waited for more than 15 minutes, first "
        f"{late[0].hour:%Y-%m-%d %H:%M} UTC"
    }


def failing_hours(pending: Sequence[PendingHour], known: Collection[str], *, why: Why = lambda _: "") -> Troubles:
    """One trouble per range of hours whose last run failed, until none of them is pending or a run has succeeded.

    A range that fails and is tried again hour by hour is one trouble. So are hours that fail next to it: while Spark is
    down, each new hour fails too.
    """
    left = {one.hour for one in pending if one.attempts}
    troubles: dict[str, str] = {}
    ranges = [(name, found) for name in sorted(known) if (found := _hours_of(name)) is not None]
    for name, around in ranges:
        if mine := _next_to(around, left):
            troubles[name] = _failing(mine, why)
            left -= mine
    while left:
        mine = _next_to(HourRange(min(left), min(left)), left)
        troubles[f"{FAILING} {min(mine):{_HOUR}} {max(mine):{_HOUR}}"] = _failing(mine, why)
        left -= mine
    return troubles


def of_ingest(lag: IngestLag, known: Collection[str] = ()) -> Troubles:
    """That Kafka holds what ingest doesn't store, and that too much becomes dead letters."""
    troubles: dict[str, str] = {}
    # right after a restart of the reader it isn't known whether ingest gets on
    is_stuck = lag.has_advanced is False or (lag.has_advanced is None and INGEST in known)
    if (lag.members == 0 and lag.age_s > UNATTENDED_AFTER_S) or (is_stuck and lag.age_s > STUCK_AFTER_S):
        troubles[INGEST] = waiting_in_kafka(lag)
    if lag.recent_dead_letters >= FEWEST_DEAD_LETTERS and lag.dead_letter_share > DEAD_LETTER_SHARE:
        troubles[DEAD_LETTERS] = (
            f"{lag.dead_letter_share:.0%} of the records of the last {SHARE_WINDOW.seconds // 60} minutes are "
            f"dead letters ({lag.recent_dead_letters:,} of {lag.recent_records:,}): see `recruit-assets dead-letters "
            "list`"
        )
    return troubles


def unreadable(store: str, error: Exception, known: Troubles) -> Troubles:
    """That the store can't be read, and what was known of it: nobody knows whether that is over."""
    kept = {name: text for name, text in known.items() if name.startswith(store)}
    return kept | {f"{store} unreadable": f"cannot find out whether the report is up to date: {error}"}


def _next_to(around: HourRange, hours: Collection[datetime]) -> set[datetime]:
    """Those of the hours that are in the range, or follow it or each other without a gap."""
    reach = HourRange(around.first - HOUR, around.last + HOUR)
    found = {hour for hour in hours if hour in reach}
    new = found
    while new:
        new = {near for hour in new for near in (hour - HOUR, hour + HOUR) if near in hours} - found
        found = found | new
    return found


def _hours_of(name: str) -> HourRange | None:
    """The hours of a trouble that `failing_hours` named; None if it isn't one."""
    try:
        first, last = (
            datetime.strptime(each, _HOUR).replace(tzinfo=UTC) for each in name.removeprefix(FAILING).split()
        )
    except ValueError:
        return None
    return HourRange(first, last)


def _failing(hours: Collection[datetime], why: Why) -> str:
    first = f"{min(hours):%Y-%m-%d %H:%M} UTC"
    what = f"the hour {first} fails" if len(hours) == 1 else f"{len(hours)} hours fail, first {first}"
    return f"{what}: {reason}" if (reason := why(hours)) else what

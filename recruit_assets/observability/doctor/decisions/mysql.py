"""Rules of the report database: server, schema, how current the report is."""

from collections.abc import Collection, Sequence
from datetime import datetime

from recruit_assets.hours.planning import PendingHour
from recruit_assets.observability import conditions
from recruit_assets.observability.doctor.decisions.schema import APPLY
from recruit_assets.observability.doctor.verdict import Verdict, counted, fail, ok, shown, warn
from recruit_assets.stores.mysql.server import Server

MATERIALIZE = "start the daemon (`recruit-assets up`), or run `recruit-assets materialize`"
SMALLEST_PACKET = 1024 * 1024
"""Rows are sent in statements of up to this size."""


def server(found: Server) -> Verdict:
    """Settings with which the server refuses our writes."""
    wrong = []
    if found.read_only:
        wrong.append("read_only is on")
    if found.binlog_format == "STATEMENT":
        wrong.append("binlog_format is STATEMENT")
    if found.max_allowed_packet < SMALLEST_PACKET:
        wrong.append(f"max_allowed_packet is {found.max_allowed_packet}, wanted at least {SMALLEST_PACKET}")
    if wrong:
        return fail(f"the server refuses our writes: {'; '.join(wrong)}", "change it there, or use the primary server")
    return ok("it takes our writes")


def database(name: str, *, exists: bool) -> Verdict:
    if exists:
        return ok(f"database {name}")
    return fail(f"database {name} doesn't exist", f"check RECRUIT_MYSQL_DATABASE, or {APPLY}")


def change_feed(checkpoint: datetime | None, *, now: datetime) -> Verdict:
    """Through when the change feed was read, by the report database's clock."""
    ahead = conditions.wrong_clock(checkpoint, now=now)
    if ahead:
        return fail(shown(ahead.values()), "correct it; the next tick reads the feed from its beginning")
    unread = conditions.unread_feed(checkpoint, now=now)
    if unread:
        return warn(shown(unread.values()), MATERIALIZE)
    return ok("never read so far" if checkpoint is None else f"read through {checkpoint:%Y-%m-%d %H:%M:%S} UTC")


def covered_ahead(hours: Sequence[datetime]) -> Verdict:
    """Hours whose coverage lies in the future."""
    if hours:
        return warn(
            f"{counted(len(hours), 'hour')} covered in the future, first {hours[0]:%Y-%m-%d %H:%M} UTC: Cassandra's "
            "clock was ahead, and events may be missing",
            MATERIALIZE,
        )
    return ok("no hour is covered in the future")


def waiting_hours(pending: Sequence[PendingHour], *, now: datetime) -> Verdict:
    late = conditions.late_hours(pending, now=now)
    return warn(shown(late.values()), MATERIALIZE) if late else ok(f"{counted(len(pending), 'hour')} pending")


def failing_hours(pending: Sequence[PendingHour]) -> Verdict:
    failing = conditions.failing_hours(pending, known=())
    if failing:
        return fail(shown(failing.values()), "look at the newest failed run in Dagster's UI; it names the reason")
    return ok("no run of a pending hour failed")


def wrong_hours(checks: Collection[tuple[str, str]]) -> Verdict:
    """Asset and name of the checks that know of hours which are wrong."""
    if checks:
        names = shown(f"{check} of {asset}" for asset, check in sorted(checks))
        return fail(
            f"wrong hours were found by {names}", "materialize the hours in table wrong_hours again, in Dagster's UI"
        )
    return ok("no check knows of a wrong hour")

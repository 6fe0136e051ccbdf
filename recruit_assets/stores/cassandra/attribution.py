"""The table attribution, which has every change of RECRUIT_ATTRIBUTION, and what each hour's rows were found by."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from recruit_assets.contract.attribution import DEFAULT, Attribution
from recruit_assets.contract.tables import ATTRIBUTION, FILTERED_EVENTS, HOUR_COVERAGE
from recruit_assets.hours.bucket_state import RowCounts
from recruit_assets.runtime.errors import UserError
from recruit_assets.runtime.times import aware
from recruit_assets.stores.cassandra.session import CassandraSession

log = logging.getLogger(__name__)

NEVER = datetime.min


@dataclass(frozen=True, slots=True)
class RulesInForce:
    """The rules that were stored last, at NEVER if nobody changed them.

    Without `pending_at`, the hours that other rules computed aren't pending yet.
    """

    stored_at: datetime
    rules: str
    pending_at: datetime | None = None

    @property
    def hours_are_left(self) -> bool:
        """Whether the hours have to be made pending."""
        return self.stored_at != NEVER and self.pending_at is None


def read_rules(session: CassandraSession) -> RulesInForce:
    """The rules of this installation; the event's own job if they were never changed."""
    rows = session.execute(f"SELECT stored_at, rules, pending_at FROM {session.table(ATTRIBUTION)}")
    changes = sorted((RulesInForce(*row) for row in rows), key=lambda one: one.stored_at)
    return changes[-1] if changes else RulesInForce(NEVER, str(DEFAULT))


def require_rules(session: CassandraSession, wanted: Attribution) -> None:
    """UserError if this process has other rules than the installation: its hours would be counted in another way."""
    stored = read_rules(session)
    if str(wanted) != stored.rules:
        raise UserError(
            f"RECRUIT_ATTRIBUTION is {wanted}, but this installation has {stored.rules}. Set it as it is there, or "
            "change it there with `recruit-assets schema apply`"
        )


def apply_rules(session: CassandraSession, wanted: Attribution, *, may_change: bool) -> RulesInForce:
    """Store a change, and return the rules in force.

    UserError if this caller may not change them, and they were changed before.
    """
    stored = read_rules(session)
    if str(wanted) == stored.rules:
        return stored
    if stored.stored_at != NEVER and not may_change:
        require_rules(session, wanted)
    insert = f"INSERT INTO {session.table(ATTRIBUTION)} (stored_at, rules) VALUES (toTimestamp(now()), %s)"
    session.execute(insert, (str(wanted),))
    log.warning("RECRUIT_ATTRIBUTION was %s and is now %s; all hours are replaced", stored.rules, wanted)
    return read_rules(session)


def note_pending(session: CassandraSession, rules: RulesInForce) -> None:
    """From now on the hours that other rules computed are pending."""
    update = f"UPDATE {session.table(ATTRIBUTION)} SET pending_at = toTimestamp(now()) WHERE stored_at = %s"
    session.execute(update, (rules.stored_at,))


def read_counts_by_rule(
    session: CassandraSession, attribution: Attribution, hours: Sequence[datetime]
) -> Mapping[datetime, RowCounts]:
    """How many events each rule found in these hours; without hours that other rules computed or a run is replacing."""
    rows = session.execute_by_hour(
        f"SELECT event_hour, covered_through, computed_by, buckets FROM {session.table(HOUR_COVERAGE)} "
        "WHERE event_hour IN ? AND stage = ?",
        hours,
        FILTERED_EVENTS.name,
    )
    return {
        aware(hour): sum((RowCounts.of_numbers(*counts) for _, _, *counts in (buckets or {}).values()), RowCounts())
        for hour, covered_through, computed_by, buckets in rows
        if covered_through is not None and computed_by == attribution.recorded
    }

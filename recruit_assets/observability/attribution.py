"""How many countable events each rule of RECRUIT_ATTRIBUTION found the job of, for the metrics and the report page."""

from collections.abc import Mapping

from recruit_assets.contract.attribution import Attribution
from recruit_assets.hours.bucket_state import RowCounts
from recruit_assets.hours.planning import HOUR
from recruit_assets.runtime.times import from_ms
from recruit_assets.stores.cassandra.attribution import read_counts_by_rule
from recruit_assets.stores.cassandra.session import CassandraSession

UNATTRIBUTED = "none"
"""Stands for the rule of events whose job no rule found."""


def recent_attribution(session: CassandraSession, attribution: Attribution, *, hours: int) -> Mapping[str, int]:
    """Events of the last `hours` by rule, as runs have counted them; empty if events have no job but their own.

    Hours that other rules computed, or that a run is replacing, are left out.
    """
    if attribution.is_default:
        return {}
    current = from_ms(session.now_ms()).replace(minute=0, second=0, microsecond=0)
    found = read_counts_by_rule(session, attribution, [current - number * HOUR for number in range(hours)])
    total = sum(found.values(), RowCounts())
    by_rule = dict.fromkeys(attribution.names, 0) | dict(zip(attribution.names, total.by_rule, strict=False))
    return by_rule | {UNATTRIBUTED: total.unattributed}

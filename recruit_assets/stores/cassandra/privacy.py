"""The table privacy, which has every change of RECRUIT_PRIVACY."""

import logging
from collections.abc import Sequence

from recruit_assets.contract.privacy import PrivacyInForce, PrivacyMode
from recruit_assets.contract.tables import PRIVACY
from recruit_assets.stores.cassandra.session import CassandraSession
from recruit_assets.transforms.privacy import require_privacy

log = logging.getLogger(__name__)


def read_privacy(session: CassandraSession) -> Sequence[PrivacyInForce]:
    """All changes so far, oldest first; the last is in force. Without any, everything was kept."""
    rows = session.execute(f"SELECT stored_at, mode, key_check FROM {session.table(PRIVACY)}")
    changes = sorted(tuple(row) for row in rows)
    return [PrivacyInForce(), *(PrivacyInForce(PrivacyMode(mode), key_check) for _, mode, key_check in changes)]


def apply_privacy(session: CassandraSession, wanted: PrivacyInForce, *, may_change: bool) -> None:
    """Store a change. It counts for the events that are ingested from now on.

    UserError if this caller may not change it: a shell or run that lacks the setting must not store what another
    process takes out.
    """
    *earlier, stored = read_privacy(session)
    if wanted == stored:
        return
    if earlier and not may_change:
        require_privacy(stored, wanted)
    insert = f"INSERT INTO {session.table(PRIVACY)} (stored_at, mode, key_check) VALUES (toTimestamp(now()), %s, %s)"
    session.execute(insert, (wanted.mode.value, wanted.key_check))
    log.warning("RECRUIT_PRIVACY was %s and is now %s", stored.mode, wanted.mode)

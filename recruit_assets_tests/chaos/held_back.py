"""Change rows that become visible long after the events that they announce."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial

import pytest
from cassandra.util import uuid_from_time

from recruit_assets.contract.tables import EVENT_CHANGES
from recruit_assets.hours.change_feed import read_feed
from recruit_assets.ingest.service import drain
from recruit_assets.runtime.settings import Settings
from recruit_assets.stores.cassandra.change_reader import ChangeReader
from recruit_assets.stores.cassandra.event_writes import Change, Done, EventWrites
from recruit_assets.stores.cassandra.session import open_session
from recruit_assets.stores.mysql.connection import open_report_database
from recruit_assets.stores.mysql.pending_hours import PendingHours


def drain_with_changes_held_back(settings: Settings) -> Callable[[int], None]:
    """Drain the topic without its change rows; call the result with n to write them, dated n seconds ago."""
    held: list[Change] = []

    def hold(_: EventWrites, changes: Sequence[Change], *, done: Done) -> None:
        held.extend(changes)
        done(None)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(EventWrites, "send_changes", hold)
        drain(settings)
    return partial(_write, settings, held)


def read_feed_past_it(settings: Settings) -> int:
    """Move the checkpoint to now; returns how many hours are pending."""
    with open_session(settings) as session, open_report_database(settings) as database:
        return len(read_feed(ChangeReader(session), PendingHours(database)).pending)


def _write(settings: Settings, held: list[Change], seconds_ago: int) -> None:
    with open_session(settings) as session:
        changed_at = datetime.fromtimestamp(session.now_ms() / 1000, UTC) - timedelta(seconds=seconds_ago)
        for change in held:
            session.execute(
                f"INSERT INTO {session.table(EVENT_CHANGES)} (day, shard, changed_at, event_hour, buckets, row_count) "
                "VALUES (%s, %s, %s, %s, %s, %s)",
                (
                    changed_at.date(),
                    change.shard,
                    uuid_from_time(changed_at),
                    datetime.fromtimestamp(change.hour_ms / 1000, UTC),
                    change.buckets,
                    change.row_count,
                ),
            )

"""The table bucket_layout: how each hour is split into buckets. Ingest stores the first layout, operators others."""

from cassandra import ConsistencyLevel
from cassandra.query import SimpleStatement

from recruit_assets.contract.tables import BUCKET_LAYOUT
from recruit_assets.runtime.times import from_ms
from recruit_assets.stores.cassandra.session import CassandraSession
from recruit_assets.transforms.buckets import FIRST_LAYOUT, ONE_BUCKET, Layout, Layouts

FIRST_VALID_FROM_MS = 0
"""Key of the row for which ingest processes compete: the same for all, whatever their settings."""


def read_layouts(session: CassandraSession) -> Layouts:
    """All layouts. While none is stored, no event was ever: then every hour has the buckets of the first layout."""
    return stored_layouts(session) or Layouts([(FIRST_VALID_FROM_MS, FIRST_LAYOUT)])


def stored_layouts(session: CassandraSession) -> Layouts | None:
    """All layouts; None while no process has stored the first."""
    columns = "toUnixTimestamp(valid_from_hour), slices, shards, toUnixTimestamp(one_bucket_before)"
    rows = session.execute(f"SELECT {columns} FROM {session.table(BUCKET_LAYOUT)}")
    by_first_hour: dict[int, Layout] = {}
    for hour_ms, slices, shards, one_bucket_before_ms in rows:
        if one_bucket_before_ms is None:
            by_first_hour[hour_ms] = Layout(slices, shards)
        else:
            by_first_hour |= {hour_ms: ONE_BUCKET, one_bucket_before_ms: Layout(slices, shards)}
    return Layouts(by_first_hour.items()) if by_first_hour else None


def store_first_layout(session: CassandraSession, *, one_bucket_before_ms: int | None) -> None:
    """Store the first layout unless another process has: of several that decide at once, one wins.

    The layout is one row, so that nobody ever sees half of it: an event must be in the same bucket for ever.
    """
    insert = SimpleStatement(
        f"INSERT INTO {session.table(BUCKET_LAYOUT)} (valid_from_hour, slices, shards, one_bucket_before) "
        "VALUES (%s, %s, %s, %s) IF NOT EXISTS",
        serial_consistency_level=ConsistencyLevel.LOCAL_SERIAL,
    )
    before = None if one_bucket_before_ms is None else from_ms(one_bucket_before_ms)
    layout = FIRST_LAYOUT.slices, FIRST_LAYOUT.shards
    session.execute(insert, (from_ms(FIRST_VALID_FROM_MS), *layout, before))

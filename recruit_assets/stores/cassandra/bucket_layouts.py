"""The bucket_layout table, read by all who must find an event's partition; `schema apply` and operators add to it."""

from recruit_assets.contract.tables import BUCKET_LAYOUT
from recruit_assets.runtime.errors import Inconsistent
from recruit_assets.stores.cassandra.session import CassandraSession
from recruit_assets.transforms.buckets import Layout, Layouts


def read_layouts(session: CassandraSession) -> Layouts:
    """All layouts; Inconsistent where there is none, since no event could be found."""
    table = session.table(BUCKET_LAYOUT)
    rows = session.execute(f"SELECT toUnixTimestamp(valid_from_hour), slices, shards FROM {table}")
    if not rows:
        raise Inconsistent(f"{table} has no layout. Run `recruit-assets schema apply`")
    return Layouts((hour_ms, Layout(slices, shards)) for hour_ms, slices, shards in rows)

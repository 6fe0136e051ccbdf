"""The table bucket_layout: how each hour is split into buckets. `schema apply` and operators add rows."""

from recruit_assets.contract.tables import BUCKET_LAYOUT
from recruit_assets.runtime.errors import Inconsistent
from recruit_assets.stores.cassandra.session import CassandraSession
from recruit_assets.transforms.buckets import Layout, Layouts


def read_layouts(session: CassandraSession) -> Layouts:
    """All layouts; Inconsistent if there is none: without one, no event has a partition."""
    table = session.table(BUCKET_LAYOUT)
    rows = session.execute(f"SELECT toUnixTimestamp(valid_from_hour), slices, shards FROM {table}")
    if not rows:
        raise Inconsistent(f"{table} is empty: wanted at least one layout. Run `recruit-assets schema apply`")
    return Layouts((hour_ms, Layout(slices, shards)) for hour_ms, slices, shards in rows)

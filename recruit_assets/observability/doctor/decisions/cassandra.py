"""Rules of Cassandra: nodes, keyspace, change feed."""

from collections.abc import Collection, Mapping
from datetime import datetime

from recruit_assets.observability.doctor.decisions.schema import APPLY
from recruit_assets.observability.doctor.verdict import Verdict, counted, fail, ok, shown, warn
from recruit_assets.stores.cassandra.cluster import Nodes


def nodes(found: Nodes) -> Verdict:
    if found.down:
        return warn(f"{len(found.down)} of {found.count} nodes don't answer: {shown(found.down)}", "start them")
    return ok(f"{counted(found.count, 'node')}, all up")


def replication(found: Mapping[str, int] | None, wanted: Mapping[str, int], *, keyspace: str) -> Verdict:
    """Replicas per row, by datacenter; `found` is None without a keyspace and empty for a simple strategy."""
    if found is None:
        return fail(f"keyspace {keyspace} doesn't exist", f"check RECRUIT_CASSANDRA_KEYSPACE, or {APPLY}")
    if found != wanted:
        return warn(
            f"keyspace {keyspace} has {_spelt(found)}, RECRUIT_CASSANDRA_REPLICATION asks for {_spelt(wanted)}",
            "alter the keyspace and run `nodetool repair`, or change the setting",
        )
    return ok(f"keyspace {keyspace} has {_spelt(found)}")


def retention(stored: int, *, wanted: int) -> Verdict:
    """Days that events are kept, 0 for ever. Where other days were stored before, a service refuses to start."""
    if stored != wanted:
        return warn(f"RECRUIT_RETENTION_DAYS is {wanted}, but the schema has {stored}: it isn't in force", APPLY)
    return ok(f"events are kept for {stored} days" if stored else "events are kept")


def unanswering_index(error: str) -> Verdict:
    """The index by which the privacy commands find a person is there, but Cassandra can't use it."""
    return fail(
        f"a person's events can't be found: {error}",
        "wait until each node has built the index; if it doesn't, run `nodetool rebuild_index` there",
    )


def changes_ahead(hours: Collection[datetime]) -> Verdict:
    """Hours with changes that lie in the future by Cassandra's clock."""
    if hours:
        first = min(hours)
        return warn(
            f"{counted(len(hours), 'hour')} with changes in the future, first {first:%Y-%m-%d %H:%M} UTC: Cassandra's "
            "clock was ahead",
            "run `recruit-assets materialize`, which reads them at once",
        )
    return ok("no change lies in the future")


def _spelt(replicas: Mapping[str, int]) -> str:
    if not replicas:
        return "a strategy without datacenters"
    return ",".join(f"{name}:{count}" for name, count in sorted(replicas.items()))

"""What Cassandra says about itself: its nodes, their versions, and the replicas of our keyspace."""

from dataclasses import dataclass

from recruit_assets.stores.cassandra.session import CassandraSession


@dataclass(frozen=True, slots=True)
class Nodes:
    """The cluster's nodes, as the node that answers knows them."""

    versions: tuple[str, ...]
    """Each version that a node has, once."""
    count: int
    down: tuple[str, ...]
    """Addresses of the nodes that the driver can't reach."""


def read_nodes(session: CassandraSession) -> Nodes:
    """All nodes now; StoreUnavailable if Cassandra doesn't answer."""
    rows = session.execute("SELECT release_version FROM system.local")
    rows += session.execute("SELECT release_version FROM system.peers_v2")
    hosts = session.driver.cluster.metadata.all_hosts()
    return Nodes(
        versions=tuple(sorted({version for (version,) in rows if version})),
        count=len(rows),
        down=tuple(sorted(str(host.address) for host in hosts if host.is_up is False)),
    )


def keyspace_replicas(session: CassandraSession) -> dict[str, int] | None:
    """Replicas per row of our keyspace, by datacenter; None if it doesn't exist, empty if it has another strategy."""
    rows = session.execute(
        "SELECT replication FROM system_schema.keyspaces WHERE keyspace_name = %s", (session.keyspace,)
    )
    if not rows:
        return None
    options: dict[str, str] = dict(rows[0][0])
    if not options.pop("class").endswith("NetworkTopologyStrategy"):
        return {}
    return {name: int(count) for name, count in options.items() if count.isdigit()}

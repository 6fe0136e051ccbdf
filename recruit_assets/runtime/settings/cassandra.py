"""Settings of Cassandra."""

from pydantic import BaseModel, Field, SecretStr

from recruit_assets.runtime.settings.value_types import ContactPoints, Identifier, Port, Replicas, TlsCa, words


class CassandraSettings(BaseModel):
    """Nodes, keyspace, replicas and login."""

    cassandra_hosts: ContactPoints = Field("", description="Cassandra contact points, comma separated")
    cassandra_port: Port = Field(9042, description="Cassandra's native port")
    cassandra_keyspace: Identifier = Field("recruit", description="Keyspace of the platform's tables")
    cassandra_datacenter: str = Field("datacenter1", min_length=1, description="Local datacenter of the contact points")
    cassandra_replication: Replicas = Field(
        "1", description="Replicas per row of a keyspace that schema apply creates; for several datacenters dc1:3,dc2:3"
    )
    cassandra_tls_ca: TlsCa = Field(
        "", description="PEM file with the CA of the nodes' certificates, or `system`; `off`: log in without TLS"
    )
    cassandra_user: str = Field("", description="Cassandra user; empty: no login")
    cassandra_password: SecretStr = Field(SecretStr(""), description="Cassandra password")

    @property
    def contact_points(self) -> list[str]:
        return words(self.cassandra_hosts)

    @property
    def cassandra_replicas(self) -> dict[str, int]:
        """Replicas per row, by datacenter."""
        if self.cassandra_replication.isdigit():
            return {self.cassandra_datacenter: int(self.cassandra_replication)}
        pairs = (part.rpartition(":") for part in self.cassandra_replication.split(","))
        return {name: int(count) for name, _, count in pairs}

"""Cassandra as a Dagster resource."""

from typing import ClassVar

from recruit_assets.defs.resources.base import StoreResource
from recruit_assets.stores.cassandra.session import CassandraSession, open_session


class CassandraResource(StoreResource):
    """Contact points, login and keyspace of the events."""

    prefix: ClassVar[str] = "cassandra_"
    address: ClassVar[str] = "hosts"

    hosts: str = ""
    port: int = 0
    keyspace: str = ""
    datacenter: str = ""
    tls_ca: str = ""
    user: str = ""
    password: str = ""

    def session(self) -> CassandraSession:
        """The run's session, opened at its first use and shared by the whole run."""
        return self.connection(lambda: open_session(self.settings))

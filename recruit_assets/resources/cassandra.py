"""Cassandra as a Dagster resource."""

from collections.abc import Iterator
from contextlib import contextmanager

import dagster as dg

from recruit_assets.resources.addresses import resolved, settings_of
from recruit_assets.settings import Settings
from recruit_assets.stores.cassandra import CassandraSession, open_session


class CassandraResource(dg.ConfigurableResource):  # type: ignore[type-arg]  # it provides itself
    """Contact points and keyspace of the events."""

    hosts: str
    port: int
    keyspace: str
    datacenter: str

    @classmethod
    def of(cls, settings: Settings) -> "CassandraResource":
        return cls(
            hosts=settings.cassandra_hosts,
            port=settings.cassandra_port,
            keyspace=settings.cassandra_keyspace,
            datacenter=settings.cassandra_datacenter,
        )

    @property
    def overrides(self) -> dict[str, object]:
        """As settings; empty where no contact point was known when the code location loaded."""
        names = ("hosts", "port", "keyspace", "datacenter")
        return resolved("cassandra_", self.hosts, {name: getattr(self, name) for name in names})

    @property
    def settings(self) -> Settings:
        return settings_of(self.overrides)

    @contextmanager
    def session(self) -> Iterator[CassandraSession]:
        with open_session(self.settings) as session:
            yield session

"""Cassandra as a Dagster resource."""

import dagster as dg
from pydantic import PrivateAttr

from recruit_assets.defs.resources.base import named_password, resolved, settings_of
from recruit_assets.defs.resources.run_scope import Kept
from recruit_assets.runtime.settings import Settings
from recruit_assets.stores.cassandra.session import CassandraSession, open_session


class CassandraResource(dg.ConfigurableResource):  # type: ignore[type-arg]  # it provides itself
    """Contact points and keyspace of the events; the password is an environment variable's."""

    hosts: str
    port: int
    keyspace: str
    datacenter: str
    tls_ca: str
    user: str
    password: str
    _kept: Kept[CassandraSession] = PrivateAttr(default_factory=Kept)

    @classmethod
    def of(cls, settings: Settings) -> "CassandraResource":
        return cls(
            hosts=settings.cassandra_hosts,
            port=settings.cassandra_port,
            keyspace=settings.cassandra_keyspace,
            datacenter=settings.cassandra_datacenter,
            tls_ca=settings.cassandra_tls_ca,
            user=settings.cassandra_user,
            password=named_password(settings, "cassandra"),
        )

    @property
    def overrides(self) -> dict[str, object]:
        """As settings; empty where no contact point was known when the code location loaded."""
        names = ("hosts", "port", "keyspace", "datacenter", "tls_ca", "user", "password")
        return resolved("cassandra_", self.hosts, {name: getattr(self, name) for name in names})

    @property
    def settings(self) -> Settings:
        return settings_of(self.overrides)

    def session(self) -> CassandraSession:
        """The run's session; everyone in the run has the same."""
        return self._kept.get(lambda: open_session(self.settings))

    def teardown_after_execution(self, context: dg.InitResourceContext) -> None:
        """Dagster calls it when the run ends."""
        self._kept.close()

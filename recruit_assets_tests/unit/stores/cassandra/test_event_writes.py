"""The write path keeps its prepared statements alive."""

from types import SimpleNamespace
from typing import cast
from weakref import WeakValueDictionary

from recruit_assets.contract.types import CassandraTable
from recruit_assets.stores.cassandra.event_writes import EventWrites
from recruit_assets.stores.cassandra.session import CassandraSession


class Prepared:
    """A prepared statement as the driver returns it."""

    def __init__(self, cql: str) -> None:
        self.query_id = cql.encode()[:16]


class DriverSession:
    """Remembers prepared statements as the driver does, by weak references."""

    def __init__(self) -> None:
        self.driver = SimpleNamespace()
        self.known: WeakValueDictionary[bytes, Prepared] = WeakValueDictionary()

    def table(self, table: CassandraTable) -> str:
        return f"ks.{table.name}"

    def prepare(self, cql: str) -> Prepared:
        prepared = Prepared(cql)
        self.known[prepared.query_id] = prepared
        return prepared


def test_a_statement_can_be_prepared_again_on_a_node_that_doesnt_know_it() -> None:
    """If the driver doesn't find it by its id, it raises an AttributeError that ends ingest (3.30.1)."""
    session = DriverSession()
    writes = EventWrites(cast(CassandraSession, session))

    assert b"INSERT INTO ks.r" in session.known
    assert writes is not None

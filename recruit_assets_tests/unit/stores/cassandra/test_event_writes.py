"""The write path keeps its prepared statements alive, and tells once how a write ended."""

from collections.abc import Callable
from types import SimpleNamespace
from typing import cast
from weakref import WeakValueDictionary

from cassandra import OperationTimedOut

from recruit_assets.contract.types import CassandraTable
from recruit_assets.runtime.errors import StoreUnavailable
from recruit_assets.stores.cassandra.event_writes import Change, EventWrites
from recruit_assets.stores.cassandra.session import CassandraSession


class Prepared:
    """A prepared statement as the driver returns it."""

    def __init__(self, cql: str) -> None:
        self.query_id = cql.encode()[:16]

    def bind(self, values: object) -> object:
        return values


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


class AnsweredTwice:
    """The driver's answer to a write that it sent again: its own timeout, then what Cassandra says after all."""

    def add_callbacks(self, callback: Callable[[object], None], errback: Callable[[Exception], None]) -> None:
        errback(OperationTimedOut())
        callback([])


def test_a_write_that_the_driver_answers_twice_ended_once() -> None:
    """Counted twice, the batch that is missing then lets ingest wait for ever."""
    session = DriverSession()
    session.driver.execute_async = lambda _: AnsweredTwice()
    answers: list[Exception | None] = []

    EventWrites(cast(CassandraSession, session)).send_changes([Change(0, {1}, 1)], done=answers.append)

    assert [type(one) for one in answers] == [StoreUnavailable]

"""Clients that a code server keeps between the ticks of its sensors: connecting takes longer than a tick."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from threading import Lock
from typing import Generic, TypeVar

from recruit_assets.runtime.errors import RecruitError
from recruit_assets.runtime.settings import Settings
from recruit_assets.stores.cassandra.change_reader import ChangeReader
from recruit_assets.stores.cassandra.session import open_session
from recruit_assets.stores.kafka.ingest_lag import open_lag_reader
from recruit_assets.stores.mysql.connection import ReportDatabase, open_report_database

Client = TypeVar("Client")


class Warm(Generic[Client]):
    """A client that is opened at the first use, and again after an error or with other settings."""

    def __init__(self, open_it: Callable[[Settings], AbstractContextManager[Client]]) -> None:
        self._open = open_it
        self._lock = Lock()
        self._stack = ExitStack()
        self._opened: tuple[Settings, Client] | None = None

    @contextmanager
    def opened(self, settings: Settings) -> Iterator[Client]:
        """The client, for one caller at a time."""
        with self._lock:
            try:
                yield self._current(settings)
            except RecruitError:
                self.close()  # after a restart of its nodes, a session doesn't always recover
                raise

    def close(self) -> None:
        self._opened = None
        self._stack.close()

    def _current(self, settings: Settings) -> Client:
        if self._opened is None or self._opened[0] != settings:
            self.close()
            self._opened = settings, self._stack.enter_context(self._open(settings))
        return self._opened[1]


@contextmanager
def _open_stores(settings: Settings) -> Iterator[tuple[ChangeReader, ReportDatabase]]:
    with open_session(settings) as session, open_report_database(settings) as database:
        yield ChangeReader(session), database  # it prepares its statements once


stores = Warm(_open_stores)
"""The change feed and the report database."""
database = Warm(open_report_database)
"""The report database alone, so that an alert about it needs no Cassandra."""
kafka_lag = Warm(open_lag_reader)

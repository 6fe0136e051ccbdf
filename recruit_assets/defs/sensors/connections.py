"""Connections that a code server keeps between the ticks of its sensors: connecting takes longer than a tick."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from threading import Lock

from recruit_assets.runtime.errors import RecruitError
from recruit_assets.runtime.settings import Settings
from recruit_assets.stores.cassandra.session import CassandraSession, open_session
from recruit_assets.stores.mysql.connection import ReportDatabase, open_report_database


class WarmStores:
    """Cassandra and the report database: opened at the first use, and again after an error or with other settings."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._settings: Settings | None = None
        self._stack = ExitStack()
        self._stores: tuple[CassandraSession, ReportDatabase] | None = None

    @contextmanager
    def opened(self, settings: Settings) -> Iterator[tuple[CassandraSession, ReportDatabase]]:
        """Both stores, for one caller at a time."""
        with self._lock:
            try:
                yield self._current(settings)
            except RecruitError:
                self.close()  # after a restart of its nodes, a session doesn't always recover
                raise

    def close(self) -> None:
        self._stores = None
        self._stack.close()

    def _current(self, settings: Settings) -> tuple[CassandraSession, ReportDatabase]:
        if self._stores is None or self._settings != settings:
            self.close()
            session = self._stack.enter_context(open_session(settings))
            self._stores = session, self._stack.enter_context(open_report_database(settings))
            self._settings = settings
        return self._stores


stores = WarmStores()

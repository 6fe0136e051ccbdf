"""Dagster's SQLite storage with connections that stay open: the same files, a fraction of the processor time.

Dagster's own classes open a connection and compile the statement for each of the hundreds of statements of a run. They
also load all their database migrations whenever an instance is opened, which happens in each tick of a sensor.

It overrides private methods. Checked with CHECKED_WITH: after an upgrade, `unit/stores/dagster/test_sqlite.py` shows
what has changed.
"""

import os
from collections import OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Lock, get_ident
from typing import Any, ClassVar, Self

import dagster as dg
from sqlalchemy import Connection, Engine, create_engine, event, text
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import OperationalError
from sqlalchemy.pool import NullPool
from yaml import safe_dump

from recruit_assets.stores.dagster.compat import (
    ASSET_EVENTS,
    AssetCheckEvaluationPlanned,
    ConfigurableClassData,
    DagsterSqliteStorage,
    InstanceRef,
    SqlEventLogStorageTable,
    SqliteEventLogStorage,
    SqliteRunStorage,
    SqliteScheduleStorage,
    sqlite_folders,
    sqlite_url,
)

CHECKED_WITH = {"dagster": "1.13.27"}

BUSY_TIMEOUT_S = 30
"""How long a statement waits for another process's write."""
EVENTS_PER_BATCH = 1_000
OPEN_FILES = 32
"""Each run has a file. A process that uses more than these closes the one it used longest ago."""


class SqliteInstance(dg.DagsterInstance):
    """A Dagster instance with this storage, unless its dagster.yaml names another one as `storage`."""

    @classmethod
    def config_schema(cls) -> Mapping[str, Any]:
        """No settings beside Dagster's."""
        return {}

    @classmethod
    def config_defaults(cls, base_dir: str) -> Mapping[str, ConfigurableClassData | None]:
        config = safe_dump({"base_dir": base_dir})
        ours = ConfigurableClassData(__name__, OpenSqliteStorage.__name__, config)
        return {**InstanceRef.config_defaults(base_dir), "storage": ours}

    def _get_event_batch_size(self) -> int:
        """What DAGSTER_EVENT_BATCH_SIZE sets otherwise: a run of a month stores 4,000 events at a time."""
        return EVENTS_PER_BATCH


class OpenSqliteStorage(DagsterSqliteStorage):
    """The three storages of a Dagster home."""

    def __init__(self, base_dir: str, inst_data: ConfigurableClassData | None = None) -> None:
        super(DagsterSqliteStorage, self).__init__()  # type: ignore[no-untyped-call]  # Dagster's own would open theirs
        runs, events, schedules = sqlite_folders(base_dir)
        self.base_dir, self._inst_data = base_dir, inst_data
        self._run_storage = OpenRunStorage.from_local(runs)
        self._event_log_storage = OpenEventLogStorage(events)
        self._schedule_storage = OpenScheduleStorage.from_local(schedules)

    @classmethod
    def from_config_value(cls, inst_data: ConfigurableClassData, config_value: dict[str, Any]) -> Self:  # type: ignore[override]  # Dagster's own class narrows it too
        return cls.from_local(config_value["base_dir"], inst_data)


class OpenRunStorage(SqliteRunStorage):
    """Runs and their tags."""

    @classmethod
    def from_local(cls, base_dir: str, inst_data: ConfigurableClassData | None = None) -> Self:
        url = sqlite_url(base_dir, "runs")
        return cls(url, inst_data) if _is_initialized(url) else super().from_local(base_dir, inst_data)

    @contextmanager
    def connect(self) -> Iterator[Connection]:
        with _transaction(self._conn_string) as connection:
            yield connection


class OpenScheduleStorage(SqliteScheduleStorage):
    """Schedules, sensors and their ticks."""

    @classmethod
    def from_local(cls, base_dir: str, inst_data: ConfigurableClassData | None = None) -> "SqliteScheduleStorage":
        url = sqlite_url(base_dir, "schedules")
        return cls(url, inst_data) if _is_initialized(url) else super().from_local(base_dir, inst_data)

    @contextmanager
    def connect(self) -> Iterator[Connection]:
        with _transaction(self._conn_string) as connection:
            yield connection


class OpenEventLogStorage(SqliteEventLogStorage):
    """Events: a file for each run, and one with those that are looked up across runs."""

    _empty: ClassVar[bytes] = b""
    """A run's file before its first event."""

    @contextmanager
    def _connect(self, shard: str) -> Iterator[Connection]:
        url = self.conn_string_for_shard(shard)
        with self._db_lock:
            if shard not in self._initialized_dbs:
                self._ensure_file(url, Path(self.path_for_shard(shard)))
                self._initialized_dbs.add(shard)
        with _transaction(url) as connection:
            yield connection

    def _ensure_file(self, url: str, path: Path) -> None:
        """Copy an empty file, in one step: making one takes 0.15 s of processor time."""
        if not path.exists():
            new = path.with_suffix(f".{os.getpid()}.{get_ident()}")
            new.write_bytes(self._empty_file())
            with suppress(FileExistsError):  # another process was faster
                os.link(new, path)
            new.unlink()
        if not _is_initialized(url):
            self._initdb(engine_of(url))

    def _empty_file(self) -> bytes:
        if not self._empty:
            with TemporaryDirectory() as folder:
                self._initdb(create_engine(sqlite_url(folder, "empty"), poolclass=NullPool))
                type(self)._empty = Path(folder, "empty.db").read_bytes()
        return self._empty

    def store_event_batch(self, events: Sequence[dg.EventLogEntry]) -> None:
        """Store events of one run. Those of assets take one transaction per file; Dagster takes two for each event."""
        of_assets = [one for one in events if one.dagster_event_type in ASSET_EVENTS]
        if of_assets:
            self._store_asset_events(of_assets)
        for one in events:
            if one.dagster_event_type not in ASSET_EVENTS:
                self.store_event(one)

    def _store_asset_events(self, events: Sequence[dg.EventLogEntry]) -> None:
        table, rows = SqlEventLogStorageTable, [self._event_to_row(one) for one in events]
        with self.run_connection(events[0].run_id) as connection:
            connection.execute(table.insert(), rows)
        with self.index_connection() as connection:
            connection.execute(table.insert(), rows)
            # no other process writes meanwhile
            last_id = connection.execute(text(f"SELECT max(id) FROM {table.name}")).scalar_one()
            ids = range(last_id - len(rows) + 1, last_id + 1)
            self._store_asset_event_tags(connection, events, ids)
            # what an asset's own row says of its last events
            last = {(one.dagster_event_type, one.get_dagster_event().asset_key): n for n, one in enumerate(events)}
            for n in last.values():
                self._store_asset_event(connection, events[n], ids[n])

    def store_asset_check_event(self, event: dg.EventLogEntry, event_id: int | None) -> None:
        """Store one row for a planned evaluation. Dagster stores one per partition, which the evaluation won't find.

        An evaluation of a single partition, which another project's checks may have, gets a row of its own later.
        """
        dagster_event = event.get_dagster_event()
        planned = dagster_event.event_specific_data
        if isinstance(planned, AssetCheckEvaluationPlanned):
            whole = AssetCheckEvaluationPlanned(asset_key=planned.asset_key, check_name=planned.check_name)
            event = event._replace(dagster_event=dagster_event._replace(event_specific_data=whole))
        super().store_asset_check_event(event, event_id)

    def wipe(self) -> None:
        _close_all()
        super().wipe()


_engines: OrderedDict[tuple[int, str], Engine] = OrderedDict()
_lock = Lock()


def engine_of(url: str) -> Engine:
    """The engine of a file, with its open connections. After a fork they are the parent's: neither used nor closed."""
    key = (os.getpid(), url)
    with _lock:
        if key not in _engines:
            _engines[key] = create_engine(url, connect_args={"timeout": BUSY_TIMEOUT_S})
            event.listen(_engines[key], "connect", _sync_at_checkpoints)
        _engines.move_to_end(key)
        own = [one for one in _engines if one[0] == key[0]]
        if len(own) > OPEN_FILES:
            _engines.pop(own[0]).dispose()
        return _engines[key]


@contextmanager
def _transaction(url: str) -> Iterator[Connection]:
    with engine_of(url).begin() as connection:
        yield connection


def _is_initialized(url: str) -> bool:
    """Whether Dagster has created its tables in this file; SQLite creates a missing file, which is then empty."""
    try:
        with _transaction(url) as connection:
            return connection.execute(text("SELECT 1 FROM alembic_version")).first() is not None
    except OperationalError:
        return False


def _sync_at_checkpoints(connection: DBAPIConnection, _: object) -> None:
    """Don't wait for the disk at each commit: a power cut may take the last events, and leaves the file consistent."""
    connection.cursor().execute("PRAGMA synchronous = NORMAL")


def _close_all() -> None:
    with _lock:
        for engine in _engines.values():
            engine.dispose()
        _engines.clear()

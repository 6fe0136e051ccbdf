"""The engines that benchmarks run on, started for them in a state directory of their own."""

import gc
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from unittest.mock import patch
from uuid import uuid4

from recruit_assets.local.engines.cassandra import CommitlogSync
from recruit_assets.local.engines.engine import EngineName
from recruit_assets.local.engines.engine_set import LocalEngines
from recruit_assets.runtime.echo import Echo, silent
from recruit_assets.runtime.settings import Settings, load_settings
from recruit_assets.stores.schema import apply_schema
from recruit_assets_tests.support.cleanup import drop_everything


class BenchmarkEngines:
    """Running engines. What a benchmark creates in them is dropped when it ends."""

    def __init__(self, state_dir: Path, echo: Echo) -> None:
        self.state_dir = state_dir
        self.echo = echo
        self._own = load_settings(state_dir=state_dir)
        self.local = LocalEngines(self._own)

    def start_engines(self) -> None:
        """Start the engines that aren't running."""
        self.local.start(silent)

    @contextmanager
    def fresh_names(self, prefix: str, **overrides: object) -> Iterator[Settings]:
        """Settings with a new topic, group, keyspace and database, schema applied; all are dropped afterwards.

        Changes to the environment in the block are undone too.
        """
        name = f"{prefix}_{uuid4().hex[:8]}"
        names = {"kafka_topic": name, "kafka_group": name, "cassandra_keyspace": name, "mysql_database": name}
        settings = load_settings(**load_settings(state_dir=self.state_dir).model_dump() | names | overrides)
        apply_schema(settings)
        try:
            with patch.dict(os.environ):
                yield settings
        finally:
            drop_everything(settings)

    @contextmanager
    def commitlog(self, sync: CommitlogSync) -> Iterator[None]:
        """Restart Cassandra with this commit log mode, and with the durable one afterwards."""
        self._restart_cassandra(sync)
        try:
            yield
        finally:
            self._restart_cassandra("group")

    def _restart_cassandra(self, sync: CommitlogSync) -> None:
        self.echo(f"Cassandra restarts with commitlog_sync {sync}")
        engines = LocalEngines(self._own, commitlog_sync=sync)
        engines.stop_one(EngineName.CASSANDRA, silent)
        engines.start_one(EngineName.CASSANDRA, silent)


@contextmanager
def started_engines(state_dir: Path, echo: Echo) -> Iterator[BenchmarkEngines]:
    """Start engines without data and stop them on exit. An acknowledged write is on disk (commitlog_sync group)."""
    engines = LocalEngines(load_settings(state_dir=state_dir))
    engines.stop(silent)  # a benchmark that was killed leaves them running
    shutil.rmtree(state_dir, ignore_errors=True)
    try:
        engines.start(silent)
        yield BenchmarkEngines(state_dir, echo)
    finally:
        gc.collect()  # frees Spark's objects; later, each would log that Spark doesn't answer
        engines.stop(silent)

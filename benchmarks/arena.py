"""The engines that benchmarks run on: started for them alone, in a state directory of their own.

Belongs here: starting and stopping, names of a benchmark's own, Cassandra's commit log mode. Not here: what is
measured.
"""

import gc
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from unittest.mock import patch
from uuid import uuid4

from recruit_assets.local.engines.cassandra import CommitlogSync
from recruit_assets.local.engines.engine import EngineName
from recruit_assets.local.engines.engine_set import LocalEngines
from recruit_assets.runtime.settings import Settings, load_settings
from recruit_assets.stores.schema import apply_schema
from recruit_assets_tests.support.cleanup import drop_everything

Echo = Callable[[str], None]


class Arena:
    """Running engines; everything that a benchmark makes in them is gone when it is done."""

    def __init__(self, state_dir: Path, echo: Echo) -> None:
        self.state_dir = state_dir
        self.echo = echo
        self._own = load_settings(state_dir=state_dir)
        self.engines = LocalEngines(self._own)

    def start_engines(self) -> None:
        """Those that don't run."""
        self.engines.start(_quiet)

    @contextmanager
    def names(self, prefix: str, **overrides: object) -> Iterator[Settings]:
        """Settings with a topic, group, keyspace and database that nobody else uses, schema applied; dropped after.

        What the block puts into the environment is undone, too.
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
        """Cassandra restarted with this commit log, and with the durable one afterwards."""
        self._restart_cassandra(sync)
        try:
            yield
        finally:
            self._restart_cassandra("group")

    def _restart_cassandra(self, sync: CommitlogSync) -> None:
        self.echo(f"Cassandra restarts with commitlog_sync {sync}")
        engines = LocalEngines(self._own, commitlog_sync=sync)
        engines.stop_one(EngineName.CASSANDRA, _quiet)
        engines.start_one(EngineName.CASSANDRA, _quiet)


@contextmanager
def open_arena(state_dir: Path, echo: Echo) -> Iterator[Arena]:
    """Engines with empty data, stopped on leaving; acknowledged is durable (commitlog_sync group)."""
    engines = LocalEngines(load_settings(state_dir=state_dir))
    engines.stop(_quiet)  # of a benchmark that was killed
    shutil.rmtree(state_dir, ignore_errors=True)
    try:
        engines.start(_quiet)
        yield Arena(state_dir, echo)
    finally:
        gc.collect()  # Spark's objects: let go of later, each would tell that Spark doesn't answer
        engines.stop(_quiet)


def _quiet(_: str) -> None:
    """The benchmarks tell what they do."""

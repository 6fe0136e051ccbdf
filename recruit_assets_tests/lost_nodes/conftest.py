"""A simulation on a cluster: shared engines for what isn't the test's own, tables and Dagster home of the test."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from recruit_assets.contract import HOUR_COVERAGE
from recruit_assets.engines.local import LocalEngines
from recruit_assets.instance import HOME_VARIABLE, REPOSITORY
from recruit_assets.settings import Settings, as_environment, load_settings
from recruit_assets.stores.schema import apply_schema
from recruit_assets.stores.spark import CassandraFrames
from recruit_assets_tests.conftest import fresh_names, sees
from recruit_assets_tests.support.arena import Arena
from recruit_assets_tests.support.cleanup import drop_everything
from recruit_assets_tests.support.waiting import wait_until

OpenArena = Callable[[Settings], Arena]


@pytest.fixture
def open_arena(
    engines: Settings, spark: SparkSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[OpenArena]:
    """An arena whose stores are the given ones; where they name none, the shared engines. Leaves nothing there."""
    left = ExitStack()

    def opened(own: Settings) -> Arena:
        given = own.model_dump(exclude_unset=True)
        settings = fresh_names(load_settings(**engines.model_dump() | given))
        for name, value in as_environment(settings).items():
            monkeypatch.setenv(name, value)
        monkeypatch.setenv(HOME_VARIABLE, str(tmp_path))
        (tmp_path / "dagster.yaml").symlink_to(REPOSITORY / "dagster.yaml")
        left.callback(drop_everything, settings)
        apply_schema(settings)
        frames = CassandraFrames(spark, settings)
        wait_until(lambda: sees(frames, HOUR_COVERAGE), timeout_s=60, what="the new keyspace in Spark's metadata")
        return Arena(LocalEngines(settings), settings, tmp_path / "ledger.json")

    with left:
        yield opened

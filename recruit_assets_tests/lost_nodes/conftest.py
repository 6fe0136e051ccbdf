"""A simulation on a cluster: shared engines for what isn't the test's own, tables and Dagster home of the test."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from recruit_assets.local.engines.engine_set import LocalEngines
from recruit_assets.runtime.settings import Settings, load_settings
from recruit_assets_tests.conftest import fresh_names, prepare_lineage
from recruit_assets_tests.support.cleanup import drop_everything
from recruit_assets_tests.support.scenario import Arena

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
        left.callback(drop_everything, settings)
        prepare_lineage(settings, spark, home=tmp_path, monkeypatch=monkeypatch)
        return Arena(LocalEngines(settings), settings, tmp_path / "ledger.json")

    with left:
        yield opened

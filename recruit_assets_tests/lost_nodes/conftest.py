"""A scenario on a cluster: the other stores are the shared engines; tables and Dagster home are the test's own."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from recruit_assets.local.engines.engine_set import LocalEngines
from recruit_assets.runtime.settings import Settings, load_settings
from recruit_assets_tests.conftest import fresh_names, prepare_lineage
from recruit_assets_tests.support.cleanup import drop_everything
from recruit_assets_tests.support.scenario import Scenario

OpenScenario = Callable[[Settings], Scenario]


@pytest.fixture
def open_scenario(
    engines: Settings, spark: SparkSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[OpenScenario]:
    """Open a scenario on the given stores, or on the shared engines where none is given; cleans up afterwards."""
    cleanup = ExitStack()

    def opened(own: Settings) -> Scenario:
        given = own.model_dump(exclude_unset=True)
        settings = fresh_names(load_settings(**engines.model_dump() | given))
        cleanup.callback(drop_everything, settings)
        prepare_lineage(settings, spark, home=tmp_path, monkeypatch=monkeypatch)
        return Scenario(LocalEngines(settings), settings, tmp_path / "ledger.json")

    with cleanup:
        yield opened

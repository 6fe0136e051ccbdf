"""Fixtures of the chaos suite: engines that may be killed, an arena for each case, and the table at the end.

`--chaos-rounds N` repeats every case with other seeds and adds the long forms; `make chaos` does. docs/chaos.md lists
what each case proves.
"""

from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from recruit_assets.local.engines.engine_set import LocalEngines
from recruit_assets.runtime.settings import Settings, load_settings
from recruit_assets_tests.conftest import fresh_names, prepare_lineage
from recruit_assets_tests.support.cleanup import drop_everything
from recruit_assets_tests.support.scenario import Arena, Outcome

_outcomes: dict[str, list[Outcome]] = defaultdict(list)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Every case once for each round; the round is its seed."""
    if "seed" in metafunc.fixturenames:
        metafunc.parametrize("seed", range(1, 1 + metafunc.config.getoption("--chaos-rounds")))


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Guards are taken out in the long form only."""
    is_short = config.getoption("--chaos-rounds") == 1
    return True if is_short and collection_path.name == "test_guards.py" else None


@pytest.fixture(scope="session")
def is_long(request: pytest.FixtureRequest) -> bool:
    """Whether the long forms run too."""
    return bool(request.config.getoption("--chaos-rounds") > 1)


@pytest.fixture(scope="session")
def local_engines(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalEngines]:
    """A set of its own: nobody else's tests may lose their broker."""
    engines = LocalEngines(load_settings(state_dir=tmp_path_factory.mktemp("chaos")), short_lived=True)
    engines.start()
    try:
        yield engines
    finally:
        engines.stop()


@pytest.fixture
def arena(
    local_engines: LocalEngines,
    engines: Settings,
    spark: SparkSession,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    request: pytest.FixtureRequest,
) -> Iterator[Arena]:
    """All engines up, empty tables of the case's own, an empty Dagster home."""
    local_engines.start()
    # a process attaches to one Spark, and that one has its classes loaded
    settings = fresh_names(load_settings(state_dir=local_engines.state_dir, spark_gateway=engines.spark_gateway))
    prepare_lineage(settings, spark, home=tmp_path, monkeypatch=monkeypatch)
    arena = Arena(local_engines, settings, tmp_path / "ledger.json")
    yield arena
    _outcomes[request.node.originalname].append(arena.outcome)
    local_engines.start()
    drop_everything(settings)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Case, times tried, events sent, differences found."""
    if not _outcomes:
        return
    terminalreporter.section("chaos: case, times tried, events sent, differences found")
    for case, outcomes in _outcomes.items():
        events, differences = (sum(o.events for o in outcomes), sum(len(o.differences) for o in outcomes))
        terminalreporter.line(f"{case.removeprefix('test_'):<90} {len(outcomes):>4} {events:>9,} {differences:>4}")
    if seen := [one.seen for outcomes in _outcomes.values() for one in outcomes if one.seen]:
        terminalreporter.section("guards taken out: what the audit saw")
        for line in seen:
            terminalreporter.line(line)

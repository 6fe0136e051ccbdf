"""Fixtures of the chaos suite: engines that may be killed, a scenario for each case, and the table at the end.

`--chaos-rounds N` repeats every case with other seeds and adds the long forms; `make chaos` does. docs/chaos.md says
what each case proves.
"""

from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from recruit_assets.local.engines.engine import EngineName
from recruit_assets.local.engines.engine_set import LocalEngines
from recruit_assets.runtime.settings import Settings, load_settings
from recruit_assets.stores.cassandra.session import open_session
from recruit_assets_tests.conftest import fresh_names, prepare_lineage
from recruit_assets_tests.support.cleanup import drop_database, drop_topics
from recruit_assets_tests.support.keyspace import empty_tables
from recruit_assets_tests.support.scenario import Outcome, Scenario

KEYSPACE = "chaos"
"""Keyspace of all cases, one after the other: creating and dropping one takes as long as a case."""

_outcomes: dict[str, list[Outcome]] = defaultdict(list)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run every case once per round; the round's number is its seed."""
    if "seed" in metafunc.fixturenames:
        metafunc.parametrize("seed", range(1, 1 + metafunc.config.getoption("--chaos-rounds")))


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Safeguards are disabled in the long form only."""
    is_short = config.getoption("--chaos-rounds") == 1
    return True if is_short and collection_path.name == "test_safeguards.py" else None


@pytest.fixture(scope="session")
def is_long(request: pytest.FixtureRequest) -> bool:
    """Whether the long forms run too."""
    return bool(request.config.getoption("--chaos-rounds") > 1)


@pytest.fixture(scope="session")
def local_engines(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalEngines]:
    """A set of engines for this suite alone, since its tests kill them."""
    engines = LocalEngines(load_settings(state_dir=tmp_path_factory.mktemp("chaos")), short_lived=True)
    try:
        yield engines
    finally:
        engines.stop()


@pytest.fixture
def scenario(
    local_engines: LocalEngines,
    engines: Settings,
    spark: SparkSession,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    request: pytest.FixtureRequest,
) -> Iterator[Scenario]:
    """All stores up, empty tables, an empty Dagster home."""
    start_stores(local_engines)
    # this process is attached to the shared Spark, and a process can attach to only one
    own = load_settings(state_dir=local_engines.state_dir, spark_gateway=engines.spark_gateway)
    settings = fresh_names(own).model_copy(update={"cassandra_keyspace": KEYSPACE})
    prepare_lineage(settings, spark, home=tmp_path, monkeypatch=monkeypatch)
    scenario = Scenario(local_engines, settings, tmp_path / "ledger.json")
    yield scenario
    _outcomes[request.node.originalname].append(scenario.outcome)
    start_stores(local_engines)
    with open_session(settings) as session:
        empty_tables(session)
    drop_topics(settings)
    drop_database(settings)


def start_stores(engines: LocalEngines) -> None:
    """Start every store that isn't running."""
    for name in (EngineName.CASSANDRA, EngineName.KAFKA, EngineName.MARIADB):
        engines.start_one(name)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print each case with its number of runs, events sent and differences found."""
    if not _outcomes:
        return
    terminalreporter.section("chaos: case, times tried, events sent, differences found")
    for case, outcomes in _outcomes.items():
        events, differences = (sum(o.events for o in outcomes), sum(len(o.differences) for o in outcomes))
        terminalreporter.line(f"{case.removeprefix('test_'):<90} {len(outcomes):>4} {events:>9,} {differences:>4}")
    if seen := [one.seen for outcomes in _outcomes.values() for one in outcomes if one.seen]:
        terminalreporter.section("safeguards disabled: what the audit reported")
        for line in seen:
            terminalreporter.line(line)

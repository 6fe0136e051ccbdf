"""Fixtures of all tests: real engines once per run, and names of its own (topic, keyspace, database) for each test.

Builders and readers are in `support`. RECRUIT_TEST_STATE_DIR names the state directory of engines that already run,
which saves a developer their start; without it the run starts its own and stops them.
"""

import os
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest
from pyspark.errors import AnalysisException
from pyspark.sql import SparkSession

from recruit_assets.contract import HOUR_COVERAGE, CassandraTable
from recruit_assets.engines.local import LocalEngines
from recruit_assets.settings import PREFIX, Settings, as_environment, load_settings
from recruit_assets.stores.schema import apply_schema
from recruit_assets.stores.spark import CassandraFrames
from recruit_assets_tests.support.cleanup import drop_everything
from recruit_assets_tests.support.waiting import wait_until

RUNNING_ENGINES = "RECRUIT_TEST_STATE_DIR"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--chaos-rounds", type=int, default=1, help="how often each chaos case runs, with other seeds")


@pytest.fixture(scope="session", autouse=True)
def _no_settings_from_outside() -> Iterator[None]:
    """A developer's own RECRUIT_ variables must not steer the tests."""
    with pytest.MonkeyPatch.context() as environment:
        for name in [name for name in os.environ if name.startswith(PREFIX) and name != RUNNING_ENGINES]:
            environment.delenv(name)
        yield


@pytest.fixture(scope="session")
def engines(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    """Settings of running engines, without names of anyone's own."""
    if running := os.environ.get(RUNNING_ENGINES):
        yield load_settings(state_dir=Path(running))
        return
    state_dir = tmp_path_factory.mktemp("engines")
    local = LocalEngines(load_settings(state_dir=state_dir))
    local.start()
    try:
        yield load_settings(state_dir=state_dir)
    finally:
        local.stop()


@pytest.fixture
def settings(engines: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[Settings]:
    """Settings with a topic, group, keyspace and database of the test's own, schema applied, exported to EnvVars."""
    own = fresh_names(engines)
    for name, value in as_environment(own).items():
        monkeypatch.setenv(name, value)
    apply_schema(own)
    yield own
    drop_everything(own)


def fresh_names(engines: Settings) -> Settings:
    """The engines' settings with names that nobody else uses."""
    own = f"t{uuid4().hex[:12]}"
    return load_settings(
        **engines.model_dump()
        | {"kafka_topic": own, "kafka_group": own, "cassandra_keyspace": own, "mysql_database": own}
    )


@pytest.fixture(scope="session")
def spark(engines: Settings) -> SparkSession:
    """The session that production code gets, warm for the whole run; nobody stops what all share."""
    from recruit_assets.resources import SparkResource

    session: SparkSession = SparkResource.of(engines).spark_session
    return session


@pytest.fixture
def frames(settings: Settings, spark: SparkSession) -> CassandraFrames:
    """The test's tables for Spark, which hears of a new keyspace about a second after it was made."""
    frames = CassandraFrames(spark, settings)
    wait_until(lambda: sees(frames, HOUR_COVERAGE), timeout_s=30, what="the new keyspace in Spark's metadata")
    return frames


def sees(frames: CassandraFrames, table: CassandraTable) -> bool:
    """Whether Spark knows the table; hour_coverage is the last one made."""
    try:
        frames.table(table)
    except AnalysisException:
        return False
    return True

"""Fixtures of all tests: real engines once per run, and names of its own (topic, keyspace, database) for each test.

Builders and readers are in `support`. RECRUIT_TEST_STATE_DIR names the state directory of engines that already run,
which saves a developer their start; without it the run starts its own, one set for all workers, and stops them.
RECRUIT_TEST_MYSQL, mysql://user:password@host:port, names a server that takes MariaDB's place (`make test-mysql`).
"""

import os
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit
from uuid import uuid4

import pytest
from pyspark.errors import AnalysisException
from pyspark.sql import SparkSession

from recruit_assets.contract.tables import HOUR_COVERAGE
from recruit_assets.contract.types import CassandraTable
from recruit_assets.local.engines.engine_set import LocalEngines
from recruit_assets.runtime.settings import PREFIX, Settings, as_environment, load_settings
from recruit_assets.stores.cassandra.session import open_session
from recruit_assets.stores.dagster.instance import HOME_VARIABLE, REPOSITORY
from recruit_assets.stores.schema import apply_schema
from recruit_assets.stores.spark.frames import CassandraFrames
from recruit_assets_tests.support.cleanup import drop_database, drop_topics
from recruit_assets_tests.support.keyspace import SharedKeyspace
from recruit_assets_tests.support.waiting import wait_until

if TYPE_CHECKING:
    from xdist.workermanage import WorkerController

RUNNING_ENGINES = "RECRUIT_TEST_STATE_DIR"
OTHER_MYSQL = "RECRUIT_TEST_MYSQL"
OURS = (RUNNING_ENGINES, OTHER_MYSQL)
ENGINES_DIR = "engines_dir"
ENGINES_DIR_KEY = pytest.StashKey[Path]()


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--chaos-rounds", type=int, default=1, help="how often each chaos case runs, with other seeds")


def pytest_configure(config: pytest.Config) -> None:
    """One state directory for the engines of this run, which whoever needs them first starts."""
    told = getattr(config, "workerinput", {}).get(ENGINES_DIR)
    config.stash[ENGINES_DIR_KEY] = Path(told or tempfile.mkdtemp(prefix="recruit-tests-"))


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: "WorkerController") -> None:
    """Tell a worker where the engines are."""
    node.workerinput[ENGINES_DIR] = str(node.config.stash[ENGINES_DIR_KEY])


def pytest_collection_modifyitems(items: Sequence[pytest.Item]) -> None:
    """A file's tests stay with one worker, as do all that harm the same engines."""
    for item in items:
        folder = item.path.parent
        item.add_marker(pytest.mark.xdist_group(folder.name if folder.name == "chaos" else item.path.name))


def pytest_unconfigure(config: pytest.Config) -> None:
    """The process that began the run ends the engines."""
    if not hasattr(config, "workerinput"):
        state_dir = config.stash[ENGINES_DIR_KEY]
        LocalEngines(load_settings(state_dir=state_dir)).stop()
        shutil.rmtree(state_dir, ignore_errors=True)


@pytest.fixture(scope="session", autouse=True)
def _no_settings_from_outside() -> Iterator[None]:
    """A developer's own RECRUIT_ variables must not steer the tests."""
    with pytest.MonkeyPatch.context() as environment:
        for name in [name for name in os.environ if name.startswith(PREFIX) and name not in OURS]:
            environment.delenv(name)
        yield


@pytest.fixture(scope="session")
def engines(pytestconfig: pytest.Config) -> Settings:
    """Settings of running engines, without names of anyone's own."""
    running = os.environ.get(RUNNING_ENGINES)
    state_dir = Path(running) if running else pytestconfig.stash[ENGINES_DIR_KEY]
    if not running:
        LocalEngines(load_settings(state_dir=state_dir), short_lived=True).start()
    return load_settings(**load_settings(state_dir=state_dir).model_dump() | _other_mysql())


def _other_mysql() -> dict[str, object]:
    """Where the report database is instead of in the local MariaDB; nothing where no server is named."""
    if not (told := os.environ.get(OTHER_MYSQL)):
        return {}
    url = urlsplit(told)
    return {
        "mysql_host": url.hostname,
        "mysql_port": url.port,
        "mysql_user": unquote(url.username or ""),
        "mysql_password": unquote(url.password or ""),
    }


@pytest.fixture(scope="session")
def keyspace(engines: Settings) -> Iterator[SharedKeyspace]:
    """The keyspace of this process's tests, one after the other."""
    with open_session(fresh_names(engines)) as session:
        shared = SharedKeyspace(session)
        yield shared
        shared.drop()


@pytest.fixture
def settings(engines: Settings, keyspace: SharedKeyspace, monkeypatch: pytest.MonkeyPatch) -> Iterator[Settings]:
    """Settings with a topic, group and database of the test's own and an empty keyspace, exported to EnvVars."""
    own = fresh_names(engines).model_copy(update={"cassandra_keyspace": keyspace.name})
    export_to(monkeypatch, own)
    keyspace.prepare(own)
    yield own
    drop_topics(own)
    drop_database(own)


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
    from recruit_assets.defs.resources import SparkResource

    session: SparkSession = SparkResource.from_settings(engines).spark_session
    return session


@pytest.fixture
def frames(settings: Settings, spark: SparkSession) -> CassandraFrames:
    """The test's tables for Spark."""
    return seen_by(spark, settings, timeout_s=30)


def prepare_lineage(settings: Settings, spark: SparkSession, *, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What runs of this process need: the settings as its own, an empty Dagster home, tables that Spark knows."""
    export_to(monkeypatch, settings)
    (home / "dagster.yaml").symlink_to(REPOSITORY / "dagster.yaml")
    monkeypatch.setenv(HOME_VARIABLE, str(home))
    apply_schema(settings)
    seen_by(spark, settings, timeout_s=60)


def export_to(monkeypatch: pytest.MonkeyPatch, settings: Settings) -> None:
    """The settings as variables of this process, for as long as the test runs."""
    for name, value in as_environment(settings).items():
        monkeypatch.setenv(name, value)


def seen_by(spark: SparkSession, settings: Settings, *, timeout_s: float) -> CassandraFrames:
    """The tables for Spark, which hears of a new keyspace about a second after it was made."""
    frames = CassandraFrames(spark, settings)
    wait_until(lambda: sees(frames, HOUR_COVERAGE), timeout_s, what="the new keyspace in Spark's metadata")
    return frames


def sees(frames: CassandraFrames, table: CassandraTable) -> bool:
    """Whether Spark knows the table; hour_coverage is the last one made."""
    try:
        frames.table(table)
    except AnalysisException:
        return False
    return True

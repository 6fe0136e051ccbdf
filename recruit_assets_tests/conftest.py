"""Fixtures of all tests: one set of real engines per run; each test has its own topic, database and empty tables.

RECRUIT_TEST_STATE_DIR names the state directory of running engines, which saves starting them; without it the run
starts one set for all workers and stops it at the end. RECRUIT_TEST_MYSQL, mysql://user:password@host:port, names a
server to use instead of the local MariaDB (`make test-mysql`).
"""

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit
from uuid import uuid4

import hypothesis
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
from recruit_assets_tests.support.cleanup import drop_database, drop_everything, drop_topics
from recruit_assets_tests.support.installation import Installation
from recruit_assets_tests.support.keyspace import SharedKeyspace
from recruit_assets_tests.support.waiting import wait_until

if TYPE_CHECKING:
    from xdist.remote import Producer
    from xdist.scheduler import Scheduling
    from xdist.workermanage import WorkerController

RUNNING_ENGINES = "RECRUIT_TEST_STATE_DIR"
OTHER_MYSQL = "RECRUIT_TEST_MYSQL"
OURS = (RUNNING_ENGINES, OTHER_MYSQL)
ENGINES_DIR = "engines_dir"
TOGETHER = ("chaos", "ui")
ENGINES_DIR_KEY = pytest.StashKey[Path]()

# of a mutant it matters only that a test fails, each time the same: the search for the smallest example takes minutes
hypothesis.settings.register_profile(
    "mutation", derandomize=True, database=None, phases=[hypothesis.Phase.explicit, hypothesis.Phase.generate]
)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--chaos-rounds", type=int, default=1, help="how often each chaos case runs, with other seeds")


def pytest_configure(config: pytest.Config) -> None:
    """Choose one state directory for all workers; the first test that needs engines starts them there."""
    given = getattr(config, "workerinput", {}).get(ENGINES_DIR)
    config.stash[ENGINES_DIR_KEY] = Path(given or tempfile.mkdtemp(prefix="recruit-tests-"))


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: "WorkerController") -> None:
    """Pass the state directory to a worker."""
    node.workerinput[ENGINES_DIR] = str(node.config.stash[ENGINES_DIR_KEY])


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: "Producer") -> "Scheduling":
    """Keep the tests of a file on one worker, and those of a folder that share what a test may kill."""
    from xdist.scheduler import LoadFileScheduling

    class Files(LoadFileScheduling):  # type: ignore[misc]  # typed as Any
        def _split_scope(self, nodeid: str) -> str:
            file = Path(nodeid.split("::", 1)[0])
            return str(file.parent if file.parent.name in TOGETHER else file)

    return Files(config, log)


def pytest_unconfigure(config: pytest.Config) -> None:
    """Stop the engines at the end of the run, in the controlling process."""
    if not hasattr(config, "workerinput"):
        state_dir = config.stash[ENGINES_DIR_KEY]
        LocalEngines(load_settings(state_dir=state_dir)).stop()
        shutil.rmtree(state_dir, ignore_errors=True)


@pytest.fixture(scope="session", autouse=True)
def _no_settings_from_outside() -> Iterator[None]:
    """Remove a developer's own RECRUIT_ variables, which would change what is tested."""
    with pytest.MonkeyPatch.context() as environment:
        for name in [name for name in os.environ if name.startswith(PREFIX) and name not in OURS]:
            environment.delenv(name)
        yield


@pytest.fixture(autouse=True)
def _settings_stay_in_their_test() -> Iterator[None]:
    """Take back what a test exports: `materialize`, `up` and `demo` write their settings to the environment."""
    before = {name: value for name, value in os.environ.items() if name.startswith(PREFIX)}
    yield
    for name in [name for name in os.environ if name.startswith(PREFIX) and name not in before]:
        del os.environ[name]
    os.environ.update(before)


@pytest.fixture(scope="session")
def engines(pytestconfig: pytest.Config) -> Settings:
    """Settings of the running engines; names of topics, keyspaces and databases are the defaults."""
    running = os.environ.get(RUNNING_ENGINES)
    state_dir = Path(running) if running else pytestconfig.stash[ENGINES_DIR_KEY]
    if not running:
        LocalEngines(load_settings(state_dir=state_dir), short_lived=True).start()
    return load_settings(**load_settings(state_dir=state_dir).model_dump() | _other_mysql())


def _other_mysql() -> dict[str, object]:
    """Settings of the server that RECRUIT_TEST_MYSQL names; none without it."""
    if not (server := os.environ.get(OTHER_MYSQL)):
        return {}
    url = urlsplit(server)
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
    """The engines' settings with a topic, group, keyspace and database that nobody else uses."""
    own = f"t{uuid4().hex[:12]}"
    return load_settings(
        **engines.model_dump()
        | {"kafka_topic": own, "kafka_group": own, "cassandra_keyspace": own, "mysql_database": own}
    )


@pytest.fixture(scope="session")
def spark(engines: Settings) -> SparkSession:
    """The shared Spark session, obtained as production code does; no test may stop it."""
    from recruit_assets.defs.resources import SparkResource

    session: SparkSession = SparkResource.from_settings(engines).spark_session
    return session


@pytest.fixture
def frames(settings: Settings, spark: SparkSession) -> CassandraFrames:
    """The test's tables as Spark DataFrames."""
    return seen_by(spark, settings, timeout_s=30)


@pytest.fixture
def installation(engines: Settings, spark: SparkSession, tmp_path: Path) -> Iterator[Installation]:
    """An installation of the test's own, whose commands run in processes of their own."""
    settings = fresh_names(engines)
    apply_schema(settings)
    seen_by(spark, settings, timeout_s=60)
    (tmp_path / "dagster").mkdir()
    yield Installation(settings, tmp_path)
    drop_everything(settings)


def prepare_lineage(settings: Settings, spark: SparkSession, *, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Prepare this process for runs: environment variables, an empty Dagster home, tables that Spark can see."""
    export_to(monkeypatch, settings)
    (home / "dagster.yaml").symlink_to(REPOSITORY / "dagster.yaml")
    monkeypatch.setenv(HOME_VARIABLE, str(home))
    apply_schema(settings)
    seen_by(spark, settings, timeout_s=60)


def export_to(monkeypatch: pytest.MonkeyPatch, settings: Settings) -> None:
    """Set the settings as environment variables until the test ends."""
    for name, value in as_environment(settings).items():
        monkeypatch.setenv(name, value)


def seen_by(spark: SparkSession, settings: Settings, *, timeout_s: float) -> CassandraFrames:
    """The tables as Spark DataFrames. Spark notices a new keyspace about a second after its creation."""
    frames = CassandraFrames(spark, settings)
    # hour_coverage is created last
    wait_until(lambda: sees(frames, HOUR_COVERAGE), timeout_s, what="the new keyspace in Spark's metadata")
    return frames


def sees(frames: CassandraFrames, table: CassandraTable) -> bool:
    """True if Spark can see the table."""
    try:
        frames.table(table)
    except AnalysisException:
        return False
    return True

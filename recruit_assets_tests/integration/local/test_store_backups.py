"""The steps of docs/operators.md for servers with backup tools of their own: mariadb-dump and nodetool.

Events arrive between MySQL's dump and Cassandra's snapshot, and after both.
"""

import os
import shutil
import subprocess
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from recruit_assets.local.engines.cassandra import HEAP, JAVA_BASE_EXPORTS, JAVA_BASE_OPENS, Cassandra
from recruit_assets.local.engines.jvm import environment
from recruit_assets.local.engines.ports import free_ports
from recruit_assets.runtime.artifacts import classpath, java_home
from recruit_assets.runtime.errors import UserError
from recruit_assets.runtime.settings import Settings, load_settings
from recruit_assets.stores.schema import apply_schema
from recruit_assets_tests.chaos.specs import a_few_hours
from recruit_assets_tests.conftest import fresh_names, prepare_lineage, seen_by
from recruit_assets_tests.support.cleanup import drop_database, drop_tables, drop_topics
from recruit_assets_tests.support.engine_set import new_folder, running
from recruit_assets_tests.support.scenario import Scenario

TAG = "backup"


class CassandraTools:
    """A Cassandra node, and its own tool on this machine."""

    def __init__(self, settings: Settings, folder: Path) -> None:
        native, internode, self._jmx = free_ports(3)
        self._settings = settings
        heap = (*HEAP, f"-Dcassandra.jmx.local.port={self._jmx}")
        ports = {"cassandra": native, "cassandra_internode": internode}
        self.engine = Cassandra(settings, folder, ports, heap=heap, short_lived=True)

    def snapshot(self, keyspace: str, target: Path) -> None:
        """Copy the files of a snapshot to a folder for each table."""
        self._nodetool("snapshot", "-t", TAG, keyspace)
        for taken in (self.engine.folder / "data" / "data" / keyspace).glob(f"*/snapshots/{TAG}"):
            shutil.copytree(taken, target / taken.parts[-3].partition("-")[0])
        self._nodetool("clearsnapshot", "-t", TAG)

    def load(self, keyspace: str, source: Path) -> None:
        for folder in sorted(source.iterdir()):
            self._nodetool("import", "--copy-data", keyspace, folder.name, str(folder))

    def _nodetool(self, *arguments: str) -> None:
        jars = ":".join(map(str, classpath("cassandra", self._settings)))
        tool = ["org.apache.cassandra.tools.NodeTool", "-h", "127.0.0.1", "-p", str(self._jmx), *arguments]
        options = [
            "-XX:TieredStopAtLevel=1",
            f"-Duser.home={self.engine.folder}",  # it keeps a history of its commands
            *(f"--add-exports=java.base/{package}=ALL-UNNAMED" for package in JAVA_BASE_EXPORTS),
            *(f"--add-opens=java.base/{package}=ALL-UNNAMED" for package in JAVA_BASE_OPENS),
        ]
        command = [str(java_home() / "bin" / "java"), *options, "-cp", jars, *tool]
        subprocess.run(command, env=environment(), cwd=self.engine.folder, check=True, timeout=120)


class MariaDbTools:
    """MariaDB's dump program and client, which the local engines don't unpack."""

    def __init__(self, settings: Settings, folder: Path) -> None:
        self._settings, self._folder = settings, folder
        (jar,) = classpath("mariadb", settings)
        with zipfile.ZipFile(jar) as archive:
            for name in archive.namelist():
                if name.endswith(("/bin/mariadb-dump", "/bin/mariadb")):
                    program = folder / Path(name).name
                    program.write_bytes(archive.read(name))
                    program.chmod(0o700)

    def dump(self, database: str, file: Path) -> None:
        with file.open("wb") as output:
            subprocess.run(
                [*self._program("mariadb-dump"), "--single-transaction", database],
                env=self._environment(),
                stdout=output,
                check=True,
            )

    def load(self, database: str, file: Path) -> None:
        with file.open("rb") as source:
            subprocess.run([*self._program("mariadb"), database], env=self._environment(), stdin=source, check=True)

    def _program(self, name: str) -> list[str]:
        address = [f"--host={self._settings.mysql_host}", f"--port={self._settings.mysql_port}"]
        return [
            str(self._folder / name),
            "--no-defaults",
            "--skip-ssl",
            *address,
            f"--user={self._settings.mysql_user}",
        ]

    def _environment(self) -> dict[str, str]:
        return {**os.environ, "MYSQL_PWD": self._settings.mysql_password.get_secret_value()}


@pytest.fixture
def cassandra(engines: Settings, tmp_path: Path) -> Iterator[CassandraTools]:
    tools = CassandraTools(engines, new_folder(tmp_path, "cassandra"))
    with running([tools.engine]):
        yield tools


@pytest.fixture
def installation(engines: Settings, cassandra: CassandraTools) -> Iterator[Settings]:
    """Settings of an installation with a Cassandra of its own."""
    settings = load_settings(**fresh_names(engines).model_dump() | dict(cassandra.engine.endpoints()))
    yield settings
    drop_topics(settings)
    drop_database(settings)


@pytest.mark.timeout(600)
def test_a_dump_a_snapshot_and_what_kafka_still_has_make_the_report_exact(
    installation: Settings,
    cassandra: CassandraTools,
    spark: SparkSession,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    mariadb, keyspace = MariaDbTools(installation, new_folder(tmp_path, "tools")), installation.cassandra_keyspace
    prepare_lineage(installation, spark, home=new_folder(tmp_path, "home"), monkeypatch=monkeypatch)
    scenario = Scenario(None, installation, tmp_path / "ledger.json")  # type: ignore[arg-type]  # none is killed
    scenario.prepare(a_few_hours(events=4_000, seed=2))
    scenario.send(parts=4)
    scenario.recover()
    mariadb.dump(installation.mysql_database, tmp_path / "dump.sql")
    scenario.send(parts=3)
    scenario.recover()
    cassandra.snapshot(keyspace, tmp_path / "snapshot")
    scenario.send(parts=2)
    scenario.recover()

    drop_tables(installation)
    apply_schema(installation)
    cassandra.load(keyspace, tmp_path / "snapshot")
    mariadb.load(installation.mysql_database, tmp_path / "dump.sql")
    apply_schema(installation)
    seen_by(spark, installation, timeout_s=60)

    with pytest.raises(UserError, match=f"RECRUIT_KAFKA_GROUP {installation.kafka_group} belongs to keyspace"):
        scenario.recover()
    scenario.settings = installation.model_copy(update={"kafka_group": f"{installation.kafka_group}_2"})
    scenario.send()
    scenario.recover()
    scenario.require_exact()

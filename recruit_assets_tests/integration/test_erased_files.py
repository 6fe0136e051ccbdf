"""After `privacy erase` and the commands of docs/security.md, no file of Cassandra has a byte of the person.

Cassandra is the test's own, since it is opened to nodetool and restarted; the other stores are the shared ones.
"""

import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from recruit_assets.contract.privacy import PERSONAL_FIELDS
from recruit_assets.contract.tables import RAW_EVENTS
from recruit_assets.ingest.erasing import erase
from recruit_assets.ingest.service import drain
from recruit_assets.local.engines.cassandra import JAVA_BASE_EXPORTS, JAVA_BASE_OPENS, Cassandra
from recruit_assets.local.engines.engine import HOST
from recruit_assets.local.engines.engine_process import EngineProcess
from recruit_assets.local.engines.engine_set import stop_all
from recruit_assets.local.engines.ports import free_ports
from recruit_assets.runtime.artifacts import classpath, java_home
from recruit_assets.runtime.settings import Settings, load_settings
from recruit_assets.stores.cassandra.session import open_session
from recruit_assets.stores.schema import apply_schema
from recruit_assets_tests.conftest import fresh_names
from recruit_assets_tests.lost_nodes.engines import HEAP
from recruit_assets_tests.support.builders import an_event, as_bytes
from recruit_assets_tests.support.cleanup import drop_database, drop_topics
from recruit_assets_tests.support.engine_set import running
from recruit_assets_tests.support.ingest import ARecord
from recruit_assets_tests.support.topics import audit, send

PERSON = "jane-7f3a9c"
ROWS = 500
OPENED = tuple(f"--add-exports=java.base/{package}=ALL-UNNAMED" for package in JAVA_BASE_EXPORTS) + tuple(
    f"--add-opens=java.base/{package}=ALL-UNNAMED" for package in JAVA_BASE_OPENS
)


@dataclass(frozen=True, slots=True)
class Node:
    """A Cassandra node with an open JMX port, and the settings of its clients."""

    process: EngineProcess
    settings: Settings
    jmx_port: int

    def nodetool(self, *command: str) -> None:
        folder = self.process.engine.folder
        jars = ":".join(str(jar) for jar in classpath("cassandra", self.settings))
        java = [str(java_home() / "bin" / "java"), f"-Duser.home={folder}", *OPENED, "-cp", jars]
        tool = ["org.apache.cassandra.tools.NodeTool", "-h", HOST, "-p", str(self.jmx_port), *command]
        done = subprocess.run([*java, *tool], check=False, capture_output=True, text=True, timeout=120)
        assert done.returncode == 0, done.stderr

    def restart(self) -> None:
        """Stop the node as its service does, which flushes all tables and empties the commit log."""
        stop_all([self.process], print)
        self.process.spawn(print)
        self.process.wait_ready(print)

    def files_with(self, text: str) -> set[str]:
        """The kinds of files that have the text: `data`, `commitlog`, `hints` and so on."""
        root = self.process.engine.folder / "data"
        files = (path for path in root.rglob("*") if path.is_file())
        return {path.relative_to(root).parts[0] for path in files if text.encode() in path.read_bytes()}


@pytest.fixture
def node(engines: Settings, tmp_path: Path) -> Iterator[Node]:
    port, internode, jmx = free_ports(3)
    where = {"state_dir": tmp_path, "cassandra_hosts": HOST, "cassandra_port": port}
    settings = fresh_names(load_settings(**engines.model_dump() | where))
    engine = Cassandra(
        settings,
        tmp_path,
        {"cassandra": port, "cassandra_internode": internode},
        heap=(*HEAP, f"-Dcassandra.jmx.local.port={jmx}"),
        short_lived=True,
    )
    with running([engine]) as (process,):
        try:
            yield Node(process, settings, jmx)
        finally:
            drop_topics(settings)
            drop_database(settings)


def of_person(seed: int) -> ARecord:
    traces: dict[str, object] = {name: f"{name} of {PERSON}" for name in PERSONAL_FIELDS}
    return ARecord(as_bytes(an_event(seed=seed) | traces | {"uid": PERSON, "plan": PERSON}))


def test_no_file_of_cassandra_has_a_byte_of_an_erased_person(node: Node) -> None:
    settings = node.settings
    apply_schema(settings)
    with open_session(settings) as session:  # so that a text is in a file as it is
        session.execute(f"ALTER TABLE {session.table(RAW_EVENTS)} WITH compression = {{'enabled': false}}")
    send(settings, *(of_person(seed) for seed in range(ROWS)))
    drain(settings)
    keyspace = settings.cassandra_keyspace
    node.nodetool("flush", keyspace)
    assert node.files_with(PERSON) == {"data", "commitlog"}

    done = erase(settings, PERSON, known_after_s=0.2)
    assert done.events == ROWS
    assert "data" in node.files_with(PERSON)
    node.nodetool("flush", keyspace)
    node.nodetool("garbagecollect", "-g", "CELL", keyspace, "raw_events")

    assert node.files_with(PERSON) <= {"commitlog"}
    node.restart()
    assert node.files_with(PERSON) == set()
    assert audit(settings)[0] == {}

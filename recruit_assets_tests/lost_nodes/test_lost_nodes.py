"""A node of three is lost while events arrive: the others carry on, nothing is missing, and it catches up.

`make test-lost-nodes` runs these; each starts a cluster of its own.
"""

import signal
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
from cassandra import ConsistencyLevel
from cassandra.cluster import EXEC_PROFILE_DEFAULT, Cluster, ExecutionProfile, Session
from cassandra.policies import WhiteListRoundRobinPolicy

from recruit_assets.local.engines.engine_process import EngineProcess
from recruit_assets.runtime.errors import StoreUnavailable
from recruit_assets.runtime.settings import Settings
from recruit_assets.stores.kafka.clients import open_admin
from recruit_assets.stores.kafka.topics import topic_options
from recruit_assets_tests.chaos.specs import a_few_hours
from recruit_assets_tests.lost_nodes.conftest import OpenArena
from recruit_assets_tests.lost_nodes.engines import DATACENTER, NODES, cassandra_nodes, kafka_brokers
from recruit_assets_tests.support.engine_set import running
from recruit_assets_tests.support.ingest_process import consumers, service
from recruit_assets_tests.support.scenario import Arena
from recruit_assets_tests.support.waiting import wait_until

pytestmark = pytest.mark.timeout(600)

EVENTS, RATE = 12_000, 600
STRATEGY = "org.apache.cassandra.locator.NetworkTopologyStrategy"


@pytest.fixture
def nodes(tmp_path: Path) -> Iterator[tuple[list[EngineProcess], Settings]]:
    """A ring of three, each node up before the next joins, and known to all: else a keyspace is made by one alone."""
    engines, client = cassandra_nodes(tmp_path / "cassandra")
    with ExitStack() as stack:
        processes = [stack.enter_context(running([node]))[0] for node in engines]
        hosts = [node.host for node in engines]
        wait_until(lambda: {peers_of(client, host) for host in hosts} == {NODES - 1}, timeout_s=60, what="a ring")
        yield processes, client


@pytest.fixture
def brokers(tmp_path: Path) -> Iterator[tuple[list[EngineProcess], Settings]]:
    engines, client = kafka_brokers(tmp_path / "kafka")
    with running(engines) as processes:
        yield processes, client


def test_a_lost_cassandra_node_is_not_missed_and_catches_up(
    nodes: tuple[list[EngineProcess], Settings], open_arena: OpenArena
) -> None:
    processes, client = nodes
    arena = open_arena(client)
    assert replication(arena.settings) == {"class": STRATEGY, DATACENTER: str(NODES)}

    lose_one_of_three_under_load(arena, processes[-1])
    arena.recover()
    arena.require_exact()
    complete = rows_on(arena.settings, "127.0.0.1")

    restart(processes[-1])
    wait_until(lambda: rows_on(arena.settings, "127.0.0.3") == complete, timeout_s=90, what="hints delivered")
    processes[0].signal(signal.SIGKILL)
    arena.require_exact()


def test_a_lost_broker_is_not_missed(brokers: tuple[list[EngineProcess], Settings], open_arena: OpenArena) -> None:
    processes, client = brokers
    arena = open_arena(client)
    with open_admin(arena.settings) as admin:
        assert topic_options(admin, arena.settings.kafka_topic)["min.insync.replicas"] == str(NODES - 1)

    lose_one_of_three_under_load(arena, processes[-1])
    arena.recover()
    arena.require_exact()

    restart(processes[-1])
    wait_until(lambda: in_sync_replicas(arena.settings) == {NODES}, timeout_s=60, what="all replicas in sync")


def lose_one_of_three_under_load(arena: Arena, victim: EngineProcess) -> None:
    """kill -9 in the middle of the load: the same consumers go on committing what arrives."""
    with service(arena.settings) as ingest, arena.sending(a_few_hours(events=EVENTS, rate=RATE, seed=1)):
        wait_until(lambda: committed(arena) > EVENTS // 4, timeout_s=60, what="the load")
        members, before = consumers(ingest), committed(arena)
        victim.signal(signal.SIGKILL)
        wait_until(lambda: committed(arena) > before + EVENTS // 3, timeout_s=90, what="ingest after the loss")
        assert consumers(ingest) == members


def committed(arena: Arena) -> int:
    """What ingest has committed; 0 while nobody can tell, since the group's coordinator may be what was lost."""
    try:
        return arena.committed()
    except StoreUnavailable:
        return 0


def restart(victim: EngineProcess) -> None:
    victim.spawn(print)
    victim.wait_ready(print)


@contextmanager
def one_node(settings: Settings, host: str) -> Iterator[Session]:
    """A session that asks this node only, which answers from its own replica."""
    profile = ExecutionProfile(WhiteListRoundRobinPolicy([host]), consistency_level=ConsistencyLevel.ONE)
    cluster = Cluster([host], port=settings.cassandra_port, execution_profiles={EXEC_PROFILE_DEFAULT: profile})
    try:
        yield cluster.connect()
    finally:
        cluster.shutdown()


def peers_of(settings: Settings, host: str) -> int:
    """How many other nodes this one knows."""
    with one_node(settings, host) as session:
        return len(session.execute("SELECT peer FROM system.peers_v2").all())


def rows_on(settings: Settings, host: str) -> int:
    with one_node(settings, host) as session:
        return int(session.execute(f"SELECT count(*) FROM {settings.cassandra_keyspace}.raw_events").one()[0])


def replication(settings: Settings) -> dict[str, str]:
    select = "SELECT replication FROM system_schema.keyspaces WHERE keyspace_name = %s"
    with one_node(settings, "127.0.0.1") as session:
        return dict(session.execute(select, (settings.cassandra_keyspace,)).one()[0])


def in_sync_replicas(settings: Settings) -> set[int]:
    """How many replicas are in sync, over the topic's partitions."""
    with open_admin(settings) as admin:
        (topic,) = admin.describe_topics([settings.kafka_topic])
    return {len(partition["isr_nodes"]) for partition in topic["partitions"]}

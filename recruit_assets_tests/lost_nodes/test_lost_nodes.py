"""One node of three is killed while events arrive: the others carry on, no event is lost, and the node catches up.

Run by `make test-lost-nodes`; each test starts its own cluster.
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
from recruit_assets_tests.lost_nodes.conftest import OpenScenario
from recruit_assets_tests.lost_nodes.engines import DATACENTER, NODES, cassandra_nodes, kafka_brokers
from recruit_assets_tests.support.engine_set import running
from recruit_assets_tests.support.ingest_process import consumers, service
from recruit_assets_tests.support.scenario import Scenario
from recruit_assets_tests.support.waiting import wait_until

pytestmark = pytest.mark.timeout(600)

EVENTS, RATE = 12_000, 600
STRATEGY = "org.apache.cassandra.locator.NetworkTopologyStrategy"


@pytest.fixture
def nodes(tmp_path: Path) -> Iterator[tuple[list[EngineProcess], Settings]]:
    """A ring of three. Each node joins after the one before is up: otherwise a node might create a keyspace alone."""
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


def test_a_lost_cassandra_node_loses_no_event_and_catches_up(
    nodes: tuple[list[EngineProcess], Settings], open_scenario: OpenScenario
) -> None:
    processes, client = nodes
    scenario = open_scenario(client)
    assert replication(scenario.settings) == {"class": STRATEGY, DATACENTER: str(NODES)}

    lose_one_of_three_under_load(scenario, processes[-1])
    scenario.recover()
    scenario.require_exact()
    complete = rows_on(scenario.settings, "127.0.0.1")

    restart(processes[-1])
    wait_until(lambda: rows_on(scenario.settings, "127.0.0.3") == complete, timeout_s=90, what="hints delivered")
    processes[0].signal(signal.SIGKILL)
    scenario.require_exact()


def test_a_lost_broker_loses_no_event(
    brokers: tuple[list[EngineProcess], Settings], open_scenario: OpenScenario
) -> None:
    processes, client = brokers
    scenario = open_scenario(client)
    with open_admin(scenario.settings) as admin:
        assert topic_options(admin, scenario.settings.kafka_topic)["min.insync.replicas"] == str(NODES - 1)

    lose_one_of_three_under_load(scenario, processes[-1])
    scenario.recover()
    scenario.require_exact()

    restart(processes[-1])
    wait_until(lambda: in_sync_replicas(scenario.settings) == {NODES}, timeout_s=60, what="all replicas in sync")


def lose_one_of_three_under_load(scenario: Scenario, victim: EngineProcess) -> None:
    """kill -9 under load: the same consumers keep committing what arrives."""
    with service(scenario.settings) as ingest, scenario.sending(a_few_hours(events=EVENTS, rate=RATE, seed=1)):
        wait_until(lambda: committed(scenario) > EVENTS // 4, timeout_s=60, what="the load")
        members, before = consumers(ingest), committed(scenario)
        victim.signal(signal.SIGKILL)
        wait_until(lambda: committed(scenario) > before + EVENTS // 3, timeout_s=90, what="ingest after the loss")
        assert consumers(ingest) == members


def committed(scenario: Scenario) -> int:
    """The committed offsets, 0 while they can't be read: the killed broker may have been the group's coordinator."""
    try:
        return scenario.committed()
    except StoreUnavailable:
        return 0


def restart(victim: EngineProcess) -> None:
    victim.spawn(print)
    victim.wait_ready(print)


@contextmanager
def one_node(settings: Settings, host: str) -> Iterator[Session]:
    """A session with this node only, which answers from its own replica."""
    profile = ExecutionProfile(WhiteListRoundRobinPolicy([host]), consistency_level=ConsistencyLevel.ONE)
    cluster = Cluster([host], port=settings.cassandra_port, execution_profiles={EXEC_PROFILE_DEFAULT: profile})
    try:
        yield cluster.connect()
    finally:
        cluster.shutdown()


def peers_of(settings: Settings, host: str) -> int:
    """The number of other nodes that this one knows."""
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
    """The numbers of in-sync replicas, over the topic's partitions."""
    with open_admin(settings) as admin:
        (topic,) = admin.describe_topics([settings.kafka_topic])
    return {len(partition["isr_nodes"]) for partition in topic["partitions"]}

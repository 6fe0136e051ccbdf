"""Three Cassandra nodes on 127.0.0.1 to 127.0.0.3 and three Kafka brokers: the local engines with small heaps."""

from collections.abc import Sequence
from pathlib import Path
from uuid import uuid4

from recruit_assets.local.engines.cassandra import Cassandra
from recruit_assets.local.engines.engine import HOST
from recruit_assets.local.engines.kafka import Kafka
from recruit_assets.local.engines.ports import free_ports
from recruit_assets.runtime.settings import Settings, load_settings
from recruit_assets_tests.support.engine_set import new_folder

NODES = 3
DATACENTER = "eu-1"
HEAP = ("-Xms512m", "-Xmx512m", "-XX:+UseSerialGC", "-XX:MaxDirectMemorySize=256m", "-Xss256k")
LOWEST_TOKEN, TOKENS = -(2**63), 2**64
CASSANDRA_YAML = """
initial_token: "{token}"
endpoint_snitch: GossipingPropertyFileSnitch
# each node reads its own replica
dynamic_snitch: false
hinted_handoff_throttle: 10MiB
# three nodes share a machine
memtable_offheap_space: 64MiB
memtable_heap_space: 64MiB
file_cache_size: 64MiB
"""


def cassandra_nodes(folder: Path) -> tuple[list[Cassandra], Settings]:
    """A ring with one token per node, to be started one by one, and a client's settings with three replicas."""
    port, internode = free_ports(2)
    hosts = [f"127.0.0.{number}" for number in range(1, NODES + 1)]
    client = load_settings(
        state_dir=folder,
        cassandra_hosts=",".join(hosts),
        cassandra_port=port,
        cassandra_datacenter=DATACENTER,
        cassandra_replication=str(NODES),
    )
    rack = new_folder(folder, "rack") / "rackdc.properties"
    rack.write_text(f"dc={DATACENTER}\nrack=one\n")
    ports = {"cassandra": port, "cassandra_internode": internode}
    heap = (*HEAP, f"-Dcassandra-rackdc.properties={rack.as_uri()}")
    nodes = []
    for number, host in enumerate(hosts):
        yaml = CASSANDRA_YAML.format(token=LOWEST_TOKEN + number * TOKENS // NODES)
        nodes.append(Cassandra(client, new_folder(folder, host), ports, host=host, heap=heap, extra=yaml))
    return nodes, client


def kafka_brokers(folder: Path) -> tuple[list[Kafka], Settings]:
    """Brokers that are also controllers, to be started together, and a client's settings with three replicas."""
    clients, controllers = free_ports(NODES), free_ports(NODES)
    bootstrap = ",".join(f"{HOST}:{port}" for port in clients)
    client = load_settings(state_dir=folder, kafka_bootstrap=bootstrap, kafka_replication=NODES)
    cluster_id = uuid4().hex[:22]
    brokers = [
        Kafka(
            client,
            new_folder(folder, f"broker-{number}"),
            {"kafka": port, "kafka_controller": controller},
            extra=_member_of_cluster(number, controllers),
            cluster_id=cluster_id,
        )
        for number, (port, controller) in enumerate(zip(clients, controllers, strict=True))
    ]
    return brokers, client


def _member_of_cluster(number: int, controllers: Sequence[int]) -> dict[str, object]:
    internal = ("offsets.topic", "transaction.state.log", "share.coordinator.state.topic")
    return {
        "node.id": number,
        "controller.quorum.voters": ",".join(f"{voter}@{HOST}:{port}" for voter, port in enumerate(controllers)),
        **{f"{topic}.replication.factor": NODES for topic in internal},
        "transaction.state.log.min.isr": NODES - 1,
        "share.coordinator.state.topic.min.isr": NODES - 1,
    }

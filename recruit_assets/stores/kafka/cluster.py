"""What Kafka says about itself: its version, its controller's clock, where a topic's partitions are."""

from dataclasses import dataclass
from datetime import datetime

from kafka import KafkaAdminClient, OffsetSpec
from kafka.errors import KafkaError
from kafka.structs import TopicPartition

from recruit_assets.runtime.times import from_ms
from recruit_assets.stores.kafka.clients import translated_errors


@dataclass(frozen=True, slots=True)
class Cluster:
    """The brokers that are up, and the newest version whose requests the asked one knows."""

    brokers: tuple[int, ...]
    version: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class TopicLayout:
    """A topic's partitions: how many, and which of them have lost their leader or a replica."""

    partitions: tuple[int, ...]
    replicas: int
    """The fewest of any partition."""
    without_leader: tuple[int, ...] = ()
    behind: tuple[int, ...] = ()
    """Partitions of which a replica isn't in sync."""


def read_cluster(admin: KafkaAdminClient) -> Cluster:
    """StoreUnavailable if Kafka doesn't answer."""
    with translated_errors("describe the cluster"):
        brokers = sorted(broker["broker_id"] for broker in admin.describe_cluster()["brokers"])
        version = admin.get_broker_version_data(brokers[0]).broker_version if brokers else ()
    return Cluster(tuple(brokers), tuple(version))


def controller_clock(admin: KafkaAdminClient) -> datetime | None:
    """The active controller's clock; None if Kafka doesn't tell it, as to a login without rights on the cluster.

    No request asks for a broker's clock. The controller gives its own as the time at which itself was last caught up.
    """
    try:
        quorum = admin.describe_metadata_quorum()
    except KafkaError:
        return None
    partition = quorum["topics"][0]["partitions"][0]
    for voter in partition["current_voters"]:
        if voter["replica_id"] == partition["leader_id"] and voter["last_caught_up_timestamp"] > 0:
            return from_ms(voter["last_caught_up_timestamp"])
    return None


def topic_layout(admin: KafkaAdminClient, topic: str) -> TopicLayout | None:
    """None if the topic doesn't exist."""
    with translated_errors(f"partitions of topic {topic}"):
        (described,) = admin.describe_topics([topic])
    found = {one["partition_index"]: one for one in described["partitions"]}
    if not found:
        return None
    return TopicLayout(
        partitions=tuple(sorted(found)),
        replicas=min(len(one["replica_nodes"]) for one in found.values()),
        without_leader=tuple(sorted(index for index, one in found.items() if one["leader_id"] < 0)),
        behind=tuple(
            sorted(index for index, one in found.items() if len(one["isr_nodes"]) < len(one["replica_nodes"]))
        ),
    )


def newest_record(admin: KafkaAdminClient, topic: str, layout: TopicLayout) -> datetime | None:
    """The latest time that a record of the topic has, by the clock of its broker; None for an empty topic."""
    wanted = {TopicPartition(topic, partition): OffsetSpec.MAX_TIMESTAMP for partition in layout.partitions}
    with translated_errors(f"newest records of topic {topic}"):
        found = admin.list_partition_offsets(wanted)
    return max((from_ms(one.timestamp) for one in found.values() if one.timestamp >= 0), default=None)

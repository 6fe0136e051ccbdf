"""Settings of Kafka and of the programs on both of its sides: the collector writes events to it, ingest reads them."""

from typing import Literal

from pydantic import BaseModel, Field, SecretStr

from recruit_assets.contract.dead_letters import DLQ_SUFFIX
from recruit_assets.runtime.places import Brokers
from recruit_assets.runtime.settings.value_types import Origins, TlsCa, TopicName, words


class KafkaSettings(BaseModel):
    """Brokers, topics and login; ingest; the collector."""

    kafka_bootstrap: Brokers = Field("", description="Kafka brokers, host:port, comma separated")
    kafka_topic: TopicName = Field("raw_events", description="Topic of the raw tracking events")
    kafka_group: str = Field("recruit_ingest", min_length=1, description="Consumer group of ingest")
    kafka_partitions: int = Field(4, ge=1, le=10_000, description="Partitions of a topic that schema apply creates")
    kafka_replication: int = Field(1, ge=1, le=9, description="Replicas of a topic that schema apply creates")
    kafka_min_insync: int = Field(
        0, ge=0, le=9, description="Replicas that must store a record before it is acknowledged; 0: all but one"
    )
    kafka_tls_ca: TlsCa = Field(
        "", description="PEM file with the CA of the brokers' certificates, or `system`; `off`: log in without TLS"
    )
    kafka_user: str = Field("", description="SASL user; empty: no login")
    kafka_password: SecretStr = Field(SecretStr(""), description="SASL password")
    kafka_mechanism: Literal["SCRAM-SHA-512", "PLAIN"] = Field("SCRAM-SHA-512", description="SASL mechanism")
    max_event_bytes: int = Field(
        512 * 1024,
        ge=1024,
        le=5 * 1024 * 1024,
        description="Maximum size of an event, decompressed; a larger one becomes a dead letter",
    )

    ingest_processes: int = Field(
        1, ge=1, le=64, description="Consumer processes of one `ingest`, and of a run that drains the topic"
    )
    metrics_address: str = Field(
        "",
        pattern=r"^(\[[0-9a-fA-F:]+\]|[A-Za-z0-9.-]+)?(:\d{1,5})?$",
        description="host:port of ingest's Prometheus metrics; process n listens on port + n; empty: none",
    )

    collect_origins: Origins = Field(
        "", description="Origins of the pages that may send to `collect`, such as https://www.example.com, or *"
    )
    collect_rate: int = Field(
        50, ge=0, description="Requests per second that `collect` takes from one address, on average; 0: any number"
    )
    collect_proxies: str = Field(
        "127.0.0.1",
        description="Addresses of the reverse proxies in front of `collect`, whose X-Forwarded-For is believed; comma "
        "separated",
    )

    @property
    def kafka_acknowledging(self) -> int:
        """min.insync.replicas of the topics."""
        return self.kafka_min_insync or max(1, self.kafka_replication - 1)

    @property
    def dlq_topic(self) -> str:
        return self.kafka_topic + DLQ_SUFFIX

    @property
    def collect_origin_list(self) -> list[str]:
        return words(self.collect_origins)

"""Creates the topics, and checks their configuration."""

import logging

from kafka import KafkaAdminClient
from kafka.admin import ConfigResource, ConfigResourceType
from kafka.errors import TopicAlreadyExistsError

from recruit_assets.runtime.errors import SchemaMismatch
from recruit_assets.runtime.settings import Settings
from recruit_assets.stores.kafka.clients import REQUEST_TIMEOUT_MS, open_admin, translated_errors

log = logging.getLogger(__name__)

DLQ_RETENTION_MS = 90 * 86_400 * 1000
TIMESTAMP_TYPE = "message.timestamp.type"
LOG_APPEND_TIME = "LogAppendTime"


def ensure_topics(settings: Settings) -> None:
    """Create the event and dead letter topics if they are missing; SchemaMismatch if the event topic has CreateTime."""
    with open_admin(settings) as admin, translated_errors(f"topics of {settings.kafka_bootstrap}"):
        existing = set(admin.list_topics())
        for topic, options in _wanted_topics(settings).items():
            if topic not in existing:
                _create(admin, topic, settings=settings, options=options)
        check_topic_times(admin, settings)


def check_topic_times(admin: KafkaAdminClient, settings: Settings) -> None:
    """SchemaMismatch unless the broker sets the timestamps of records: they become the write time of events."""
    found = topic_options(admin, settings.kafka_topic)[TIMESTAMP_TYPE]
    if found != LOG_APPEND_TIME:
        raise SchemaMismatch(
            f"Kafka topic {settings.kafka_topic}: wanted {TIMESTAMP_TYPE} {LOG_APPEND_TIME}, found {found}. Records "
            "already in it keep their producers' times: use another RECRUIT_KAFKA_TOPIC, or alter the topic while empty"
        )


def topic_options(admin: KafkaAdminClient, topic: str) -> dict[str, str]:
    """The topic's configuration, including defaults."""
    with translated_errors(f"configuration of topic {topic}"):
        # without the filter the client leaves out defaults
        described = admin.describe_configs([ConfigResource(ConfigResourceType.TOPIC, topic)], config_filter="all")
    return {name: entry["value"] for name, entry in described["topic"][topic].items()}


def _wanted_topics(settings: Settings) -> dict[str, dict[str, str]]:
    """Names `delete`: if the broker's default were compaction, records with the same key would be lost."""
    shared = {
        TIMESTAMP_TYPE: LOG_APPEND_TIME,
        "cleanup.policy": "delete",
        "min.insync.replicas": str(settings.kafka_acknowledging),
    }
    return {settings.kafka_topic: shared, settings.dlq_topic: shared | {"retention.ms": str(DLQ_RETENTION_MS)}}


def _create(admin: KafkaAdminClient, topic: str, *, settings: Settings, options: dict[str, str]) -> None:
    wanted = {
        "num_partitions": settings.kafka_partitions,
        "replication_factor": settings.kafka_replication,
        "configs": options,
    }
    try:
        admin.create_topics({topic: wanted}, timeout_ms=REQUEST_TIMEOUT_MS, wait_for_metadata=True)
    except TopicAlreadyExistsError:
        return  # another process created it first
    # logged, because a misspelt name creates a topic too, which stays empty
    log.info("created Kafka topic %s, which didn't exist", topic)

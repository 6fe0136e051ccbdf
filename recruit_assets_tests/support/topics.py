"""The test's topics: what is in them, what is sent to them, and how they change under the program."""

from kafka import KafkaAdminClient
from kafka.admin import ConfigResource, ConfigResourceType
from kafka.errors import KafkaError
from kafka.structs import OffsetAndMetadata, TopicPartition

from recruit_assets.ingest.dead_letters import Selection, Traced, list_dead_letters
from recruit_assets.observability.audit import AuditResult, run_audit
from recruit_assets.runtime.errors import StoreUnavailable
from recruit_assets.runtime.settings import Settings
from recruit_assets.stores.kafka.clients import open_admin, open_sender
from recruit_assets.stores.kafka.connection import connection_options
from recruit_assets.stores.kafka.record import Record
from recruit_assets.stores.kafka.topic_reader import open_topic_reader
from recruit_assets.stores.kafka.topics import ensure_topics
from recruit_assets_tests.support.ingest import ARecord
from recruit_assets_tests.support.waiting import wait_until

KAFKA_RULES = ("Kafka lag", "records", "dead letters", "events", "contents", "received_at")


def send(settings: Settings, *records: ARecord, topic: str = "") -> None:
    with open_sender(settings, topic or settings.kafka_topic) as sender:
        for record in records:
            sender.send(record.key, record.value, headers=list(record.headers))
        sender.acknowledged()


def records_in(settings: Settings, topic: str) -> list[Record]:
    with open_topic_reader(settings) as reader:
        firsts, ends = reader.offsets(topic)
        return [record for _, records in reader.records(topic, firsts=firsts, ends=ends) for record in records]


def listed(settings: Settings) -> list[Traced]:
    return sorted(list_dead_letters(settings, Selection()), key=lambda one: one.letter.origin.timestamp_ms)


def audit(settings: Settings) -> tuple[dict[str, tuple[str, ...]], AuditResult]:
    """Examples of each broken rule, except of those about the report, which these tests don't make."""
    result = run_audit(settings)
    return {one.rule: one.examples for one in result.differences if one.rule in KAFKA_RULES}, result


def commit_everything(settings: Settings) -> None:
    """Commit the group's offsets up to the end, without reading."""
    with open_admin(settings) as admin, open_topic_reader(settings) as reader:
        _, ends = reader.offsets(settings.kafka_topic)
        offsets = {TopicPartition(settings.kafka_topic, p): OffsetAndMetadata(end, "", -1) for p, end in ends.items()}
        admin.alter_group_offsets(settings.kafka_group, offsets)


def alter_topic(settings: Settings, topic: str, **options: str) -> None:
    admin = KafkaAdminClient(**connection_options(settings))
    try:
        names = {name.replace("_", "."): value for name, value in options.items()}
        admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, topic, configs=names)])
    finally:
        admin.close()


def make_anew(settings: Settings, topic: str) -> None:
    """Delete the topic, and create it as `schema apply` does."""
    with open_admin(settings) as admin:
        admin.delete_topics([topic])

        def is_gone() -> bool:
            return topic not in admin.list_topics()

        wait_until(is_gone, timeout_s=20, what=f"the deletion of {topic}")

    def is_there() -> bool:
        try:
            ensure_topics(settings)
        except (KafkaError, StoreUnavailable):
            return False
        return True

    wait_until(is_there, timeout_s=20, what=f"the new {topic}")

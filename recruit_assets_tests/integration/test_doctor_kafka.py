"""Faults of topics, group and records on a real Kafka: doctor finds each in its line."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import pytest
from kafka.admin import ConfigResource, ConfigResourceType
from kafka.structs import TopicPartition

from recruit_assets.observability import conditions
from recruit_assets.observability.doctor import State
from recruit_assets.runtime.settings import Settings
from recruit_assets.stores.kafka import connection as kafka_connection
from recruit_assets.stores.kafka.clients import open_admin, open_consumer, open_producer, open_sender
from recruit_assets.stores.kafka.commit_label import CommitLabel, Owner
from recruit_assets.stores.kafka.topics import ensure_topics, identify
from recruit_assets_tests.conftest import fresh_names
from recruit_assets_tests.support.doctor import CLOSED, Fault, expect, look_at, verdict_of, wrong
from recruit_assets_tests.support.kafka_topic import alter_topic, events, produce, set_commits
from recruit_assets_tests.support.waiting import wait_until

HOUR_MS = str(3_600_000)


@pytest.fixture
def own(engines: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[Settings]:
    """Settings with topics and a group of the test's own."""
    monkeypatch.setattr(kafka_connection, "CONNECT_TIMEOUT_MS", 2_000)  # a client tries again until then
    monkeypatch.setattr(conditions, "UNATTENDED_AFTER_S", 0)
    settings = fresh_names(engines)
    ensure_topics(settings)
    yield settings
    with open_admin(settings) as admin:
        admin.delete_topics(sorted({settings.kafka_topic, settings.dlq_topic} & set(admin.list_topics())))


def events_with(**options: str) -> Callable[[Settings], None]:
    return lambda settings: alter_topic(settings, **options)


def letters_with(**options: str) -> Callable[[Settings], None]:
    """Alters the dead letter topic."""

    def do(settings: Settings) -> None:
        names = {name.replace("_", "."): value for name, value in options.items()}
        with open_admin(settings) as admin:
            admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, settings.dlq_topic, configs=names)])

    return do


def delete_letters(settings: Settings) -> None:
    with open_admin(settings) as admin:
        admin.delete_topics([settings.dlq_topic])
        wait_until(lambda: settings.dlq_topic not in admin.list_topics(), 20, what="the deletion")


def send_events(settings: Settings) -> None:
    produce(settings, *events(40))


def send_foreign_letters(settings: Settings) -> None:
    """40 events, and 25 records in the dead letter topic that aren't dead letters of ours."""
    produce(settings, *events(40))
    with open_sender(settings, settings.dlq_topic) as sender:
        for _ in range(25):
            sender.send(None, b"{", headers=[])
        sender.acknowledged()


def commit_as_another_keyspace(settings: Settings) -> None:
    with open_admin(settings) as admin:
        topic_id = identify(admin, settings.kafka_topic).topic_id
    set_commits(settings, 0, metadata=CommitLabel(topic_id, Owner("another")).encode())


def commit_beyond_the_end(settings: Settings) -> None:
    set_commits(settings, 900)


def delete_unread(settings: Settings) -> None:
    """Two events of partition 0, as retention does."""
    produce(settings, *events(8))
    set_commits(settings, 0)
    with open_admin(settings) as admin:
        admin.delete_records({TopicPartition(settings.kafka_topic, 0): 2})


def send_from_the_future(settings: Settings) -> None:
    alter_topic(settings, message_timestamp_type="CreateTime")
    in_ten_minutes = round((datetime.now(UTC) + timedelta(minutes=10)).timestamp() * 1000)
    producer = open_producer(settings)
    try:
        producer.send(settings.kafka_topic, value=b"{}", timestamp_ms=in_ten_minutes).get(timeout=30)
    finally:
        producer.close()


FAULTS = {
    "Kafka is down": Fault(
        "reachable", "FAIL", "Kafka request failed", change={"kafka_bootstrap": f"127.0.0.1:{CLOSED}"}
    ),
    "the event topic is missing": Fault(
        "event topic", "FAIL", "topic nowhere doesn't exist", change={"kafka_topic": "nowhere"}
    ),
    "the dead letter topic is missing": Fault("dead letter topic", "FAIL", ".dlq doesn't exist", delete_letters),
    "events are deleted after an hour": Fault(
        "event topic: retention.ms",
        "WARN",
        "found 3600000. If ingest is down for longer, events are deleted unread",
        events_with(retention_ms=HOUR_MS),
    ),
    "a full topic deletes events": Fault(
        "event topic: retention.bytes",
        "WARN",
        "found 1000000. A full partition deletes its oldest events",
        events_with(retention_bytes="1000000"),
    ),
    "the event topic is compacted": Fault(
        "event topic: cleanup.policy",
        "WARN",
        "wanted delete, found compact. Compaction deletes events",
        events_with(cleanup_policy="compact"),
    ),
    "records have their producers' times": Fault(
        "event topic: message.timestamp.type",
        "FAIL",
        "wanted LogAppendTime, found CreateTime",
        events_with(message_timestamp_type="CreateTime"),
    ),
    "the topic refuses large events": Fault(
        "event topic: max.message.bytes",
        "WARN",
        "found 1000. Kafka refuses larger events",
        events_with(max_message_bytes="1000"),
    ),
    "too few brokers acknowledge": Fault(
        "event topic: min.insync.replicas", "WARN", "wanted at least 2, found 1", change={"kafka_replication": 3}
    ),
    "an unclean leader may be elected": Fault(
        "event topic: unclean.leader.election.enable",
        "WARN",
        "wanted false, found true",
        events_with(unclean_leader_election_enable="true"),
    ),
    "fewer replicas than the setting": Fault(
        "event topic: replicas",
        "WARN",
        "the topic has 1 replica, RECRUIT_KAFKA_REPLICATION is 3",
        change={"kafka_replication": 3},
    ),
    "more processes than partitions": Fault(
        "event topic: partitions", "WARN", "has 4 partitions: 5 get nothing to read", change={"ingest_processes": 9}
    ),
    "dead letters don't fit their topic": Fault(
        "dead letter topic: max.message.bytes",
        "FAIL",
        "without dead letters no offset can be committed",
        letters_with(max_message_bytes="1000"),
    ),
    "dead letters are deleted after an hour": Fault(
        "dead letter topic: retention.ms",
        "WARN",
        "found 3600000: dead letters are deleted",
        letters_with(retention_ms=HOUR_MS),
    ),
    "the group belongs to another keyspace": Fault(
        "consumer group", "FAIL", "belongs to keyspace another", commit_as_another_keyspace
    ),
    "the group has committed what the topic lost": Fault(
        "committed offsets", "WARN", "beyond the end of partitions 0, 1, 2 and 1 more", commit_beyond_the_end
    ),
    "events were deleted before they were read": Fault(
        "committed offsets", "FAIL", "2 records were deleted before ingest had read them", delete_unread
    ),
    "nobody reads what waits in Kafka": Fault(
        "lag", "FAIL", "ingest hasn't stored 40 records of Kafka, the first since", send_events
    ),
    "many records become dead letters": Fault(
        "share of dead letters", "WARN", "62% of the records of the last 15 minutes", send_foreign_letters
    ),
    "foreign records are among the dead letters": Fault(
        "dead letters",
        "WARN",
        "records of the topic that aren't dead letters of this platform: 25",
        send_foreign_letters,
    ),
    "a broker's clock was ahead": Fault(
        "event topic: newest record", "WARN", "a broker's clock was ahead", send_from_the_future
    ),
}


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
def test_a_fault_of_kafka_is_found_in_its_line(fault: Fault, own: Settings) -> None:
    expect(fault, own, "Kafka")


def test_another_programs_consumer_in_the_group_is_named(own: Settings) -> None:
    consumer = open_consumer(own, group=own.kafka_group, client_id="somebody")
    consumer.subscribe([own.kafka_topic])
    wait_until(lambda: consumer.poll(timeout_ms=100) or consumer.assignment(), 60, what="an assignment")

    verdict = verdict_of(look_at(own, "Kafka"), "consumer group")
    consumer.close(autocommit=False)

    assert verdict.state is State.FAIL
    assert "members that aren't ingest: client somebody on host" in verdict.found


def test_new_topics_are_as_they_should_be(own: Settings) -> None:
    """The controller's clock is read too, which no request asks for by name."""
    findings = look_at(own, "Kafka")

    assert wrong(findings) == {}
    assert {one.verdict.state for one in findings} == {State.OK}
    assert verdict_of(findings, "clock").found == "Kafka's clock and this machine's agree within 5 s"

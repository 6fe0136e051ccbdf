"""The ingest service as real processes: stopped, killed and restarted, without losing or duplicating an event."""

import signal

from kafka import KafkaAdminClient
from kafka.admin import ConfigResource, ConfigResourceType

from recruit_assets.ingest.service import drain, topic_ends
from recruit_assets.runtime.settings import Settings
from recruit_assets.stores.cassandra.session import open_session
from recruit_assets.stores.kafka.clients import open_admin, open_producer
from recruit_assets.stores.kafka.connection import connection_options
from recruit_assets.stores.kafka.offsets import committed_offsets, group_members
from recruit_assets_tests.support.builders import an_event, as_bytes
from recruit_assets_tests.support.ingest_process import consumers, service
from recruit_assets_tests.support.waiting import wait_until


def produce(settings: Settings, count: int, *, first: int = 0) -> None:
    producer = open_producer(settings)
    try:
        for seed in range(first, first + count):
            producer.send(settings.kafka_topic, value=as_bytes(an_event(seed=seed)), partition=seed % 4)
        producer.flush(timeout=30)
    finally:
        producer.close()


def committed(settings: Settings) -> dict[int, int]:
    with open_admin(settings) as admin:
        return committed_offsets(admin, settings)


def members(settings: Settings) -> int:
    with open_admin(settings) as admin:
        return group_members(admin, settings)


def count_events(settings: Settings) -> int:
    with open_session(settings) as session:
        ((count,),) = session.execute(f"SELECT count(*) FROM {settings.cassandra_keyspace}.raw_events")
    return int(count)


def test_sigterm_ends_every_process_cleanly_and_leaves_the_group(settings: Settings) -> None:
    with service(settings) as parent:
        wait_until(lambda: members(settings) == 2, 60, what="two members")
        produce(settings, 3_000)
        wait_until(lambda: sum(committed(settings).values()) > 0, 60, what="a commit")
        parent.send_signal(signal.SIGTERM)
        code = parent.wait(60)

    assert (code, members(settings)) == (0, 0)
    drain(settings)
    assert count_events(settings) == 3_000


def test_a_killed_consumer_is_restarted_and_nothing_is_lost(settings: Settings) -> None:
    with service(settings) as parent:
        wait_until(lambda: members(settings) == 2, 60, what="two members")
        produce(settings, 3_000)
        first = consumers(parent)
        first[0].kill()
        produce(settings, 3_000, first=3_000)
        targets = topic_ends(settings)
        wait_until(lambda: committed(settings) == targets, 90, what="all offsets committed")
        wait_until(lambda: len(consumers(parent)) == 2, 30, what="a replacement")
        assert parent.poll() is None

    assert count_events(settings) == 6_000


def test_consumers_end_when_their_parent_is_killed(settings: Settings) -> None:
    with service(settings) as parent:
        wait_until(lambda: members(settings) == 2, 60, what="two members")
        children = consumers(parent)
        parent.kill()
        wait_until(lambda: not any(child.is_running() for child in children), 60, what="the children's end")

    assert members(settings) == 0


def test_until_caught_up_ends_when_everything_is_committed(settings: Settings) -> None:
    produce(settings, 2_000)

    with service(settings, "--until-caught-up") as parent:
        code = parent.wait(90)

    assert (code, count_events(settings), committed(settings)) == (0, 2_000, topic_ends(settings))


def test_an_error_that_a_restart_cant_fix_ends_the_service(settings: Settings) -> None:
    """The dead letter topic's record limit is too small."""
    admin = KafkaAdminClient(**connection_options(settings))
    try:
        admin.alter_configs(
            [ConfigResource(ConfigResourceType.TOPIC, settings.dlq_topic, {"max.message.bytes": "9000"})]
        )
    finally:
        admin.close()

    with service(settings) as parent:
        assert parent.wait(90) == 1

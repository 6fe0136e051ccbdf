"""A member of the ingest group on real Kafka, with the known problems of the client library."""

import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from itertools import count

import pytest
from kafka import ConsumerRebalanceListener, TopicPartition

from recruit_assets.runtime.settings import Settings
from recruit_assets.stores.kafka.clients import open_consumer, open_producer
from recruit_assets.stores.kafka.compat import request_rejoin
from recruit_assets.stores.kafka.group_member import GroupMember, _RebalanceNotes
from recruit_assets_tests.support.waiting import wait_until

PARTITIONS = 4
GROUPS = 3


def test_a_consumer_that_is_asked_to_rejoin_gets_its_partitions_again(settings: Settings) -> None:
    """The request uses private API of the client. Without it the next test fails."""
    consumer = open_consumer(settings, group=settings.kafka_group)
    assigned = Assignments()
    consumer.subscribe([settings.kafka_topic], listener=assigned)
    try:
        wait_until(lambda: consumer.poll(100) or assigned.count == 1, 20, what="the first assignment")
        request_rejoin(consumer)
        wait_until(lambda: consumer.poll(100) or assigned.count == 2, 20, what="the second assignment")
    finally:
        consumer.close(autocommit=False)


class Assignments(ConsumerRebalanceListener):  # type: ignore[misc]  # kafka-python has no types
    """Counts assignments."""

    count = 0

    def on_partitions_revoked(self, revoked: set[TopicPartition]) -> None:
        """Ignored."""

    def on_partitions_assigned(self, assigned: set[TopicPartition]) -> None:
        self.count += 1


def test_a_member_that_never_waits_gets_through_every_rebalance(settings: Settings) -> None:
    """A leader whose poll ended in the middle of a join used to keep its partitions but never read them again."""
    producer = open_producer(settings)
    for number in range(GROUPS):
        group = settings.model_copy(update={"kafka_group": f"{settings.kafka_group}-{number}"})
        member = GroupMember(group, max_poll_records=1)
        try:
            seeds = count()
            seen: set[int] = set()

            def reads_all(member: GroupMember = member, seen: set[int] = seen, seeds: "count[int]" = seeds) -> bool:
                seen.update(record.partition for record in member.poll(0))
                if not member.rebalanced:
                    return len(seen) == PARTITIONS
                member.resume()
                seen.clear()
                for partition in range(PARTITIONS):
                    producer.send(settings.kafka_topic, value=b"%d" % next(seeds), partition=partition)
                return False

            wait_until(reads_all, 20, what="a record of each partition after the last rebalance")
        finally:
            member.close()
    producer.close()


def test_a_member_at_work_joins_once_when_another_one_comes(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The answer to its join used to arrive while it finished a micro-batch, and was discarded: one more rebalance."""
    given: Counter[_RebalanceNotes] = Counter()
    note = _RebalanceNotes.on_partitions_assigned

    def counted(self: _RebalanceNotes, assigned: set[TopicPartition]) -> None:
        given[self] += 1
        note(self, assigned)

    monkeypatch.setattr(_RebalanceNotes, "on_partitions_assigned", counted)
    first = GroupMember(settings, max_poll_records=1)
    with ThreadPoolExecutor() as pool:
        try:
            wait_until(lambda: first.poll(0) or first.assignment(), 20, what="the first member's partitions")
            first.resume()
            newcomer = pool.submit(_assigned, settings)
            while not newcomer.done():
                first.poll(0)
                if first.rebalanced:
                    time.sleep(0.5)  # a micro-batch takes this long to become durable
                    first.resume()
        finally:
            first.close()

    assert len(newcomer.result()) == PARTITIONS // 2
    assert sorted(given.values()) == [1, 2]


def _assigned(settings: Settings) -> frozenset[int]:
    """The partitions of a member that joins and stays for some rounds of heartbeats."""
    member = GroupMember(settings, max_poll_records=1)
    try:
        stays_until = time.monotonic() + 8
        while time.monotonic() < stays_until:
            member.poll(0.1)
        return member.assignment()
    finally:
        member.close()


def test_a_lone_member_is_given_its_partitions_once(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """It used to join before it had the topic's metadata, and again afterwards: two rebalances of the whole group."""
    given: list[set[TopicPartition]] = []
    note = _RebalanceNotes.on_partitions_assigned

    def counted(self: _RebalanceNotes, assigned: set[TopicPartition]) -> None:
        given.append(assigned)
        note(self, assigned)

    monkeypatch.setattr(_RebalanceNotes, "on_partitions_assigned", counted)
    for number in range(GROUPS):
        group = settings.model_copy(update={"kafka_group": f"{settings.kafka_group}-lone-{number}"})
        member = GroupMember(group, max_poll_records=1)
        try:
            for _ in range(10):
                member.poll(0.1)
        finally:
            member.close()

    assert [len(assigned) for assigned in given] == [PARTITIONS] * GROUPS

"""A member of the ingest group on real Kafka, where the client has pitfalls of its own."""

from itertools import count

from recruit_assets.settings import Settings
from recruit_assets.stores.kafka import open_producer
from recruit_assets.stores.kafka_group import GroupMember
from recruit_assets_tests.support.waiting import wait_until

PARTITIONS = 4
GROUPS = 3


def test_a_member_that_never_waits_gets_through_every_rebalance(settings: Settings) -> None:
    """A leader whose poll ends in the middle of a join kept its partitions, and read nothing any more, for ever."""
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

"""Kafka: the brokers, the two topics, and how far ingest has come."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import cached_property

from recruit_assets.observability.doctor.decisions import clocks, versions
from recruit_assets.observability.doctor.decisions import kafka as decisions
from recruit_assets.observability.doctor.examine import Check, Subject
from recruit_assets.observability.doctor.verdict import Verdict, counted, ok
from recruit_assets.runtime.settings import Settings, variable
from recruit_assets.stores.kafka.clients import Admin, open_admin, open_consumer
from recruit_assets.stores.kafka.cluster import (
    Cluster,
    TopicLayout,
    controller_clock,
    newest_record,
    read_cluster,
    topic_layout,
)
from recruit_assets.stores.kafka.commit_label import Owner, require_own_group
from recruit_assets.stores.kafka.dead_letter_topic import require_room
from recruit_assets.stores.kafka.group_checks import in_the_way
from recruit_assets.stores.kafka.ingest_lag import IngestLag, lag_reader
from recruit_assets.stores.kafka.offsets import foreign_members, group_commits
from recruit_assets.stores.kafka.topics import RULES, TopicRule, topic_options
from recruit_assets.stores.kafka.watch import DeadLetterCounter

EVENTS, LETTERS = "event topic", "dead letter topic"


class KafkaReadings:
    """What several checks need, each read once."""

    def __init__(self, admin: Admin, settings: Settings) -> None:
        self.admin, self.settings = admin, settings

    @cached_property
    def cluster(self) -> Cluster:
        return read_cluster(self.admin)

    @cached_property
    def layout(self) -> TopicLayout | None:
        return topic_layout(self.admin, self.settings.kafka_topic)

    @property
    def events(self) -> TopicLayout:
        """The event topic, for checks that need EVENTS."""
        return self.layout or TopicLayout((), 0)

    @cached_property
    def options(self) -> Mapping[str, str]:
        return topic_options(self.admin, self.settings.kafka_topic)

    @cached_property
    def letter_options(self) -> Mapping[str, str]:
        return topic_options(self.admin, self.settings.dlq_topic)

    @cached_property
    def lag(self) -> IngestLag:
        with lag_reader(self.admin, self.settings) as reader:
            return reader.read()


def kafka(settings: Settings, *, remedy: str) -> Subject[KafkaReadings]:
    @contextmanager
    def opened() -> Iterator[KafkaReadings]:
        with open_admin(settings) as admin:
            yield KafkaReadings(admin, settings)

    return Subject("Kafka", opened, CHECKS, remedy)


def _reachable(kafka: KafkaReadings) -> Verdict:
    return ok(f"{kafka.settings.kafka_bootstrap}, {counted(len(kafka.cluster.brokers), 'broker')}")


def _clock(kafka: KafkaReadings) -> Verdict:
    before = datetime.now(UTC)
    theirs = controller_clock(kafka.admin)
    reading = clocks.ClockReading(theirs, before, datetime.now(UTC)) if theirs else None
    return clocks.clock("Kafka", reading)


def _newest_record(kafka: KafkaReadings) -> Verdict:
    newest = newest_record(kafka.admin, kafka.settings.kafka_topic, kafka.events)
    return clocks.newest_record(newest, now=datetime.now(UTC))


def _letter_topic(kafka: KafkaReadings) -> Verdict:
    layout = topic_layout(kafka.admin, kafka.settings.dlq_topic)
    return decisions.topic(kafka.settings.dlq_topic, layout, variable=variable("kafka_topic"))


def _room(kafka: KafkaReadings) -> Verdict:
    limit = int(kafka.letter_options["max.message.bytes"])
    require_room(limit, topic=kafka.settings.dlq_topic)
    return ok(f"max.message.bytes {limit}")


def _owner(kafka: KafkaReadings) -> Verdict:
    settings = kafka.settings
    require_own_group(group_commits(kafka.admin, settings), Owner(settings.cassandra_keyspace), settings)
    foreign = foreign_members(kafka.admin, settings)
    return decisions.foreign_consumers(foreign, in_the_way(foreign, settings))


def _letters(kafka: KafkaReadings) -> Verdict:
    consumer = open_consumer(kafka.settings, group=None, client_id="recruit_doctor")
    try:
        counter = DeadLetterCounter(consumer, kafka.settings.dlq_topic)
        uncounted = counter.advance()
    finally:
        consumer.close(autocommit=False)
    return decisions.dead_letters(counter.by_reason, uncounted)


def _of_rule(rule: TopicRule) -> Check[KafkaReadings]:
    return Check(
        f"{EVENTS}: {rule.setting}",
        lambda kafka: decisions.setting(rule, kafka.options, kafka.settings),
        needs=(EVENTS,),
    )


CHECKS: tuple[Check[KafkaReadings], ...] = (
    Check("reachable", _reachable),
    Check("version", lambda kafka: versions.version("Kafka", versions.dotted(kafka.cluster.version))),
    Check("clock", _clock),
    Check(
        EVENTS,
        lambda kafka: decisions.topic(kafka.settings.kafka_topic, kafka.layout, variable=variable("kafka_topic")),
    ),
    Check(
        f"{EVENTS}: partitions",
        lambda kafka: decisions.partitions(kafka.events, processes=kafka.settings.ingest_processes),
        needs=(EVENTS,),
    ),
    Check(
        f"{EVENTS}: replicas",
        lambda kafka: decisions.replicas(
            kafka.events, wanted=kafka.settings.kafka_replication, brokers=len(kafka.cluster.brokers)
        ),
        needs=(EVENTS,),
    ),
    *map(_of_rule, RULES),
    Check(f"{EVENTS}: newest record", _newest_record, needs=(EVENTS,)),
    Check(LETTERS, _letter_topic),
    Check(f"{LETTERS}: max.message.bytes", _room, needs=(LETTERS,)),
    Check(
        f"{LETTERS}: retention.ms",
        lambda kafka: decisions.dead_letter_retention(kafka.letter_options),
        needs=(LETTERS,),
    ),
    Check("consumer group", _owner, needs=(EVENTS,)),
    Check("committed offsets", lambda kafka: decisions.offsets(kafka.lag.spans), needs=(EVENTS, LETTERS)),
    Check("lag", lambda kafka: decisions.lag(kafka.lag), needs=(EVENTS, LETTERS)),
    Check("share of dead letters", lambda kafka: decisions.dead_letter_share(kafka.lag), needs=(EVENTS, LETTERS)),
    Check("dead letters", _letters, needs=(LETTERS,)),
)

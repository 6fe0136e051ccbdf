"""A writer and a reader per store. A writer notes what the store acknowledged, until it is stopped or fails."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from itertools import count
from threading import Event

import pymysql
from cassandra import ConsistencyLevel
from cassandra.cluster import EXEC_PROFILE_DEFAULT, Cluster, ExecutionProfile, Session
from cassandra.policies import WhiteListRoundRobinPolicy
from kafka.structs import OffsetAndMetadata, TopicPartition

from recruit_assets.runtime.settings import Settings
from recruit_assets.stores.kafka.clients import open_admin, open_consumer
from recruit_assets.stores.kafka.event_publisher import open_publisher
from recruit_assets.stores.kafka.offsets import committed_offsets, end_offsets
from recruit_assets.stores.kafka.topics import ensure_topics


@dataclass(slots=True)
class Acknowledged:
    """What a writer was told is stored."""

    numbers: set[int] = field(default_factory=set)
    committed: int = 0
    """Kafka's consumer offsets, summed over the partitions."""
    stop: Event = field(default_factory=Event)


def write_kafka(settings: Settings, told: Acknowledged) -> None:
    """Make the topics, send records, and commit the offset of each as soon as it is acknowledged."""
    ensure_topics(settings)
    with (
        open_publisher(settings) as publisher,
        closing(open_consumer(settings, group=settings.kafka_group)) as consumer,
    ):
        partitions = [
            TopicPartition(settings.kafka_topic, each) for each in end_offsets(consumer, settings.kafka_topic)
        ]
        consumer.assign(partitions)
        for first in count(step=100):
            if told.stop.is_set():
                return
            numbers = range(first, first + 100)
            publisher.send([b"%d" % number for number in numbers])
            publisher.finish()
            told.numbers |= set(numbers)
            ends = end_offsets(consumer, settings.kafka_topic)
            consumer.commit({each: OffsetAndMetadata(ends[each.partition], "", -1) for each in partitions})
            told.committed = sum(ends.values())


def read_kafka(settings: Settings) -> Acknowledged:
    found = Acknowledged()
    with closing(open_consumer(settings, group=None)) as consumer, open_admin(settings) as admin:
        ends = end_offsets(consumer, settings.kafka_topic)
        consumer.assign([TopicPartition(settings.kafka_topic, partition) for partition in ends])
        while sum(consumer.position(each) for each in consumer.assignment()) < sum(ends.values()):
            found.numbers |= {int(record.value) for batch in consumer.poll(1000).values() for record in batch}
        found.committed = sum(committed_offsets(admin, settings).values())
    return found


def write_cassandra(settings: Settings, told: Acknowledged) -> None:
    """Make a keyspace and a table, and write rows of 600 bytes."""
    with _cassandra(settings) as session:
        session.execute("CREATE KEYSPACE kept WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 1}")
        session.execute("CREATE TABLE kept.rows (id int PRIMARY KEY, text text)")
        insert = session.prepare("INSERT INTO kept.rows (id, text) VALUES (?, ?)")
        for first in count(step=500):
            if told.stop.is_set():
                return
            numbers = range(first, first + 500)
            futures = [session.execute_async(insert, (number, "x" * 600)) for number in numbers]
            for number, future in zip(numbers, futures, strict=True):
                future.result()
                told.numbers.add(number)


def read_cassandra(settings: Settings) -> Acknowledged:
    with _cassandra(settings) as session:
        return Acknowledged({number for (number,) in session.execute("SELECT id FROM kept.rows")})


def write_mysql(settings: Settings, told: Acknowledged) -> None:
    """Make a database and a table, and insert a row per transaction."""
    with closing(_mysql(settings)) as connection, connection.cursor() as cursor:
        cursor.execute("CREATE DATABASE kept")
        cursor.execute("CREATE TABLE kept.stored (id int PRIMARY KEY, text text) ENGINE=InnoDB")
        for number in count():
            if told.stop.is_set():
                return
            cursor.execute("INSERT INTO kept.stored VALUES (%s, %s)", (number, "x" * 600))
            told.numbers.add(number)


def read_mysql(settings: Settings) -> Acknowledged:
    with closing(_mysql(settings)) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT id FROM kept.stored")
        return Acknowledged({number for (number,) in cursor.fetchall()})


@contextmanager
def _cassandra(settings: Settings) -> Iterator[Session]:
    hosts = settings.cassandra_hosts.split(",")
    profile = ExecutionProfile(
        WhiteListRoundRobinPolicy(hosts), request_timeout=30, consistency_level=ConsistencyLevel.LOCAL_QUORUM
    )
    cluster = Cluster(
        hosts,
        port=settings.cassandra_port,
        execution_profiles={EXEC_PROFILE_DEFAULT: profile},
        protocol_version=5,
        connect_timeout=30,
    )
    try:
        yield cluster.connect()
    finally:
        cluster.shutdown()


def _mysql(settings: Settings) -> "pymysql.Connection[pymysql.cursors.Cursor]":
    return pymysql.connect(
        host=settings.mysql_host,
        port=settings.mysql_port,
        user=settings.mysql_user,
        password=settings.mysql_password.get_secret_value(),
        autocommit=True,
        read_timeout=60,
    )

"""One kind of write per store: what a client was told is stored, and how much of it is found later."""

from collections.abc import Iterator
from contextlib import closing, contextmanager

import pymysql
from cassandra import ConsistencyLevel
from cassandra.cluster import EXEC_PROFILE_DEFAULT, Cluster, ExecutionProfile, Session
from cassandra.concurrent import execute_concurrent_with_args
from cassandra.policies import WhiteListRoundRobinPolicy
from kafka.structs import OffsetAndMetadata, TopicPartition

from recruit_assets.runtime.settings import Settings
from recruit_assets.stores.kafka.clients import open_admin, open_consumer
from recruit_assets.stores.kafka.event_publisher import open_publisher
from recruit_assets.stores.kafka.offsets import committed_offsets, end_offsets
from recruit_assets.stores.kafka.topics import ensure_topics

KAFKA_RECORDS, CASSANDRA_ROWS, MYSQL_ROWS = 2_000, 20_000, 200


def fill_kafka(settings: Settings) -> None:
    """Make the topics, send records and commit their offsets; returns when all of it is acknowledged."""
    ensure_topics(settings)
    with open_publisher(settings) as publisher:
        for number in range(0, KAFKA_RECORDS, 100):
            publisher.send([b"%d" % (number + each) for each in range(100)])
        publisher.finish()
    with closing(open_consumer(settings, group=settings.kafka_group)) as consumer:
        ends = end_offsets(consumer, settings.kafka_topic)
        consumer.assign([TopicPartition(settings.kafka_topic, partition) for partition in ends])
        consumer.commit({tp: OffsetAndMetadata(ends[tp.partition], "", -1) for tp in consumer.assignment()})


def found_in_kafka(settings: Settings) -> tuple[int, int]:
    """Records in the topic, and offsets that the group has committed."""
    with closing(open_consumer(settings, group=None)) as consumer, open_admin(settings) as admin:
        ends = end_offsets(consumer, settings.kafka_topic)
        consumer.assign([TopicPartition(settings.kafka_topic, partition) for partition in ends])
        values = set()
        while sum(consumer.position(tp) for tp in consumer.assignment()) < sum(ends.values()):
            values |= {record.value for batch in consumer.poll(1000).values() for record in batch}
        return len(values), sum(committed_offsets(admin, settings).values())


def fill_cassandra(settings: Settings) -> None:
    """Make a keyspace and a table, and write rows of 600 bytes."""
    with _cassandra(settings) as session:
        session.execute("CREATE KEYSPACE kept WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 1}")
        session.execute("CREATE TABLE kept.rows (id int PRIMARY KEY, text text)")
        insert = session.prepare("INSERT INTO kept.rows (id, text) VALUES (?, ?)")
        rows = [(number, "x" * 600) for number in range(CASSANDRA_ROWS)]
        execute_concurrent_with_args(session, insert, rows, concurrency=500)


def found_in_cassandra(settings: Settings) -> int:
    with _cassandra(settings) as session:
        if "kept" not in session.cluster.metadata.keyspaces:
            return 0
        return sum(1 for _ in session.execute("SELECT id FROM kept.rows"))


def fill_mysql(settings: Settings) -> None:
    """Make a database and a table, and insert a row per transaction."""
    with closing(_mysql(settings)) as connection, connection.cursor() as cursor:
        cursor.execute("CREATE DATABASE kept")
        cursor.execute("CREATE TABLE kept.stored (id int PRIMARY KEY) ENGINE=InnoDB")
        for number in range(MYSQL_ROWS):
            cursor.execute("INSERT INTO kept.stored VALUES (%s)", (number,))


def found_in_mysql(settings: Settings) -> int:
    with closing(_mysql(settings)) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT COUNT(*) FROM kept.stored")
        ((count,),) = cursor.fetchall()
        return int(count)


@contextmanager
def _cassandra(settings: Settings) -> Iterator[Session]:
    hosts = settings.cassandra_hosts.split(",")
    profile = ExecutionProfile(
        WhiteListRoundRobinPolicy(hosts), request_timeout=60, consistency_level=ConsistencyLevel.LOCAL_QUORUM
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

"""Remove what a test created: topics, keyspace and database."""

from kafka import KafkaAdminClient

from recruit_assets.runtime.settings import Settings
from recruit_assets.stores.cassandra import session as cassandra
from recruit_assets.stores.cassandra.session import open_session
from recruit_assets.stores.kafka.connection import connection_options
from recruit_assets.stores.mysql import connection as mysql


def drop_everything(settings: Settings) -> None:
    """Topics, keyspace and database."""
    drop_topics(settings)
    drop_tables(settings)


def drop_topics(settings: Settings) -> None:
    admin = KafkaAdminClient(**connection_options(settings))
    try:
        admin.delete_topics([settings.kafka_topic, settings.dlq_topic])
    finally:
        admin.close()


def drop_tables(settings: Settings) -> None:
    """Keyspace and database."""
    with open_session(settings) as session:
        session.execute(f"DROP KEYSPACE IF EXISTS {cassandra.quoted(settings.cassandra_keyspace)}")
    drop_database(settings)


def drop_database(settings: Settings) -> None:
    # not by open_report_database, which refuses a schema of another version
    with mysql.connect(settings, database=None) as connection, connection.cursor() as cursor:
        cursor.execute(f"DROP DATABASE IF EXISTS {mysql.quoted(settings.mysql_database)}")

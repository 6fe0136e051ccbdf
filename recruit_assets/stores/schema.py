"""All schema at once: topics, keyspace and report database. The rules of each are in its store's schema module."""

from recruit_assets.runtime.settings import Settings
from recruit_assets.stores.cassandra.schema import apply_cassandra_schema
from recruit_assets.stores.cassandra.session import open_session
from recruit_assets.stores.kafka.topics import ensure_topics
from recruit_assets.stores.mysql.schema import apply_mysql_schema


def apply_schema(settings: Settings) -> None:
    """Create or upgrade everything; SchemaMismatch when something exists and differs, StoreUnavailable when down."""
    ensure_topics(settings)
    with open_session(settings) as session:
        apply_cassandra_schema(session, settings)
    apply_mysql_schema(settings)

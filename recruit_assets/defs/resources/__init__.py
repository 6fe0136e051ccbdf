"""One ConfigurableResource per store, opened for a run."""

from recruit_assets.defs.resources.cassandra import CassandraResource
from recruit_assets.defs.resources.kafka import KafkaResource
from recruit_assets.defs.resources.mysql import MySqlResource
from recruit_assets.defs.resources.spark import SparkResource

__all__ = ["CassandraResource", "KafkaResource", "MySqlResource", "SparkResource"]

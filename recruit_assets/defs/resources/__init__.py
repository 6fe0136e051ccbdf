"""One ConfigurableResource per store, opened for a run; secrets are named with dg.EnvVar, so that the UI shows a name.

Not here: SQL, rules, connections that outlive a run (`stores`).
"""

from recruit_assets.defs.resources.cassandra import CassandraResource
from recruit_assets.defs.resources.kafka import KafkaResource
from recruit_assets.defs.resources.mysql import MySqlResource
from recruit_assets.defs.resources.spark import SparkResource

__all__ = ["CassandraResource", "KafkaResource", "MySqlResource", "SparkResource"]

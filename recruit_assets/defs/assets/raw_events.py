"""The asset raw_events: what Kafka holds, as rows of Cassandra."""

import dagster as dg

from recruit_assets.contract.tables import RAW_EVENTS
from recruit_assets.defs.assets.column_metadata import OWNERS, column_schema
from recruit_assets.defs.assets.documentation import FOR_OPERATORS
from recruit_assets.defs.assets.sources import kafka_topic
from recruit_assets.defs.resources import KafkaResource
from recruit_assets.ingest.service import Backlog


@dg.asset(
    deps=[kafka_topic],
    io_manager_key="cassandra_io_manager",
    group_name="recruitment",
    kinds={"kafka", "cassandra"},
    owners=OWNERS,
    code_version="1",  # a drain only adds events; it doesn't make the hours before it stale
    description=f"{RAW_EVENTS.description} Materializing drains the topic to its end as seen at the start.",
    metadata={"docs": FOR_OPERATORS, "dagster/column_schema": column_schema(RAW_EVENTS.columns)},
)
def raw_events(kafka: KafkaResource) -> Backlog:
    """The records that ingest hasn't committed. The IO manager stores each before its offset moves."""
    return kafka.backlog()

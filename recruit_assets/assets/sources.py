"""What the lineage reads and doesn't make: the Kafka topic and the job dimension, as external assets."""

import dagster as dg

from recruit_assets.assets.columns import column_schema
from recruit_assets.contract import EVENT_COLUMNS, JOB

kafka_topic = dg.AssetSpec(
    "kafka_topic",
    description=f"Raw tracking events: a JSON object of {len(EVENT_COLUMNS)} fields per record.",
    group_name="sources",
    kinds={"kafka", "json"},
)

job = dg.AssetSpec(
    JOB.name,
    description=JOB.description,
    group_name="sources",
    kinds={"mysql"},
    metadata={"dagster/column_schema": column_schema(JOB)},
)

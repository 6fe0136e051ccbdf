"""What the lineage reads but doesn't produce: the Kafka topic and the job dimension, as external assets."""

import dagster as dg

from recruit_assets.contract.events import EVENT_COLUMNS
from recruit_assets.contract.tables import JOB
from recruit_assets.defs.assets.column_metadata import OWNERS, column_schema
from recruit_assets.defs.assets.documentation import FOR_ANALYSTS, FOR_OPERATORS

kafka_topic = dg.AssetSpec(
    "kafka_topic",
    description=(
        f"Raw tracking events: a JSON object of {len(EVENT_COLUMNS)} fields per record, sent by the site's trackers or "
        "by the simulator. What can't become an event is in the dead letter topic, which has the suffix `.dlq`."
    ),
    group_name="recruitment",
    kinds={"kafka", "json"},
    owners=OWNERS,
    metadata={"docs": FOR_OPERATORS, "dagster/column_schema": column_schema(EVENT_COLUMNS)},
)

job = dg.AssetSpec(
    JOB.name,
    description=(
        f"{JOB.description} The site loads it; when a job's company becomes known later, its hours are replaced again."
    ),
    group_name="recruitment",
    kinds={"mysql", "table"},
    owners=OWNERS,
    metadata={"docs": FOR_ANALYSTS, "dagster/column_schema": column_schema(JOB.columns)},
)

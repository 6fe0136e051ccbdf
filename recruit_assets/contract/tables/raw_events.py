"""What ingest writes to Cassandra: the events, and what announces them."""

from recruit_assets.contract.events import EVENT_COLUMNS
from recruit_assets.contract.tables.columns import BUCKET, EVENT_HOUR, EVENT_TIME, RECEIVED_AT
from recruit_assets.contract.types import CassandraTable, Column, HourTable, Type

CHANGE_SKEW_S = 5
"""A change this close to an hour's covered_through counts as not covered: coordinators' clocks differ by less."""

RAW_EVENTS = HourTable(
    name="raw_events",
    description="Every valid event, as received, once.",
    columns=(
        EVENT_HOUR,
        BUCKET,
        *EVENT_COLUMNS,
        EVENT_TIME,
        RECEIVED_AT,
        Column("extra", Type.TEXT, "Fields that the contract doesn't name, as one JSON object; normally unset"),
    ),
    partition_key=("event_hour", "bucket"),
    clustering_key=("create_time",),
    live=True,
    indexes=("uid",),
)

EVENT_CHANGES = CassandraTable(
    name="event_changes",
    description="The change feed: one row per ingest batch and touched hour, written after its events are durable.",
    columns=(
        Column("day", Type.DATE, "Day of changed_at", nullable=False),
        Column("shard", Type.INT, "Hour of the event modulo 8", nullable=False),
        Column("changed_at", Type.TIMEUUID, "When Cassandra took the change (now())", nullable=False),
        Column("event_hour", Type.TIMESTAMP, "The touched hour", nullable=False),
        Column("buckets", Type.INT_SET, "The touched buckets of the hour", nullable=False),
        Column("row_count", Type.INT, "Events of the hour in this batch", nullable=False),
    ),
    partition_key=("day", "shard"),
    clustering_key=("changed_at",),
    ttl_s=90 * 86_400,
)

CHANGE_SHARDS = 8

BUCKET_VERSIONS = CassandraTable(
    name="bucket_versions",
    description="What ingest has written to each bucket of an hour, stored after the events and before the change.",
    columns=(
        EVENT_HOUR,
        Column("writer", Type.UUID, "Ingest process, new with each start", nullable=False),
        Column(
            "last_flights", Type.BIGINT_BY_INT, "Per bucket: number of the writer's last micro-batch with events of it"
        ),
    ),
    partition_key=("event_hour",),
    clustering_key=("writer",),
)
"""A bucket's version is the sum of `last_flights` over all writers: every write to the bucket raises it."""

BUCKET_LAYOUT = CassandraTable(
    name="bucket_layout",
    description="How an hour is cut into buckets, from an hour on; append-only.",
    columns=(
        Column("valid_from_hour", Type.TIMESTAMP, "First hour that uses the layout", nullable=False),
        Column("slices", Type.INT, "Slices of the hour by event time", nullable=False),
        Column("shards", Type.INT, "Shards of a slice by a hash of create_time", nullable=False),
        Column("one_bucket_before", Type.TIMESTAMP, "Hours before it are one bucket each; null: none is"),
    ),
    partition_key=("valid_from_hour",),
)

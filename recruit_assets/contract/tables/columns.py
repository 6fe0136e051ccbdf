"""Columns that several tables have."""

from recruit_assets.contract.events import EVENT_COLUMNS
from recruit_assets.contract.types import Column, Type

EVENT_HOUR = Column("event_hour", Type.TIMESTAMP, "Start of the hour of the event time, UTC", nullable=False)
BUCKET = Column("bucket", Type.INT, "Slice of the hour x shards + shard; see bucket_layout", nullable=False)
EVENT_TIME = Column("event_time", Type.TIMESTAMP, "When the event happened, UTC", nullable=False)
RECEIVED_AT = Column("received_at", Type.TIMESTAMP, "The Kafka record's timestamp (LogAppendTime)", nullable=False)
EVENT_COLUMN = {column.name: column for column in EVENT_COLUMNS}
CREATE_TIME = EVENT_COLUMN["create_time"]
JOB_ID = Column("job_id", Type.INT, "Job advertisement", nullable=False)
_PUBLISHER_ID = Column("publisher_id", Type.INT, "Site that showed the advertisement, 0 if unknown", nullable=False)
_CAMPAIGN_ID = Column("campaign_id", Type.INT, "Advertising campaign, 0 if unknown", nullable=False)
_GROUP_ID = Column("group_id", Type.INT, "Group of jobs, 0 if unknown", nullable=False)
GRAIN_COLUMNS = (JOB_ID, _PUBLISHER_ID, _CAMPAIGN_ID, _GROUP_ID)
GRAIN = tuple(column.name for column in GRAIN_COLUMNS)
"""What identifies a row of the metrics and of the report, beside its hour."""

LATEST_UPDATE = Column("latest_update_time", Type.TIMESTAMP, "Greatest received_at among the events", nullable=False)
ALWAYS_ONE = Column("id", Type.INT, "Always 1", nullable=False)
"""The key where a table has one row, or one partition."""

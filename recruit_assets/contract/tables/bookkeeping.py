"""The platform's own state in the report database."""

from recruit_assets.contract.tables.columns import ALWAYS_ONE
from recruit_assets.contract.types import Column, SqlTable, Type

PENDING_HOURS = SqlTable(
    name="pending_hours",
    description="Hours that have changes which the report doesn't cover yet.",
    columns=(
        Column("event_hour", Type.DATETIME, "The hour, UTC", nullable=False),
        Column("newest_change", Type.DATETIME_MICROS, "Newest change seen of the hour", nullable=False),
        Column("attempts", Type.INT, "Failed runs since the newest change", nullable=False),
        Column("next_try_at", Type.DATETIME_MICROS, "Not to be requested before this", nullable=False),
        Column("event_count", Type.BIGINT, "About how many events its changes stand for; null if unknown"),
    ),
    primary_key=("event_hour",),
)

CHANGE_FEED_MARK = SqlTable(
    name="change_feed_mark",
    description="One row: the time through which the change feed has been turned into pending hours.",
    columns=(
        ALWAYS_ONE,
        Column("low_water", Type.DATETIME_MICROS, "Changes before this were read", nullable=False),
    ),
    primary_key=("id",),
)

FIRST_HOUR = SqlTable(
    name="first_hour",
    description="One row: the first hour of the report, which may only be lowered.",
    columns=(
        ALWAYS_ONE,
        Column("event_hour", Type.DATETIME, "First hourly partition, UTC", nullable=False),
    ),
    primary_key=("id",),
)

DEAD_LETTER_REPLAYS = SqlTable(
    name="dead_letter_replays",
    description="Which dead letters were sent again: a row each time, with the record rejected first and its replay.",
    columns=(
        Column("topic", Type.VARCHAR, "Event topic", nullable=False),
        Column("kafka_partition", Type.INT, "Partition of the record that was rejected first", nullable=False),
        Column("kafka_offset", Type.BIGINT, "Its offset", nullable=False),
        Column("reason", Type.VARCHAR_32, "Why it was a dead letter", nullable=False),
        Column("attempts", Type.INT, "1 for its first replay, 2 for the second, and so on", nullable=False),
        Column("replayed_at", Type.DATETIME_MICROS, "When it was sent again", nullable=False),
        Column("kafka_timestamp_ms", Type.BIGINT, "Its time; 0 before schema version 2", nullable=False, default=0),
        Column("replay_partition", Type.INT, "Partition where Kafka put the record that was sent again"),
        Column("replay_offset", Type.BIGINT, "Its offset"),
        Column("replay_timestamp_ms", Type.BIGINT, "Its time"),
    ),
    primary_key=("topic", "kafka_partition", "kafka_offset", "kafka_timestamp_ms", "attempts"),
    indexes=(("topic", "replay_partition", "replay_offset"),),
)

KNOWN_TOPICS = SqlTable(
    name="known_topics",
    description="The first id of each event topic that this installation has had; one that was made anew has another.",
    columns=(
        Column("topic", Type.VARCHAR, "Name of the topic", nullable=False),
        Column("topic_id", Type.VARCHAR, "Kafka's id of the topic", nullable=False),
        Column("first_seen", Type.DATETIME_MICROS, "When it was first seen, UTC", nullable=False),
    ),
    primary_key=("topic", "topic_id"),
)

IMPORTS = SqlTable(
    name="imports",
    description="Files that `recruit-assets import` has sent to an event topic, or is sending.",
    columns=(
        Column("topic", Type.VARCHAR, "Event topic", nullable=False),
        Column("digest", Type.VARCHAR, "SHA-256 of the file's content", nullable=False),
        Column("file_name", Type.VARCHAR, "Its name", nullable=False),
        Column("options", Type.VARCHAR, "Hash of the options that say how it is read", nullable=False),
        Column(
            "rows_done", Type.BIGINT, "So many rows, from its first, are in the topic or were refused", nullable=False
        ),
        Column("started_at", Type.DATETIME_MICROS, "When the import began, UTC", nullable=False),
        Column("finished_at", Type.DATETIME_MICROS, "When its last row was in the topic, UTC"),
    ),
    primary_key=("topic", "digest"),
)

WRONG_HOURS = SqlTable(
    name="wrong_hours",
    description="What an asset check has found wrong and not good again since.",
    columns=(
        Column("asset", Type.VARCHAR, "The check's asset", nullable=False),
        Column("check_name", Type.VARCHAR, "The check", nullable=False),
        Column("event_hour", Type.DATETIME, "The hour, UTC", nullable=False),
        Column("sample", Type.INT, "Which part of the hour; 0 for a check of whole hours", nullable=False),
        Column("found_at", Type.DATETIME_MICROS, "When it was first found wrong, UTC", nullable=False),
        Column("run_id", Type.VARCHAR, "Dagster run whose check found it", nullable=False),
    ),
    primary_key=("asset", "check_name", "event_hour", "sample"),
)

SCHEMA_VERSION = SqlTable(
    name="schema_version",
    description="One row per migration that both stores have; the greatest version is the schema's.",
    columns=(
        Column("version", Type.INT, "Number of the migration", nullable=False),
        Column("name", Type.VARCHAR, "Name of the migration", nullable=False),
        Column("applied_at", Type.DATETIME_MICROS, "When it was applied, UTC", nullable=False),
    ),
    primary_key=("version",),
)

CURRENT_VERSION = 5
"""Version of all tables: the number of the last migration (stores/migrations)."""

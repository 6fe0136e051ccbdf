"""The table dead_letter_replays: which dead letters were sent again, by origin."""

from collections.abc import Sequence
from datetime import datetime

from pymysql.cursors import Cursor

from recruit_assets.contract.dead_letters import DeadLetterReason, Origin
from recruit_assets.contract.tables import DEAD_LETTER_REPLAYS
from recruit_assets.runtime.times import aware
from recruit_assets.stores.mysql.connection import ReportDatabase

_TABLE = DEAD_LETTER_REPLAYS.name


def replayed_origins(database: ReportDatabase) -> dict[Origin, tuple[int, datetime]]:
    """By origin: how often it was sent again, and when last (UTC)."""
    rows = database.query(f"SELECT topic, kafka_partition, kafka_offset, attempts, replayed_at FROM {_TABLE}")
    return {Origin(topic, partition, offset): (attempts, aware(at)) for topic, partition, offset, attempts, at in rows}


def record_replays(database: ReportDatabase, replays: Sequence[tuple[Origin, DeadLetterReason]]) -> None:
    """Record that these origins were sent again; the time is the database's."""
    rows = [(origin.topic, origin.partition, origin.offset, reason.value) for origin, reason in replays]

    def insert(cursor: Cursor) -> None:
        cursor.executemany(
            f"INSERT INTO {_TABLE} (topic, kafka_partition, kafka_offset, reason, attempts, replayed_at) "
            "VALUES (%s, %s, %s, %s, 1, UTC_TIMESTAMP(6)) ON DUPLICATE KEY UPDATE "
            "reason = VALUES(reason), attempts = attempts + 1, replayed_at = VALUES(replayed_at)",
            rows,
        )

    if rows:
        database.run_transaction(insert)

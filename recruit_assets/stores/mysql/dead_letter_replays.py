"""Which dead letters were sent again, by origin, in the report database.

Not here: what may be sent again and when (`ingest.dead_letters`).
"""

from collections.abc import Sequence
from datetime import UTC, datetime

from pymysql.cursors import Cursor

from recruit_assets.contract.dead_letters import DeadLetterReason, Origin
from recruit_assets.contract.tables import DEAD_LETTER_REPLAYS
from recruit_assets.stores.mysql.connection import ReportDatabase

_TABLE = DEAD_LETTER_REPLAYS.name


def replayed_origins(database: ReportDatabase) -> dict[Origin, tuple[int, datetime]]:
    """Every origin that was sent again: how often, and when last (UTC)."""
    rows = database.query(f"SELECT topic, kafka_partition, kafka_offset, attempts, replayed_at FROM {_TABLE}")
    return {
        Origin(topic, partition, offset): (attempts, at.replace(tzinfo=UTC))
        for topic, partition, offset, attempts, at in rows
    }


def record_replays(database: ReportDatabase, replays: Sequence[tuple[Origin, DeadLetterReason]]) -> None:
    """Note that these origins were sent again, by the database's clock."""
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

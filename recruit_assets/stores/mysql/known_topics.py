"""The table known_topics: whether the event topic is still the one that the stored rows came from."""

from pymysql.cursors import Cursor

from recruit_assets.contract.tables import KNOWN_TOPICS
from recruit_assets.stores.mysql.connection import ReportDatabase


def record_topic(cursor: Cursor, topic: str, topic_id: str) -> None:
    """Note the topic's id unless one is known: the first id is enough to tell that the topic was made anew."""
    if cursor.execute(f"SELECT 1 FROM {KNOWN_TOPICS.name} WHERE topic = %s", (topic,)):
        return  # a login that may only read can go on
    cursor.execute(
        f"INSERT IGNORE INTO {KNOWN_TOPICS.name} (topic, topic_id, first_seen) VALUES (%s, %s, UTC_TIMESTAMP(6))",
        (topic, topic_id),
    )


def was_made_anew(database: ReportDatabase, topic: str, topic_id: str) -> bool:
    """Whether an earlier topic of this name was deleted."""
    known = database.query(f"SELECT topic_id FROM {KNOWN_TOPICS.name} WHERE topic = %s", (topic,))
    return any(found != topic_id for (found,) in known)

"""Readings of how far ingest is behind."""

from datetime import UTC, datetime, timedelta

from recruit_assets.stores.kafka.ingest_lag import IngestLag
from recruit_assets.stores.kafka.offsets import PartitionSpan

NOW = datetime(2026, 1, 6, tzinfo=UTC)


def a_lag(
    *,
    age_s: float = 0,
    members: int = 1,
    records: int | None = None,
    at: datetime = NOW,
    has_advanced: bool | None = True,
    recent_records: int = 0,
    recent_dead_letters: int = 0,
) -> IngestLag:
    """With one partition; 7 records by default if they have an age."""
    waiting = (7 if age_s else 0) if records is None else records
    return IngestLag(
        read_at=at,
        spans=[PartitionSpan(0, 0, 1000 + waiting, 1000)],
        members=members,
        oldest=at - timedelta(seconds=age_s) if age_s else None,
        has_advanced=has_advanced,
        recent_records=recent_records,
        recent_dead_letters=recent_dead_letters,
    )

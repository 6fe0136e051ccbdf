"""The hourly partitions of the report's assets, and the way between a partition key and its hour.

Not here: which hours to run (`pending`).
"""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

import dagster as dg

from recruit_assets.settings import load_settings

KEY_FORMAT = "%Y-%m-%d-%H:%M"


def hourly_partitions(first_hour: datetime) -> dg.HourlyPartitionsDefinition:
    """Every hour, UTC, from the first one to the one after the current: an event may be a little ahead of the clock."""
    return dg.HourlyPartitionsDefinition(
        start_date=first_hour.strftime(KEY_FORMAT), end_offset=2, timezone="UTC", fmt=KEY_FORMAT
    )


def key_of(hour: datetime) -> str:
    """The partition key of an aware hour."""
    return hour.astimezone(UTC).strftime(KEY_FORMAT)


def hour_of(key: str) -> datetime:
    """The hour of a partition key, UTC."""
    return datetime.strptime(key, KEY_FORMAT).replace(tzinfo=UTC)


def hours_of(keys: Iterable[str]) -> Sequence[datetime]:
    return [hour_of(key) for key in keys]


hours = hourly_partitions(load_settings().first_hour)

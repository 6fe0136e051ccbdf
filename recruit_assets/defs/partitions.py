"""The hourly partitions of the report's assets, and the way between a partition key and its hour.

Not here: which hours to run (`pending`).
"""

from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, time

import dagster as dg

from recruit_assets.runtime.settings import load_settings

DAY_FORMAT, HOUR_FORMAT = "%Y-%m-%d", "-%H:%M"
KEY_FORMAT = DAY_FORMAT + HOUR_FORMAT
HOURS_OF_DAY = [f"{time(hour):{HOUR_FORMAT}}" for hour in range(24)]


class EveryHour(dg.HourlyPartitionsDefinition):
    """Hours of UTC, listed fast: Dagster 1.13 lists all of them in each step of checks (`DataVersionCache`).

    Its own way asks for the time zone's rules hour by hour: 130 ms for three years, three times in a run, and more
    every day.
    """

    def get_partition_keys(
        self, current_time: datetime | None = None, dynamic_partitions_store: object = None
    ) -> Sequence[str]:
        """All keys, oldest first; as of another time than the loading context's, Dagster's own way."""
        if current_time is not None:
            return super().get_partition_keys(current_time)
        first, last = self.get_first_partition_key(), self.get_last_partition_key()
        if first is None or last is None:
            return []
        ordinals = range(hour_of(first).toordinal(), hour_of(last).toordinal() + 1)
        days = [f"{date.fromordinal(ordinal):{DAY_FORMAT}}" for ordinal in ordinals]
        keys = [day + hour for day in days for hour in HOURS_OF_DAY]
        return keys[keys.index(first) : keys.index(last) + 1]


def hourly_partitions(first_hour: datetime) -> EveryHour:
    """Every hour, UTC, from the first one to the one after the current: an event may be a little ahead of the clock."""
    return EveryHour(start_date=first_hour.strftime(KEY_FORMAT), end_offset=2, timezone="UTC", fmt=KEY_FORMAT)


def key_of(hour: datetime) -> str:
    """The partition key of an aware hour."""
    return hour.astimezone(UTC).strftime(KEY_FORMAT)


def hour_of(key: str) -> datetime:
    """The hour of a partition key, UTC."""
    return datetime.strptime(key, KEY_FORMAT).replace(tzinfo=UTC)


def hours_of(keys: Iterable[str]) -> Sequence[datetime]:
    return [hour_of(key) for key in keys]


hours = hourly_partitions(load_settings().first_hour)

"""The hourly and daily partitions of the report's assets, and conversion between partition keys and times."""

from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import dagster as dg

from recruit_assets.contract.events import FUTURE_ALLOWANCE_S
from recruit_assets.hours.days import is_ever_ahead, is_ever_behind, local_date
from recruit_assets.runtime.settings import load_settings

DAY_FORMAT, HOUR_FORMAT = "%Y-%m-%d", "-%H:%M"
KEY_FORMAT = DAY_FORMAT + HOUR_FORMAT
HOURS_OF_DAY = [f"{time(hour):{HOUR_FORMAT}}" for hour in range(24)]
AHEAD = timedelta(seconds=2 * FUTURE_ALLOWANCE_S)
"""An event may be this far ahead of the clock: the allowance, and as much again for clocks that differ."""


class EveryHour(dg.HourlyPartitionsDefinition):
    """Hours of UTC, from the first one to the current one.

    In a run, the next hour exists a few minutes before it begins, for events ahead of the clock. The UI and the daemon
    work with a copy that Dagster makes of the plain definition: there, the latest hour is always the current one.
    """

    def get_last_partition_window(self) -> dg.TimeWindow | None:
        with (
            dg.partition_loading_context() as now,
            dg.partition_loading_context(effective_dt=now.effective_dt + AHEAD),
        ):
            return super().get_last_partition_window()

    def get_partition_keys(
        self, current_time: datetime | None = None, dynamic_partitions_store: object = None
    ) -> Sequence[str]:
        """All keys, oldest first.

        Dagster lists all of them in each step of checks and looks up the time zone's rules for each: 130 ms for three
        years, three times in a run.
        """
        with dg.partition_loading_context(effective_dt=current_time):
            first, last = self.get_first_partition_key(), self.get_last_partition_key()
        if first is None or last is None:
            return []
        ordinals = range(hour_of(first).toordinal(), hour_of(last).toordinal() + 1)
        days = [f"{date.fromordinal(ordinal):{DAY_FORMAT}}" for ordinal in ordinals]
        keys = [day + hour for day in days for hour in HOURS_OF_DAY]
        return keys[keys.index(first) : keys.index(last) + 1]


def hourly_partitions(first_hour: datetime) -> EveryHour:
    """Every hour from this one on."""
    return EveryHour(start_date=first_hour.strftime(KEY_FORMAT), end_offset=1, timezone="UTC", fmt=KEY_FORMAT)


def key_of(hour: datetime) -> str:
    """The partition key of an aware hour."""
    return hour.astimezone(UTC).strftime(KEY_FORMAT)


def hour_of(key: str) -> datetime:
    """The hour of a partition key, UTC."""
    return datetime.strptime(key, KEY_FORMAT).replace(tzinfo=UTC)


def hours_of(keys: Iterable[str]) -> Sequence[datetime]:
    return [hour_of(key) for key in keys]


hours = hourly_partitions(load_settings().first_hour)
HOURS_PER_BACKFILL_RUN = 7 * 24
BACKFILL_POLICY = dg.BackfillPolicy.multi_run(max_partitions_per_run=HOURS_PER_BACKFILL_RUN)
"""A range that somebody picks in the UI becomes runs of this many hours, which can be watched and canceled. Dagster
stores three planned events per hour before it queues a run, which may take 90 s (`start_timeout_seconds`). Runs whose
tags name a longer range work as well."""


def daily_partitions(first_hour: datetime, zone: ZoneInfo) -> dg.DailyPartitionsDefinition:
    """Every local date from that of the first hour to today's, named by the date.

    Dagster takes them for days of UTC: it maps hours to days only if both are of one zone. So tomorrow's date exists
    where it may begin before that of UTC.
    """
    first_day = local_date(first_hour, zone).strftime(DAY_FORMAT)
    return dg.DailyPartitionsDefinition(
        first_day, end_offset=2 if is_ever_ahead(zone, first_hour) else 1, fmt=DAY_FORMAT
    )


def hours_of_days(first_hour: datetime, zone: ZoneInfo) -> dg.TimeWindowPartitionMapping:
    """The hours that a local day may have: those of the same date in UTC, and those of the date before or after it.

    A few days more than necessary are made anew after an hour; which hours a day has is asked of `hours.days` alone.
    """
    return dg.TimeWindowPartitionMapping(
        start_offset=-1 if is_ever_ahead(zone, first_hour) else 0,
        end_offset=1 if is_ever_behind(zone, first_hour) else 0,
        allow_nonexistent_upstream_partitions=True,
    )


def day_of(key: str) -> date:
    """The day of a partition key."""
    return datetime.strptime(key, DAY_FORMAT).replace(tzinfo=UTC).date()


REPORT_TIMEZONE = load_settings().report_timezone
days = daily_partitions(load_settings().first_hour, ZoneInfo(REPORT_TIMEZONE))
HOURS_OF_DAYS = hours_of_days(load_settings().first_hour, ZoneInfo(REPORT_TIMEZONE))
DAYS_PER_RUN = 31
DAYS_BACKFILL_POLICY = dg.BackfillPolicy.multi_run(max_partitions_per_run=DAYS_PER_RUN)

"""The hourly partitions: every hour's key, as Dagster lists them."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import dagster as dg
import pytest
from dagster._core.definitions.partitions.snap import TimeWindowPartitionsSnap

from recruit_assets.defs.partitions import (
    AHEAD,
    KEY_FORMAT,
    daily_partitions,
    day_of,
    hour_of,
    hourly_partitions,
    hours_of_days,
    key_of,
)
from recruit_assets.hours.days import day_hours

NOW = datetime(2026, 3, 1, 6, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("first_hour", "now"),
    [
        (datetime(2024, 2, 28, 23, tzinfo=UTC), NOW),  # a leap day, and the hours at which others change their clocks
        (NOW - timedelta(minutes=30), NOW),
        (NOW + timedelta(minutes=30), NOW),
        (NOW + timedelta(hours=2, minutes=30), NOW),
        (datetime(2026, 2, 28, 0, tzinfo=UTC), datetime(2026, 2, 28, 21, tzinfo=UTC)),
        (datetime(2026, 2, 28, 0, tzinfo=UTC), datetime(2026, 2, 28, 22, tzinfo=UTC)),
        (datetime(2026, 2, 28, 1, tzinfo=UTC), datetime(2026, 3, 1, 23, 59, 59, tzinfo=UTC)),
    ],
)
def test_the_keys_are_those_that_dagster_lists_ten_minutes_later(first_hour: datetime, now: datetime) -> None:
    ours = hourly_partitions(first_hour)
    dagsters = dg.HourlyPartitionsDefinition(first_hour.strftime(KEY_FORMAT), end_offset=1, fmt=KEY_FORMAT)

    with dg.partition_loading_context(now + AHEAD):
        expected = dagsters.get_partition_keys()
    with dg.partition_loading_context(now):
        assert ours.get_partition_keys() == expected
        assert len(set(expected)) == ours.get_num_partitions()
    assert ours.get_partition_keys(now) == expected
    assert ours == dagsters


@pytest.mark.parametrize(("minute", "begun"), [(0, True), (49, True), (51, False), (59, False)])
def test_in_a_run_the_next_hour_exists_when_events_may_be_ahead_of_the_clock(minute: int, begun: bool) -> None:
    """Without it, Dagster drops the next hour from the range of a run."""
    hours = hourly_partitions(datetime(2024, 1, 1, tzinfo=UTC))

    with dg.partition_loading_context(NOW.replace(minute=minute)):
        keys = hours.get_partition_keys()
        assert hours.has_partition_key("2026-03-01-07:00") is not begun

    assert (keys[0], keys[-1]) == ("2024-01-01-00:00", "2026-03-01-06:00" if begun else "2026-03-01-07:00")
    assert [key_of(hour_of(key)) for key in keys] == keys


@pytest.mark.parametrize("minute", [0, 59])
def test_in_the_ui_the_latest_hour_has_begun(minute: int) -> None:
    """The webserver and the daemon rebuild the definition from a snapshot of ours."""
    seen = TimeWindowPartitionsSnap.from_def(hourly_partitions(datetime(2024, 1, 1, tzinfo=UTC)))

    with dg.partition_loading_context(NOW.replace(minute=minute)):
        latest = seen.get_partitions_definition().get_last_partition_key()  # type: ignore[no-untyped-call]
    assert latest == "2026-03-01-06:00"


ZONES = ["UTC", "Europe/Berlin", "America/St_Johns", "Asia/Kathmandu", "Australia/Lord_Howe", "Pacific/Kiritimati"]


@pytest.mark.parametrize("zone", ZONES)
def test_a_day_depends_on_every_hour_that_it_has_a_part_of(zone: str) -> None:
    """An hour that isn't mapped to its day would leave the day as it was."""
    first = datetime(2026, 2, 1, tzinfo=UTC)
    days, hours, mapping = (
        daily_partitions(first, ZoneInfo(zone)),
        hourly_partitions(first),
        hours_of_days(first, ZoneInfo(zone)),
    )

    with dg.partition_loading_context(NOW):
        for key in days.get_partition_keys():
            wanted = {key_of(part.hour) for part in day_hours(day_of(key), ZoneInfo(zone))}
            mapped = mapping.get_upstream_mapped_partitions_result_for_partitions(
                days.subset_with_partition_keys([key]), days, hours
            )
            assert wanted & set(hours.get_partition_keys()) <= set(mapped.partitions_subset.get_partition_keys())
            assert mapped.required_but_nonexistent_subset.is_empty


@pytest.mark.parametrize("zone", ZONES)
def test_today_is_a_partition_from_its_first_moment_on(zone: str) -> None:
    days = daily_partitions(datetime(2026, 1, 1, tzinfo=UTC), ZoneInfo(zone))

    for hour in range(24):
        now = NOW.replace(hour=hour)
        with dg.partition_loading_context(now):
            assert days.has_partition_key(now.astimezone(ZoneInfo(zone)).strftime("%Y-%m-%d"))


def test_the_first_day_is_that_of_the_first_hour() -> None:
    days = daily_partitions(datetime(2024, 1, 1, tzinfo=UTC), ZoneInfo("America/New_York"))

    assert days.get_first_partition_key() == "2023-12-31"

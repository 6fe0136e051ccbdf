"""The hourly partitions: every hour's key, as Dagster lists them."""

from datetime import UTC, datetime, timedelta

import dagster as dg
import pytest
from dagster._core.definitions.partitions.context import partition_loading_context

from recruit_assets.defs.partitions import KEY_FORMAT, hour_of, hourly_partitions, key_of

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
def test_the_keys_are_those_that_dagster_lists(first_hour: datetime, now: datetime) -> None:
    ours = hourly_partitions(first_hour)
    dagsters = dg.HourlyPartitionsDefinition(first_hour.strftime(KEY_FORMAT), end_offset=2, fmt=KEY_FORMAT)

    with partition_loading_context(now):
        assert ours.get_partition_keys() == dagsters.get_partition_keys()
    assert ours.get_partition_keys(now) == dagsters.get_partition_keys(now)
    assert ours == dagsters


def test_the_hour_after_the_current_one_is_the_last() -> None:
    with partition_loading_context(NOW):
        keys = hourly_partitions(datetime(2024, 1, 1, tzinfo=UTC)).get_partition_keys()

    assert (keys[0], keys[-1]) == ("2024-01-01-00:00", "2026-03-01-07:00")
    assert [key_of(hour_of(key)) for key in keys] == keys

"""The benchmark of the turn of an hour has enough time before it."""

from datetime import UTC, datetime

import pytest

from benchmarks.freshness_turn import turn_after


@pytest.mark.parametrize(("minute", "hour"), [(0, 7), (1, 8), (59, 8)])
def test_the_turn_is_the_next_whole_hour(minute: int, hour: int) -> None:
    assert turn_after(datetime(2026, 1, 5, 7, minute, tzinfo=UTC)) == datetime(2026, 1, 5, hour, tzinfo=UTC)

"""Clock changes, as Spark is told of them: the same as Python's time zones say."""

import random
from bisect import bisect_right
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from recruit_assets.transforms.local_dates import local_date, offsets

START, SECONDS = datetime(2000, 1, 1, tzinfo=UTC), 50 * 365 * 86_400


@pytest.mark.parametrize(
    "zone", ["UTC", "Europe/Berlin", "Asia/Kathmandu", "Australia/Lord_Howe", "Africa/Casablanca", "Pacific/Apia"]
)
def test_offsets_are_those_of_the_zone(zone: str) -> None:
    known, rng = offsets(zone), random.Random(7)
    changes = [at for at, _ in known]
    moments = [START + timedelta(seconds=rng.randrange(SECONDS)) for _ in range(3_000)]
    moments += [at + timedelta(seconds=second) for at in changes[1:] for second in (-1, 0)]

    found = {at: known[bisect_right(changes, at) - 1][1] for at in moments}

    assert [at for at, offset in found.items() if at.astimezone(ZoneInfo(zone)).utcoffset() != offset] == []


def test_a_zone_without_changes_needs_no_case() -> None:
    assert "CASE" not in local_date("event_time", "Asia/Kathmandu")

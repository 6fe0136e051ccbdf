"""The scattered history is what its benchmarks say it is."""

from collections import Counter
from itertools import pairwise

from benchmarks.scattered import EVENTS, hours_of, scattered_events
from recruit_assets_tests.support.reference_report import distinct_events, event_time

SOME = EVENTS // 20


def test_each_hour_has_equally_many_events_and_consecutive_ones_are_of_different_hours() -> None:
    """A history in the order of time would be one that ingest reads in large batches of the same hour."""
    hours = [f"{event_time(event):%Y-%m-%d %H}" for event in distinct_events(scattered_events(SOME))]

    per_hour = Counter(hours)
    same = sum(one == next_one for one, next_one in pairwise(hours))

    assert len(hours) == SOME
    assert len(per_hour) == hours_of(SOME)
    assert max(per_hour.values()) - min(per_hour.values()) <= 1
    assert same < 0.03 * SOME

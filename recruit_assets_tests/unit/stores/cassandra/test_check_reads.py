"""Which bucket of an hour the checks of filtered_events read."""

from recruit_assets.hours.ports import RecordedHour
from recruit_assets.stores.cassandra.check_reads import pick_sample
from recruit_assets.transforms.buckets import Layout

LAYOUT = Layout(slices=2, shards=2)


def samples(write_timestamps: dict[int, int] | None) -> set[int]:
    """What the seeds pick."""
    recorded = RecordedHour(1, 2, row_count=3, event_count=3, write_timestamps=write_timestamps)
    return {pick_sample(recorded, LAYOUT, seed) for seed in range(100)}


def test_each_bucket_with_events_is_read_from_both_ends() -> None:
    assert samples({1: 7, 3: 8}) == {1, 3, 4 + 1, 4 + 3}


def test_any_bucket_is_read_if_none_is_known_to_have_events() -> None:
    assert samples(None) == samples({}) == set(range(2 * 4))

"""The hour and bucket of an event, and the layout of an hour."""

from collections import Counter
from uuid import UUID, uuid1

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recruit_assets.transforms.buckets import HOUR_MS, Layout, Layouts, bucket_of, event_hour

HOUR = 1_704_355_200_000  # 2024-01-04 08:00
CREATE_TIME = UUID("5e50a9c2-aad9-11ee-9f2a-0242ac120002")


@pytest.mark.parametrize("offset_ms", [0, 1, HOUR_MS - 1])
def test_an_hour_contains_its_first_and_its_last_millisecond(offset_ms: int) -> None:
    assert event_hour(HOUR + offset_ms) == HOUR


def test_the_last_millisecond_before_1970_belongs_to_the_hour_before() -> None:
    assert event_hour(-1) == -HOUR_MS


@pytest.mark.parametrize(
    ("offset_ms", "bucket"), [(0, 3), (299_999, 3), (300_000, 7), (HOUR_MS - 1, 47)], ids=["0", "0", "1", "11"]
)
def test_the_bucket_is_slice_times_shards_plus_shard(offset_ms: int, bucket: int) -> None:
    """Buckets are stored: with another hash or order, old events would be looked for in the wrong partitions."""
    assert bucket_of(CREATE_TIME, HOUR + offset_ms, Layout(slices=12, shards=4)) == bucket


@given(st.uuids(), st.integers(0, 4_102_444_800_000), st.integers(1, 60), st.integers(1, 16))
def test_every_bucket_is_within_its_layout(key: UUID, moment_ms: int, slices: int, shards: int) -> None:
    layout = Layout(slices, shards)

    assert bucket_of(key, moment_ms, layout) in layout.buckets


def test_events_of_one_tracker_spread_over_the_shards() -> None:
    """Their UUIDs differ only in the time; a hash that ignores most of it would leave shards empty."""
    shards = Counter(bucket_of(uuid1(node=1, clock_seq=1), HOUR, Layout(1, 4)) for _ in range(4_000))

    assert min(shards.values()) > 800


def test_an_event_uses_the_layout_of_its_own_hour() -> None:
    old, new = Layout(12, 4), Layout(12, 8)
    layouts = Layouts([(HOUR + HOUR_MS, new), (0, old)])

    assert [layouts.at(HOUR), layouts.at(HOUR + HOUR_MS), layouts.at(-HOUR_MS)] == [old, new, old]


@pytest.mark.parametrize(("slices", "shards"), [(0, 4), (4, 0)])
def test_a_layout_without_buckets_is_an_error(slices: int, shards: int) -> None:
    with pytest.raises(ValueError, match=f"^a layout has at least one slice and one shard, not {slices} x {shards}$"):
        Layout(slices, shards)


def test_an_hour_may_be_one_bucket() -> None:
    assert list(Layout(1, 1).buckets) == [0]


def test_without_any_layout_events_have_no_place() -> None:
    with pytest.raises(ValueError, match=r"^no bucket layout$"):
        Layouts([])

"""The hour and bucket of an event, and the layout of an hour."""

from collections import Counter
from uuid import UUID, uuid1

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recruit_assets.transforms.buckets import HOUR_MS, Layout, Layouts, bucket_of, event_hour, one_bucket_before

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


def hours_ago(first: int, last: int, *, each: int = 1) -> list[int]:
    """The hours of so many events in each hour from `first` to `last` hours before HOUR, in order."""
    return [HOUR - ago * HOUR_MS for ago in range(first, last - 1, -1) for _ in range(each)]


def mixed(first: int, last: int, *, each: int = 1) -> list[int]:
    """The same hours in turns: no two events in a row have the same hour."""
    return hours_ago(first, last) * each


@pytest.mark.parametrize(
    ("hours", "waiting", "decided"),
    [
        (mixed(24, 1), 24, HOUR),
        (mixed(2_000, 1, each=2), 100_000, HOUR),
        (mixed(324, 301, each=100), 240_000, HOUR),
        (mixed(24, 1) + [HOUR] * 4_000, 4_024, HOUR),
        (mixed(24, 1, each=10_000), 0, HOUR),
        (mixed(23, 1), 23, None),
        (mixed(23, 0), 24, None),
        (mixed(24, 1, each=100), 240_100, None),
        ([*mixed(24, 1, each=10_000), HOUR - HOUR_MS], 0, None),
        (mixed(24, 1, each=100) + hours_ago(25, 25, each=101), 250_000, None),
        (hours_ago(720, 718, each=1_300), 720 * 1_300, HOUR),
        (hours_ago(24, 22, each=2), 24, HOUR),
        (hours_ago(720, 718, each=10_000), 720 * 10_000, HOUR),
        (hours_ago(720, 718, each=10_001), 0, None),
        (hours_ago(10_000, 10_000) * 300 + hours_ago(720, 718, each=1_000), 720_000, HOUR),
        (hours_ago(720, 719, each=2_000), 720 * 2_000, None),
        (hours_ago(720, 718, each=1_300), 720 * 10_001, None),
        (hours_ago(23, 21, each=10), 23 * 10, None),
        (hours_ago(2, 0, each=1_000), 3_000, None),
        ([HOUR] * 4_000, 10**6, None),
        ([], 0, None),
    ],
    ids=[
        "a day", "months", "long ago", "a busy current hour", "nothing else waits", "less than a day",
        "the current hour is no history", "much more waits", "one event too many", "one busy hour",
        "a month in order", "a day in order", "as dense as may be in order", "too dense in order",
        "after some old events", "no whole hour in order", "denser later", "less than a day in order",
        "a live site in order", "only the current hour", "no valid event",
    ],
)  # fmt: skip
def test_a_sparse_history_gets_one_bucket_for_each_hour_before_the_current(
    hours: list[int], waiting: int, decided: int | None
) -> None:
    assert one_bucket_before(hours, waiting=waiting, now_ms=HOUR + 1_234_567) == decided


def test_without_any_layout_events_have_no_place() -> None:
    with pytest.raises(ValueError, match=r"^no bucket layout$"):
        Layouts([])

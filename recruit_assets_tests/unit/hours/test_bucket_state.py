"""Which partitions a run may keep: those whose input still has the version that their rows were computed from."""

from collections.abc import Mapping
from datetime import UTC, datetime

from recruit_assets.hours.bucket_state import BucketState, Partition, RowCounts, counts_by_hour, unchanged

SEVEN, EIGHT = datetime(2026, 1, 5, 7, tzinfo=UTC), datetime(2026, 1, 5, 8, tzinfo=UTC)
FIRST, SECOND, THIRD = (Partition(SEVEN, bucket) for bucket in range(3))
PARTITIONS = [FIRST, SECOND, THIRD]


def state(version: int, events: int = 0) -> BucketState:
    return BucketState(write_timestamp=1, version=version, counts=RowCounts(events, events))


def kept(was: Mapping[Partition, BucketState], now: Mapping[Partition, int]) -> set[Partition]:
    return set(unchanged({SEVEN: was}, PARTITIONS, {SEVEN: now}))


def test_only_partitions_of_the_same_version_are_kept() -> None:
    was = {FIRST: state(2), SECOND: state(2), THIRD: state(2)}
    assert kept(was, {FIRST: 2, SECOND: 3}) == {FIRST}


def test_a_partition_without_events_is_kept_until_it_has_some() -> None:
    assert kept({}, {FIRST: 1}) == {SECOND, THIRD}


def test_without_a_base_nothing_is_kept() -> None:
    assert unchanged({EIGHT: {}}, PARTITIONS, {SEVEN: {}}) == {}


def test_nothing_is_kept_of_an_hour_whose_versions_are_not_known() -> None:
    assert unchanged({SEVEN: {}}, PARTITIONS, {}) == {}


def test_an_hour_with_another_bucket_layout_is_read_again() -> None:
    assert kept({FIRST: state(1), Partition(SEVEN, 47): state(1)}, {FIRST: 1}) == set()


def test_counts_are_summed_by_hour() -> None:
    counts = {FIRST: RowCounts(2, 2), SECOND: RowCounts(3, 3), Partition(EIGHT, 0): RowCounts(7, 7)}
    assert counts_by_hour(counts, [SEVEN, EIGHT, datetime(2026, 1, 5, 9, tzinfo=UTC)]) == {
        SEVEN: RowCounts(5, 5),
        EIGHT: RowCounts(7, 7),
        datetime(2026, 1, 5, 9, tzinfo=UTC): RowCounts(),
    }


def test_counts_by_rule_are_added_up_rule_by_rule() -> None:
    counts = RowCounts(3, 3, 1, by_rule=(2, 1)) + RowCounts(4, 4, by_rule=(0, 0, 4)) + RowCounts(unattributed=5)

    assert counts == RowCounts(7, 7, 6, by_rule=(2, 1, 4))
    assert RowCounts.of_numbers(*counts.numbers) == counts
    assert RowCounts(1, 1).numbers == (1, 1, 0)

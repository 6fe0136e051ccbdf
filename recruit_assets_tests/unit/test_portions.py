"""Which partitions a run may keep: those whose rows were made of just what their input holds."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from recruit_assets.portions import Fingerprint, Partition, Portion, Tally, tally_by_hour, unchanged

SEVEN, EIGHT = datetime(2026, 1, 5, 7, tzinfo=UTC), datetime(2026, 1, 5, 8, tzinfo=UTC)
FIRST, SECOND, THIRD = (Partition(SEVEN, bucket) for bucket in range(3))
PARTITIONS = [FIRST, SECOND, THIRD]


def portion(events: int, received_ms: int) -> Portion:
    return Portion(t=1, made_of=Fingerprint(events, received_ms), tally=Tally(events, events))


def kept(was: Mapping[Partition, Portion], now: Mapping[Partition, Fingerprint]) -> set[Partition]:
    base = {SEVEN: was}
    return set(unchanged(base, PARTITIONS, lambda asked: {one: now.get(one, Fingerprint()) for one in asked}))


def test_only_partitions_with_the_same_fingerprint_are_kept() -> None:
    was = {FIRST: portion(2, 70), SECOND: portion(2, 70), THIRD: portion(2, 70)}
    now = {FIRST: Fingerprint(2, 70), SECOND: Fingerprint(3, 70), THIRD: Fingerprint(2, 71)}
    assert kept(was, now) == {FIRST}


def test_a_partition_that_was_empty_is_kept_while_it_is_empty() -> None:
    assert kept({}, {FIRST: Fingerprint(1, 5)}) == {SECOND, THIRD}


def test_a_partition_that_lost_its_last_event_is_not_kept() -> None:
    assert kept({FIRST: portion(1, 5)}, {}) == {SECOND, THIRD}


def test_without_a_base_nothing_is_kept_and_nothing_is_asked() -> None:
    def refuse(_: Sequence[Partition]) -> Mapping[Partition, Fingerprint]:
        raise AssertionError

    assert unchanged({EIGHT: {}}, PARTITIONS, refuse) == {}


def test_an_hour_that_was_cut_by_another_layout_is_read_again() -> None:
    assert kept({FIRST: portion(1, 5), Partition(SEVEN, 47): portion(1, 5)}, {FIRST: Fingerprint(1, 5)}) == set()


def test_tallies_add_up_by_hour() -> None:
    portions = {FIRST: portion(2, 0), SECOND: portion(3, 0), Partition(EIGHT, 0): portion(7, 0)}
    assert tally_by_hour(portions, [SEVEN, EIGHT, datetime(2026, 1, 5, 9, tzinfo=UTC)]) == {
        SEVEN: Tally(5, 5),
        EIGHT: Tally(7, 7),
        datetime(2026, 1, 5, 9, tzinfo=UTC): Tally(),
    }

"""Which rows and which hours share a request."""

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from recruit_assets.contract.tables import CHANGE_SHARDS
from recruit_assets.ingest.batches import (
    MAX_BUCKETS,
    MAX_HOURS,
    SMALL_BATCH_BYTES,
    Row,
    change_requests,
    row_batches,
    touched_hours,
    version_requests,
)
from recruit_assets.stores.cassandra.batch_encoder import Partition, RawRow
from recruit_assets.stores.cassandra.event_writes import MAX_BATCH_BYTES, Change
from recruit_assets.stores.cassandra.session import BATCHES_IN_FLIGHT, PARTITIONS_PER_BATCH
from recruit_assets.transforms.buckets import HOUR_MS

SEVEN, EIGHT = 1_767_596_400_000, 1_767_600_000_000
MANY = BATCHES_IN_FLIGHT * PARTITIONS_PER_BATCH


def a_row(source: int, *, partition: Partition = (SEVEN, 1), size_bytes: int = 100) -> Row:
    return Row(source, RawRow(partition, b"%d" % source, size_bytes))


def sources(rows: list[Row]) -> list[list[int]]:
    """Of each batch."""
    return [[row.source for row in batch.rows] for batch in row_batches(rows)]


def test_rows_of_one_partition_share_a_batch() -> None:
    size = SMALL_BATCH_BYTES // 2 + 1
    partitions = [(SEVEN, 1), (SEVEN, 2), (SEVEN, 1), (SEVEN, 2)]

    rows = [a_row(source, partition=partition, size_bytes=size) for source, partition in enumerate(partitions)]

    assert sources(rows) == [[0, 2], [1, 3]]


def test_batches_stay_below_cassandras_limit_and_a_row_above_it_is_sent_alone() -> None:
    sizes = [MAX_BATCH_BYTES // 2, MAX_BATCH_BYTES // 2, 1, 10 * MAX_BATCH_BYTES, 1]

    assert sources([a_row(source, size_bytes=size) for source, size in enumerate(sizes)]) == [[0, 1], [3], [2], [4]]


def test_rows_of_few_partitions_are_sent_by_partition_and_of_many_together() -> None:
    rows = [a_row(source, partition=(SEVEN + source * HOUR_MS, 0)) for source in range(MANY)]

    assert {len(batch) for batch in sources(rows[:BATCHES_IN_FLIGHT])} == {1}
    assert {len(batch) for batch in sources(rows[: 2 * BATCHES_IN_FLIGHT])} == {2}
    assert {len(batch) for batch in sources(rows)} == {PARTITIONS_PER_BATCH}


partitions = st.tuples(st.sampled_from([SEVEN, EIGHT]), st.integers(0, 20))
sizes = st.integers(1, MAX_BATCH_BYTES + 10)


@given(st.lists(st.tuples(partitions, sizes)))
def test_every_row_is_in_one_batch_that_cassandra_takes(given: list[tuple[Partition, int]]) -> None:
    rows = [a_row(source, partition=each[0], size_bytes=each[1]) for source, each in enumerate(given)]

    batches = list(row_batches(rows))

    assert sorted(row.source for batch in batches for row in batch.rows) == list(range(len(rows)))
    for batch in batches:
        assert batch.size_bytes == sum(row.raw.size_bytes for row in batch.rows)
        assert batch.size_bytes <= MAX_BATCH_BYTES or len(batch.rows) == 1
        assert len({row.raw.partition for row in batch.rows}) <= PARTITIONS_PER_BATCH


def test_an_hour_has_one_change_with_its_buckets_and_rows() -> None:
    rows = Counter({(SEVEN, 1): 2, (SEVEN, 3): 1, (EIGHT, 0): 4})

    assert sorted(touched_hours(rows.elements())) == [(SEVEN, {1, 3}, 3), (EIGHT, {0}, 4)]


def test_requests_for_versions_are_limited_in_hours_and_buckets() -> None:
    many = [Change(SEVEN + number * HOUR_MS, {0}, 1) for number in range(MANY + 1)]
    few = many[:2]
    half = set(range(MAX_BUCKETS // 2 + 1))
    huge = Change(SEVEN, set(range(2 * MAX_BUCKETS)), 1)

    assert list(version_requests(few)) == [few[:1], few[1:]]
    assert [len(request) for request in version_requests(many)] == [PARTITIONS_PER_BATCH] * BATCHES_IN_FLIGHT + [1]
    assert list(version_requests([Change(SEVEN, half, 1), Change(EIGHT, half, 1)])) == [
        [Change(SEVEN, half, 1)],
        [Change(EIGHT, half, 1)],
    ]
    assert list(version_requests([few[0], huge, few[1]])) == [[few[0]], [huge], [few[1]]]
    assert list(version_requests([])) == []


def test_a_request_for_changes_is_of_one_shard_of_the_feed() -> None:
    changes = [Change(SEVEN + number * HOUR_MS, {0}, 1) for number in range(CHANGE_SHARDS * (MAX_HOURS + 1))]

    requests = list(change_requests(changes))

    assert sorted(change for request in requests for change in request) == changes
    assert all(len({change.shard for change in request}) == 1 for request in requests)
    assert Counter(map(len, requests)) == {MAX_HOURS: CHANGE_SHARDS, 1: CHANGE_SHARDS}

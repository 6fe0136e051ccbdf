"""Batches, retries and the change feed, on a Cassandra in memory that fails as told."""

from collections import Counter

import pytest

from recruit_assets.ingest.steps import Step
from recruit_assets.ingest.writer import EventWriter, Row, Written, batches_of
from recruit_assets.runtime.errors import Inconsistent, StoreUnavailable
from recruit_assets.stores.cassandra.batch_encoder import Partition, RawRow
from recruit_assets.stores.cassandra.event_writes import MAX_BATCH_BYTES, RowsRefused
from recruit_assets_tests.support.ingest import WritesInMemory

SEVEN, EIGHT = 1_767_596_400_000, 1_767_600_000_000


def a_row(source: int = 0, size_bytes: int = 100) -> Row:
    return Row(source, RawRow(b"%d" % source, size_bytes))


def a_writer(writes: WritesInMemory) -> EventWriter:
    return EventWriter(writes, sleep=lambda _seconds: None)


def write(writes: WritesInMemory, rows: list[tuple[Partition, Row]]) -> Written:
    writer = a_writer(writes)
    return writer.land(writer.launch(rows))


def test_rows_of_one_partition_share_a_batch() -> None:
    rows = [((SEVEN, 1), a_row(0)), ((SEVEN, 2), a_row(1)), ((SEVEN, 1), a_row(2))]

    assert [(batch.partition, [row.source for row in batch.rows]) for batch in batches_of(rows)] == [
        ((SEVEN, 1), [0, 2]),
        ((SEVEN, 2), [1]),
    ]


def test_a_batch_stays_under_cassandras_limit_and_a_row_that_is_too_large_goes_alone() -> None:
    sizes = [MAX_BATCH_BYTES // 2, MAX_BATCH_BYTES // 2, 1, 10 * MAX_BATCH_BYTES, 1]
    rows = [((SEVEN, 1), a_row(source, size)) for source, size in enumerate(sizes)]

    assert [[row.source for row in batch.rows] for batch in batches_of(rows)] == [[0, 1], [2], [3], [4]]


def test_the_feed_is_told_once_per_hour_with_its_buckets_and_rows() -> None:
    writes = WritesInMemory()

    written = write(writes, [((SEVEN, 1), a_row(0)), ((SEVEN, 2), a_row(1)), ((EIGHT, 0), a_row(2))])

    assert written == Written(Counter({SEVEN: 2, EIGHT: 1}), refused=[])
    assert sorted(writes.changes) == [(SEVEN, {1, 2}, 2), (EIGHT, {0}, 1)]


def test_nothing_to_write_tells_the_feed_nothing() -> None:
    writes = WritesInMemory()

    assert write(writes, []) == Written(Counter(), refused=[])
    assert writes.changes == []


def test_the_same_rows_are_written_again_until_cassandra_confirms_them() -> None:
    """Of a time-out it isn't known what landed; only writing the same again makes it known."""
    failures = [StoreUnavailable("timed out"), StoreUnavailable("timed out")]
    writes = WritesInMemory(lambda _partition, _rows: failures.pop() if failures else None)

    written = write(writes, [((SEVEN, 1), a_row(0)), ((SEVEN, 1), a_row(1))])

    assert written.hours == Counter({SEVEN: 2})
    assert [[row.cells for row in rows] for _, rows in writes.sent] == [[b"0", b"1"]] * 3


def test_the_feed_is_told_again_until_it_is_confirmed() -> None:
    writes = WritesInMemory()
    writes.change_failures.extend([StoreUnavailable("timed out")] * 3)

    write(writes, [((SEVEN, 1), a_row())])

    assert writes.changes == [(SEVEN, {1}, 1)]


def test_rows_that_are_never_confirmed_end_in_an_error_without_a_word_to_the_feed() -> None:
    writes = WritesInMemory(lambda _partition, _rows: StoreUnavailable("node is down"))
    writer = EventWriter(writes, give_up_s=0, sleep=lambda _seconds: None)

    with pytest.raises(StoreUnavailable, match=r"no offset was committed: node is down"):
        writer.land(writer.launch([((SEVEN, 1), a_row())]))

    assert writes.changes == []


@pytest.mark.parametrize(("failures", "lines"), [(1, 0), (20, 1)])
def test_an_outage_is_said_once_while_it_lasts(failures: int, lines: int, caplog: pytest.LogCaptureFixture) -> None:
    left = [StoreUnavailable("node is down")] * failures
    writes = WritesInMemory(lambda _partition, _rows: left.pop() if left else None)

    write(writes, [((SEVEN, 1), a_row())])

    said = "writes aren't confirmed, trying again for up to 120 s: node is down"
    assert [record.getMessage() for record in caplog.records] == [said] * lines


def test_of_a_refused_batch_only_the_row_to_blame_is_refused() -> None:
    def refuse_two(_partition: Partition, rows: list[RawRow]) -> Exception | None:
        return RowsRefused("invalid") if any(row.cells == b"2" for row in rows) else None

    writes = WritesInMemory(refuse_two)

    written = write(writes, [((SEVEN, 1), a_row(source)) for source in (1, 2, 3)])

    assert written.hours == Counter({SEVEN: 2})
    assert [refused.source for refused in written.refused] == [2]
    assert writes.changes == [(SEVEN, {1}, 2)]


def test_a_refused_row_is_only_blamed_while_the_table_itself_takes_rows() -> None:
    """After a dropped table every event would become a dead letter."""

    class NoTable(WritesInMemory):
        def require_table(self) -> None:
            raise Inconsistent("table raw_events doesn't exist")

    with pytest.raises(Inconsistent, match="doesn't exist"):
        write(NoTable(lambda _partition, _rows: RowsRefused("invalid")), [((SEVEN, 1), a_row())])


def test_an_error_that_nobody_foresaw_isnt_tried_again() -> None:
    writes = WritesInMemory(lambda _partition, _rows: KeyError("bug"))

    with pytest.raises(KeyError, match="bug"):
        write(writes, [((SEVEN, 1), a_row())])


def test_versions_are_told_after_the_rows_are_durable_and_the_change_after_them() -> None:
    """What is told before its rows can be counted without them, and never again."""
    steps: list[tuple[Step, int, int, int]] = []
    writes = WritesInMemory()

    def note(step: Step) -> None:
        steps.append((step, len(writes.sent), len(writes.versions), len(writes.changes)))

    writer = EventWriter(writes, on_step=note)

    writer.land(writer.launch([((SEVEN, bucket), a_row(bucket)) for bucket in range(4)]))

    assert steps == [
        (Step.BEFORE_WRITE, 0, 0, 0),
        (Step.MID_WRITE, 2, 0, 0),
        (Step.EVENTS_WRITTEN, 4, 0, 0),
        (Step.VERSIONS_WRITTEN, 4, 1, 0),
        (Step.CHANGE_WRITTEN, 4, 1, 1),
    ]


def test_each_flight_raises_the_version_of_its_buckets() -> None:
    writes = WritesInMemory()
    writer = a_writer(writes)

    for bucket in (1, 2):
        writer.land(writer.launch([((SEVEN, bucket), a_row())]))

    assert writes.versions == [(SEVEN, {1}, 1), (SEVEN, {2}, 2)]

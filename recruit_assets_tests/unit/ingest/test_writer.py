"""Batching, retries and change publication, on an in-memory Cassandra that fails on demand."""

from collections import Counter
from collections.abc import Sequence

import pytest

from recruit_assets.ingest.batches import Row
from recruit_assets.ingest.writer import EventWriter, Written
from recruit_assets.runtime.errors import Inconsistent, StoreUnavailable
from recruit_assets.stores.cassandra.batch_encoder import Partition, RawRow
from recruit_assets.stores.cassandra.event_writes import Change, RowsRejected
from recruit_assets.stores.cassandra.session import BATCHES_IN_FLIGHT
from recruit_assets_tests.support.ingest import WritesInMemory

SEVEN, EIGHT = 1_767_596_400_000, 1_767_600_000_000


def a_row(source: int = 0, partition: Partition = (SEVEN, 1)) -> Row:
    return Row(source, RawRow(partition, b"%d" % source, 100))


def a_writer(writes: WritesInMemory) -> EventWriter:
    return EventWriter(writes, sleep=lambda _seconds: None)


def write(writes: WritesInMemory, rows: list[Row]) -> Written:
    writer = a_writer(writes)
    return writer.wait_durable(writer.submit(rows))


def test_one_change_per_hour_is_published_with_its_buckets_and_row_count() -> None:
    writes = WritesInMemory()

    written = write(writes, [a_row(0), a_row(1, (SEVEN, 2)), a_row(2, (EIGHT, 0))])

    assert written == Written(Counter({SEVEN: 2, EIGHT: 1}), rejected=[])
    assert sorted(writes.changes) == [(SEVEN, {1, 2}, 2), (EIGHT, {0}, 1)]


def test_an_empty_micro_batch_publishes_no_change() -> None:
    writes = WritesInMemory()

    assert write(writes, []) == Written(Counter(), rejected=[])
    assert writes.changes == []


def test_rows_are_resent_until_cassandra_confirms_them() -> None:
    """A timeout doesn't say whether the rows were written."""
    failures = [StoreUnavailable("timed out"), StoreUnavailable("timed out")]
    writes = WritesInMemory(lambda _rows: failures.pop() if failures else None)

    written = write(writes, [a_row(0), a_row(1)])

    assert written.hours == Counter({SEVEN: 2})
    assert [[row.cells for row in rows] for rows in writes.sent] == [[b"0", b"1"]] * 3


def test_a_change_is_resent_until_cassandra_confirms_it() -> None:
    writes = WritesInMemory()
    writes.change_failures.extend([StoreUnavailable("timed out")] * 3)

    write(writes, [a_row()])

    assert writes.changes == [(SEVEN, {1}, 1)]


def test_unconfirmed_rows_are_an_error_and_publish_no_change() -> None:
    writes = WritesInMemory(lambda _rows: StoreUnavailable("node is down"))
    writer = EventWriter(writes, give_up_s=0, sleep=lambda _seconds: None)

    with pytest.raises(StoreUnavailable, match=r"no offset was committed: node is down"):
        writer.wait_durable(writer.submit([a_row()]))

    assert writes.changes == []


@pytest.mark.parametrize(("failures", "lines"), [(1, 0), (20, 1)])
def test_an_outage_is_logged_once(failures: int, lines: int, caplog: pytest.LogCaptureFixture) -> None:
    left = [StoreUnavailable("node is down")] * failures
    writes = WritesInMemory(lambda _rows: left.pop() if left else None)

    write(writes, [a_row()])

    message = "Cassandra doesn't confirm writes, retrying for up to 120 s: node is down"
    assert [record.getMessage() for record in caplog.records] == [message] * lines


def test_only_the_invalid_row_of_a_rejected_batch_is_rejected() -> None:
    def reject_two(rows: Sequence[RawRow]) -> Exception | None:
        return RowsRejected("invalid") if any(row.cells == b"2" for row in rows) else None

    writes = WritesInMemory(reject_two)

    written = write(writes, [a_row(source) for source in (1, 2, 3)])

    assert written.hours == Counter({SEVEN: 2})
    assert [row.source for row in written.rejected] == [2]
    assert writes.changes == [(SEVEN, {1}, 2)]


def test_only_the_invalid_row_of_several_partitions_is_rejected() -> None:
    writes = WritesInMemory(lambda rows: RowsRejected("invalid") if any(row.cells == b"2" for row in rows) else None)

    written = write(writes, [a_row(1, (SEVEN, 1)), a_row(2, (SEVEN, 2)), a_row(3, (EIGHT, 0))])

    assert written.hours == Counter({SEVEN: 1, EIGHT: 1})
    assert [row.source for row in written.rejected] == [2]
    assert sorted(writes.changes) == [(SEVEN, {1}, 1), (EIGHT, {0}, 1)]
    assert sorted(writes.versions) == [(SEVEN, {1}, 1), (EIGHT, {0}, 1)]


def test_hours_share_requests_for_versions_and_changes_each_of_one_shard_of_the_feed() -> None:
    writes = WritesInMemory()
    hours = [SEVEN + number * 3_600_000 for number in range(2 * BATCHES_IN_FLIGHT)]

    write(writes, [a_row(number, (hour, 0)) for number, hour in enumerate(hours)])

    assert writes.calls == ["rows"] * BATCHES_IN_FLIGHT + ["versions"] * BATCHES_IN_FLIGHT + ["changes"] * 8
    assert all(len({change.shard for change in request}) == 1 for request in writes.change_requests)
    assert sorted(writes.changes) == [Change(hour, {0}, 1) for hour in hours]


def test_only_unconfirmed_changes_are_resent() -> None:
    writes = WritesInMemory()
    writes.change_failures.append(StoreUnavailable("timed out"))

    write(writes, [a_row(0, (SEVEN, 1)), a_row(1, (EIGHT, 1))])

    assert sorted(writes.changes) == [(SEVEN, {1}, 1), (EIGHT, {1}, 1)]


def test_a_missing_table_is_an_error_and_not_a_rejected_row() -> None:
    """Otherwise a dropped table would make every event a dead letter."""

    class NoTable(WritesInMemory):
        def require_table(self) -> None:
            raise Inconsistent("table raw_events doesn't exist")

    with pytest.raises(Inconsistent, match="doesn't exist"):
        write(NoTable(lambda _rows: RowsRejected("invalid")), [a_row()])


def test_an_unexpected_error_isnt_retried() -> None:
    writes = WritesInMemory(lambda _rows: KeyError("bug"))

    with pytest.raises(KeyError, match="bug"):
        write(writes, [a_row()])


def test_versions_are_published_after_all_rows_and_the_change_after_the_versions() -> None:
    """An hour that is counted before its rows are there is never counted again."""
    failures = [StoreUnavailable("timed out")]
    writes = WritesInMemory(lambda _rows: failures.pop() if failures else None)

    write(writes, [a_row(bucket, (SEVEN, bucket)) for bucket in range(4)])

    assert writes.calls == ["rows"] * 5 + ["versions", "changes"]


def test_each_micro_batch_raises_the_version_of_its_buckets() -> None:
    writes = WritesInMemory()
    writer = a_writer(writes)

    for bucket in (1, 2):
        writer.wait_durable(writer.submit([a_row(0, (SEVEN, bucket))]))

    assert writes.versions == [(SEVEN, {1}, 1), (SEVEN, {2}, 2)]

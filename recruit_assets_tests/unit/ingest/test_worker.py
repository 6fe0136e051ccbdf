"""The order in which the worker writes, publishes and commits, with a scripted group member."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest

from recruit_assets.contract.dead_letters import DeadLetterReason
from recruit_assets.contract.retention import Retention, RetentionChange
from recruit_assets.ingest import conversion
from recruit_assets.ingest.buffer import MICRO_BATCH_BYTES, MICRO_BATCH_RECORDS
from recruit_assets.ingest.conversion import LAYOUTS_MAX_AGE_S
from recruit_assets.ingest.metrics import IngestMetrics
from recruit_assets.ingest.worker import Connections, Worker
from recruit_assets.ingest.writer import EventWriter
from recruit_assets.runtime.errors import Inconsistent, StoreUnavailable
from recruit_assets.runtime.times import to_ms
from recruit_assets.stores.cassandra.batch_encoder import RawRow
from recruit_assets.stores.cassandra.event_writes import RowsRejected
from recruit_assets.stores.kafka.starting_point import RetentionGap, Rewind
from recruit_assets.transforms.validate import Limits
from recruit_assets_tests.support.builders import an_event, as_bytes
from recruit_assets_tests.support.ingest import ARecord, DeadLettersInMemory, ScriptedMember, WritesInMemory


@dataclass
class Setup:
    """A worker with fakes around it; `run` lets 0.6 s pass after each iteration, so that the buffer becomes due."""

    member: ScriptedMember
    writes: WritesInMemory = field(default_factory=WritesInMemory)
    letters: DeadLettersInMemory = field(default_factory=DeadLettersInMemory)
    metrics: IngestMetrics = field(default_factory=IngestMetrics)
    now_s: float = 0.0

    def __post_init__(self) -> None:
        self.worker = Worker(
            Connections(self.member, self.writes, self.letters),
            limits=Limits(max_bytes=MICRO_BATCH_BYTES, first_hour_ms=0),
            metrics=self.metrics,
            clock=lambda: self.now_s,
            writer=EventWriter(self.writes, sleep=lambda _seconds: None),
        )

    def run(self, count: int) -> None:
        for _ in range(count):
            self.worker.run_once()
            self.now_s += 0.6

    @property
    def rows(self) -> int:
        return sum(len(rows) for rows in self.writes.sent)


def records(count: int, *, first: int = 0, partition: int = 0) -> list[ARecord]:
    return [ARecord(as_bytes(an_event(seed=n)), offset=n, partition=partition) for n in range(first, first + count)]


def test_offsets_are_committed_after_rows_and_changes() -> None:
    setup = Setup(ScriptedMember(records(3)))

    setup.run(4)

    assert (setup.rows, len(setup.writes.changes), setup.member.commits) == (3, 1, [{0: 3}])


def test_records_that_trickle_in_share_a_micro_batch() -> None:
    """Each micro-batch adds a row to the change feed, which keeps it for 90 days."""
    setup = Setup(ScriptedMember(records(1), records(1, first=1), records(1, first=2)))

    setup.run(6)

    assert (len(setup.writes.changes), setup.member.commits) == (1, [{0: 3}])


def test_a_new_retention_is_noticed_while_ingest_runs() -> None:
    """Events that are stored though their hour is frozen would never be in the report."""
    late = datetime(2026, 1, 5, 7, 30, tzinfo=UTC) + timedelta(days=8)
    first, second = (ARecord(as_bytes(an_event(seed=n)), offset=n, timestamp=to_ms(late)) for n in range(2))
    setup = Setup(ScriptedMember([first], [], [], [second]))
    setup.run(3)

    setup.writes.kept = Retention((RetentionChange(late - timedelta(days=1), 7),))
    setup.now_s += LAYOUTS_MAX_AGE_S
    setup.run(4)

    assert setup.rows == 1
    assert [letter.reason for letter in setup.letters.letters] == [DeadLetterReason.TOO_LATE]


@pytest.mark.parametrize("value", [as_bytes(an_event()), b"x" * (MICRO_BATCH_BYTES // MICRO_BATCH_RECORDS * 4)])
def test_a_micro_batch_is_limited_in_records_and_bytes(value: bytes) -> None:
    polls = [[ARecord(value, offset=n) for n in range(1000 * i, 1000 * (i + 1))] for i in range(40)]
    setup = Setup(ScriptedMember(*polls))

    for _ in range(20):
        setup.worker.run_once()
        assert len(setup.worker._buffer.records) <= MICRO_BATCH_RECORDS
        assert setup.worker._buffer.size_bytes <= MICRO_BATCH_BYTES + 1000 * len(value)

    assert setup.rows + len(setup.letters.letters) >= 2000


def scattered(count: int, *, first: int = 0) -> list[ARecord]:
    """Each of another hour."""
    start = datetime(2025, 1, 1, tzinfo=UTC)
    return [
        ARecord(as_bytes(an_event(start + timedelta(hours=number), seed=number)), offset=number)
        for number in range(first, first + count)
    ]


@pytest.mark.parametrize(("waiting", "micro_batches"), [(1_000, 3), (0, 8)], ids=["more waits", "all is polled"])
def test_while_scattered_events_wait_in_the_topic_a_micro_batch_takes_more_of_them(
    waiting: int, micro_batches: int
) -> None:
    """Each micro-batch writes a version and a change of every hour that it touches."""
    setup = Setup(ScriptedMember(scattered(10), [], [], *(scattered(10, first=10 * n) for n in range(1, 20))))
    setup.member.end = waiting

    setup.run(45)

    assert len({number for _, _, number in setup.writes.versions}) == micro_batches
    assert (setup.rows, setup.member.commits[-1]) == (200, {0: 200})


def test_keys_and_headers_count_towards_the_bytes_of_a_micro_batch() -> None:
    large = bytes(MICRO_BATCH_BYTES // 2)
    setup = Setup(ScriptedMember([ARecord(b"", key=large, headers=[("h", large)])], records(1, first=1)))

    setup.worker.run_once()

    assert (setup.worker._buffer.records, len(setup.letters.letters)) == ([], 1)


def test_records_that_all_make_ingest_fail_stop_it_with_nothing_sent_or_committed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A bad version must not turn the topic into dead letters."""

    def fail(*_: object, **__: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(conversion, "read_event", fail)
    setup = Setup(ScriptedMember(records(1000)))

    with pytest.raises(Inconsistent, match="100 records in a row"):
        setup.run(4)

    assert (setup.rows, setup.letters.letters, setup.member.commits) == (0, [], [])


def test_an_invalid_record_becomes_a_dead_letter_before_its_offset_is_committed() -> None:
    setup = Setup(ScriptedMember([*records(1), ARecord(b"[]", offset=1, key=b"k")]))

    setup.run(4)

    (letter,) = setup.letters.letters
    assert (letter.reason, letter.value, letter.key, letter.origin.offset) == (
        DeadLetterReason.NOT_OBJECT,
        b"[]",
        b"k",
        1,
    )
    assert (setup.rows, setup.member.commits) == (1, [{0: 2}])


def test_an_unacknowledged_dead_letter_holds_up_offsets_but_not_events() -> None:
    setup = Setup(ScriptedMember([*records(1), ARecord(b"", offset=1)]))
    setup.letters.failure = StoreUnavailable("topic is gone")

    with pytest.raises(StoreUnavailable, match="topic is gone"):
        setup.run(4)

    assert (setup.rows, len(setup.writes.changes), setup.member.commits) == (1, 1, [])


def test_a_row_that_cassandra_rejects_becomes_a_dead_letter() -> None:
    def reject_large(rows: Sequence[RawRow]) -> Exception | None:
        return RowsRejected("column is too large") if any(row.size_bytes > 2000 for row in rows) else None

    large = ARecord(as_bytes(an_event(seed=9, dl="x" * 4000)), offset=1)
    setup = Setup(ScriptedMember([*records(1), large]), WritesInMemory(reject_large))

    setup.run(4)

    (letter,) = setup.letters.letters
    assert (letter.reason, letter.origin.offset) == (DeadLetterReason.REJECTED_BY_STORE, 1)
    assert (setup.worker.counts.events, setup.member.commits) == (1, [{0: 2}])


def test_after_a_rebalance_reading_resumes_at_the_committed_offsets() -> None:
    """The client keeps its position in a partition that it keeps: a later commit would skip the dropped records."""
    member = ScriptedMember(records(2), [], records(2, first=2))
    setup = Setup(member)
    setup.run(3)  # the first two are submitted
    member.rebalanced = True

    setup.run(1)

    assert (member.resumed, member.commits, setup.worker.is_idle) == (1, [], True)


def test_records_polled_during_a_rebalance_are_dropped() -> None:
    member = ScriptedMember(records(2))
    setup = Setup(member)
    member.rebalanced = True

    setup.run(4)

    assert (setup.rows, member.resumed) == (0, 1)


def test_transaction_markers_leave_no_lag() -> None:
    """A marker moves the position without a record. If its offset were never committed, no drain would end."""
    member = ScriptedMember()
    setup = Setup(member)
    member.positions()[0] = 7

    setup.run(1)

    assert member.commits == [{0: 7}]


def test_finish_commits_the_micro_batch_in_flight_and_drops_the_buffer() -> None:
    member = ScriptedMember(records(2), [], [], records(5, first=2))
    setup = Setup(member)
    setup.run(4)

    setup.worker.finish()

    assert (setup.rows, member.commits) == (2, [{0: 2}])


def test_a_retention_gap_is_counted() -> None:
    member = ScriptedMember(records(1, first=100))
    setup = Setup(member)
    member.gaps.append(RetentionGap(partition=0, expected=40, first_kept=100))

    setup.run(4)

    assert setup.worker.counts.gaps == 60
    assert setup.metrics.registry.get_sample_value("recruit_ingest_trimmed_records_total") == 60


def test_a_partition_that_is_read_again_is_counted_and_named(caplog: pytest.LogCaptureFixture) -> None:
    member = ScriptedMember()
    member.rewinds = [Rewind("t", 1, committed=90, end=40, resumed_at=0, why="so it has lost records")]
    member.rebalanced = True
    setup = Setup(member)

    setup.worker.run_once()

    assert "t/1 is read again from offset 0: the group has committed 90, the partition ends at 40" in caplog.text
    assert setup.metrics.registry.get_sample_value("recruit_ingest_rewinds_total") == 1


def test_metrics_count_records_events_and_dead_letters() -> None:
    setup = Setup(ScriptedMember([*records(2), ARecord(b"", offset=2)]))

    setup.run(4)

    sample = setup.metrics.registry.get_sample_value
    assert (sample("recruit_ingest_records_total"), sample("recruit_ingest_events_total")) == (3, 2)
    assert sample("recruit_ingest_dead_letters_total", {"reason": "empty"}) == 1


def test_the_result_counts_hours_and_unattributed_events() -> None:
    events = [an_event(job_id=None), an_event(seed=1), an_event(seed=2, custom_track="view", job_id=None)]
    setup = Setup(ScriptedMember([ARecord(as_bytes(event), offset=n) for n, event in enumerate(events)]))

    setup.run(4)

    result = setup.worker.counts.result(offsets={0: 3}, seconds=1)
    assert (result.records, result.events, result.unattributed) == (3, 3, 1)
    assert {f"{hour:%Y-%m-%d %H}": count for hour, count in result.hours.items()} == {"2026-01-05 07": 3}

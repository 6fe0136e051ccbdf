"""The loop's order of steps, on a group member that plays a script."""

from dataclasses import dataclass, field

import pytest

from recruit_assets.contract.dead_letters import DeadLetterReason
from recruit_assets.ingest.metrics import IngestMetrics
from recruit_assets.ingest.worker import FLIGHT_BYTES, FLIGHT_RECORDS, Worker
from recruit_assets.ingest.writer import EventWriter
from recruit_assets.runtime.errors import StoreUnavailable
from recruit_assets.stores.cassandra.batch_encoder import Partition, RawRow
from recruit_assets.stores.cassandra.event_writes import RowsRefused
from recruit_assets.stores.kafka.group_member import RetentionGap
from recruit_assets.transforms.buckets import Layout, Layouts
from recruit_assets.transforms.validate import Limits
from recruit_assets_tests.support.builders import an_event, as_bytes
from recruit_assets_tests.support.ingest import ARecord, DeadLettersInMemory, ScriptedMember, WritesInMemory


@dataclass
class Setup:
    """A worker and everything around it; `turns` lets time pass so that what waits becomes due."""

    member: ScriptedMember
    writes: WritesInMemory = field(default_factory=WritesInMemory)
    letters: DeadLettersInMemory = field(default_factory=DeadLettersInMemory)
    metrics: IngestMetrics = field(default_factory=IngestMetrics)
    now_s: float = 0.0

    def __post_init__(self) -> None:
        self.worker = Worker(
            self.member,
            EventWriter(self.writes, sleep=lambda _seconds: None),
            self.letters,
            limits=Limits(max_bytes=FLIGHT_BYTES, first_hour_ms=0),
            layouts=lambda: Layouts([(0, Layout(12, 4))]),
            metrics=self.metrics,
            clock=lambda: self.now_s,
        )

    def turns(self, count: int) -> None:
        for _ in range(count):
            self.worker.turn()
            self.now_s += 0.6

    @property
    def rows(self) -> int:
        return sum(len(rows) for _, rows in self.writes.sent)


def records(count: int, *, first: int = 0, partition: int = 0) -> list[ARecord]:
    return [ARecord(as_bytes(an_event(seed=n)), offset=n, partition=partition) for n in range(first, first + count)]


def test_offsets_move_after_rows_and_feed() -> None:
    setup = Setup(ScriptedMember(records(3)))

    setup.turns(4)

    assert (setup.rows, len(setup.writes.changes), setup.member.commits) == (3, 1, [{0: 3}])


def test_records_that_trickle_in_share_a_flight() -> None:
    """Each flight costs the change feed a row, for 90 days."""
    setup = Setup(ScriptedMember(records(1), records(1, first=1), records(1, first=2)))

    setup.turns(6)

    assert (len(setup.writes.changes), setup.member.commits) == (1, [{0: 3}])


@pytest.mark.parametrize("value", [as_bytes(an_event()), b"x" * (FLIGHT_BYTES // FLIGHT_RECORDS * 4)])
def test_a_flight_is_bounded_by_records_and_by_bytes(value: bytes) -> None:
    polls = [[ARecord(value, offset=n) for n in range(1000 * i, 1000 * (i + 1))] for i in range(40)]
    setup = Setup(ScriptedMember(*polls))

    for _ in range(20):
        setup.worker.turn()
        assert len(setup.worker._intake.records) <= FLIGHT_RECORDS
        assert setup.worker._intake.size_bytes <= FLIGHT_BYTES + 1000 * len(value)

    assert setup.rows + len(setup.letters.letters) >= 2000


def test_a_record_that_is_no_event_becomes_a_dead_letter_and_then_its_offset_moves() -> None:
    setup = Setup(ScriptedMember([*records(1), ARecord(b"[]", offset=1, key=b"k")]))

    setup.turns(4)

    (letter,) = setup.letters.letters
    assert (letter.reason, letter.value, letter.key, letter.origin.offset) == (
        DeadLetterReason.NOT_OBJECT,
        b"[]",
        b"k",
        1,
    )
    assert (setup.rows, setup.member.commits) == (1, [{0: 2}])


def test_a_dead_letter_that_isnt_acknowledged_stops_the_offsets_and_not_the_data() -> None:
    setup = Setup(ScriptedMember([*records(1), ARecord(b"", offset=1)]))
    setup.letters.failure = StoreUnavailable("topic is gone")

    with pytest.raises(StoreUnavailable, match="topic is gone"):
        setup.turns(4)

    assert (setup.rows, len(setup.writes.changes), setup.member.commits) == (1, 1, [])


def test_a_row_that_cassandra_refuses_becomes_a_dead_letter() -> None:
    def refuse_large(_partition: Partition, rows: list[RawRow]) -> Exception | None:
        return RowsRefused("column is too large") if any(row.size_bytes > 2000 for row in rows) else None

    large = ARecord(as_bytes(an_event(seed=9, dl="x" * 4000)), offset=1)
    setup = Setup(ScriptedMember([*records(1), large]), WritesInMemory(refuse_large))

    setup.turns(4)

    (letter,) = setup.letters.letters
    assert (letter.reason, letter.origin.offset) == (DeadLetterReason.REJECTED_BY_STORE, 1)
    assert (setup.worker.tally.events, setup.member.commits) == (1, [{0: 2}])


def test_a_rebalance_drops_what_isnt_committed_and_goes_back_to_what_is() -> None:
    """The client keeps the position of a partition that it keeps: a later commit would step over what was dropped."""
    member = ScriptedMember(records(2), [], records(2, first=2))
    setup = Setup(member)
    setup.turns(3)  # the first two are launched
    member.rebalanced = True

    setup.turns(1)

    assert (member.resumed, member.commits, setup.worker.is_idle) == (1, [], True)


def test_records_of_a_poll_in_which_a_rebalance_happened_are_dropped() -> None:
    member = ScriptedMember(records(2))
    setup = Setup(member)
    member.rebalanced = True

    setup.turns(4)

    assert (setup.rows, member.resumed) == (0, 1)


def test_markers_of_transactions_leave_no_lag() -> None:
    """Positions move over a marker without a record; a lag that stays would keep every drain waiting."""
    member = ScriptedMember()
    setup = Setup(member)
    member.positions()[0] = 7

    setup.turns(1)

    assert member.commits == [{0: 7}]


def test_finish_lands_what_is_in_the_air_and_drops_what_was_only_read() -> None:
    member = ScriptedMember(records(2), [], [], records(5, first=2))
    setup = Setup(member)
    setup.turns(4)

    setup.worker.finish()

    assert (setup.rows, member.commits) == (2, [{0: 2}])


def test_records_that_the_topic_dropped_are_an_alert() -> None:
    member = ScriptedMember(records(1, first=100))
    setup = Setup(member)
    member.gaps.append(RetentionGap(partition=0, expected=40, first_kept=100))

    setup.turns(4)

    assert setup.worker.tally.gaps == 60
    assert setup.metrics.registry.get_sample_value("recruit_ingest_trimmed_records_total") == 60


def test_the_metrics_tell_what_was_done() -> None:
    setup = Setup(ScriptedMember([*records(2), ARecord(b"", offset=2)]))

    setup.turns(4)

    sample = setup.metrics.registry.get_sample_value
    assert (sample("recruit_ingest_records_total"), sample("recruit_ingest_events_total")) == (3, 2)
    assert sample("recruit_ingest_dead_letters_total", {"reason": "empty"}) == 1


def test_the_tally_counts_hours_and_unattributed_events() -> None:
    events = [an_event(job_id=None), an_event(seed=1), an_event(seed=2, custom_track="view", job_id=None)]
    setup = Setup(ScriptedMember([ARecord(as_bytes(event), offset=n) for n, event in enumerate(events)]))

    setup.turns(4)

    result = setup.worker.tally.result(offsets={0: 3}, seconds=1)
    assert (result.records, result.events, result.unattributed) == (3, 3, 1)
    assert {f"{hour:%Y-%m-%d %H}": count for hour, count in result.hours.items()} == {"2026-01-05 07": 3}

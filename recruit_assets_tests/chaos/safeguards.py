"""What saves the cases of this folder, and how each of it is taken out.

A guard comes with a harm: the very point at which a case kills a process or an engine, but in this process, so that it
is hit every time. With the guard the harm leaves no difference, without it the audit must name one: `seen` is the rule.
Guards of the order of a run's own steps are taken out without engines, in `unit/test_stages.py`.
"""

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

import pytest
from pymysql.cursors import Cursor

from recruit_assets.hours.ports import Published, ReportRow
from recruit_assets.hours.replacement import tally_of
from recruit_assets.ingest import worker
from recruit_assets.ingest.worker import PendingCommit, Worker
from recruit_assets.ingest.writer import EventWriter, MicroBatch, PartitionBatch, Row, partition_batches
from recruit_assets.stores.cassandra.batch_encoder import Partition
from recruit_assets.stores.kafka.dead_letter_topic import DeadLetterTopic
from recruit_assets.stores.kafka.group_member import GroupMember
from recruit_assets.stores.mysql import hour_sink
from recruit_assets.stores.mysql.hour_sink import EPOCH, MySqlReport
from recruit_assets_tests.chaos import faults
from recruit_assets_tests.support.scenario import Arena


@dataclass(frozen=True, slots=True)
class Guard:
    """A promise that the code keeps, how to break it, what harm it is against, and the audit's rule that sees it."""

    promise: str
    take_out: Callable[[pytest.MonkeyPatch], None]
    harm: Callable[[Arena], None]
    seen: str


def commit_before_rows(patch: pytest.MonkeyPatch) -> None:
    submit = Worker._submit

    def commit_first(self: Worker) -> PendingCommit:
        self._commit(worker._offsets_after(self._buffer.records))
        return submit(self)

    patch.setattr(Worker, "_submit", commit_first)


def take_an_unconfirmed_write_for_done(patch: pytest.MonkeyPatch) -> None:
    done = EventWriter._done

    def whatever(self: EventWriter, micro_batch: MicroBatch, batch: PartitionBatch, _: Exception | None) -> None:
        done(self, micro_batch, batch, None)

    patch.setattr(EventWriter, "_done", whatever)


def tell_the_feed_before_the_rows(patch: pytest.MonkeyPatch) -> None:
    submit, publish = EventWriter.submit, EventWriter._publish_changes

    def publish_first(self: EventWriter, rows: list[tuple[Partition, Row]]) -> MicroBatch:
        publish(self, MicroBatch(list(partition_batches(rows))), set())
        return submit(self, rows)

    patch.setattr(EventWriter, "submit", publish_first)
    patch.setattr(EventWriter, "_publish_changes", lambda *_: Counter())


def commit_before_dead_letters(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(DeadLetterTopic, "acknowledged", lambda _: None)


def go_on_after_a_rebalance(patch: pytest.MonkeyPatch) -> None:
    resume = GroupMember.resume

    def stay(self: GroupMember) -> dict[int, int]:
        with pytest.MonkeyPatch.context() as here:
            here.setattr(self._consumer, "seek", lambda *_: None)
            return resume(self)

    patch.setattr(GroupMember, "resume", stay)


def never_read_the_feed_again(patch: pytest.MonkeyPatch) -> None:
    patch.setattr("recruit_assets.defs.materialize.DAILY_LOOKBACK", timedelta(0))


def store_the_mark_before_the_rows(patch: pytest.MonkeyPatch) -> None:
    replace_hour = MySqlReport.replace_hour

    def mark_first(
        self: MySqlReport,
        hour: datetime,
        rows: Iterable[ReportRow],
        *,
        covered_through_ms: int,
        t: int,
        run_id: str,
    ) -> Published:
        taken = list(rows)
        tally = tally_of(taken)

        def store(cursor: Cursor) -> None:
            naive, mark = hour.replace(tzinfo=None), EPOCH + timedelta(milliseconds=covered_through_ms)
            hour_sink._locked_mark(cursor, naive)
            hour_sink._store_mark(cursor, naive, (mark, t, tally.row_count, tally.event_count, run_id))

        self._database.run_transaction(store)
        return replace_hour(self, hour, taken, covered_through_ms=covered_through_ms, t=t, run_id=run_id)

    patch.setattr(MySqlReport, "replace_hour", mark_first)


def add_rows_without_deleting(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(hour_sink, "_delete_rows", lambda *_: None)


def let_any_run_publish(patch: pytest.MonkeyPatch) -> None:
    locked_mark = hour_sink._locked_mark

    def forget(cursor: Cursor, hour: datetime) -> tuple[datetime, int]:
        locked_mark(cursor, hour)
        return hour_sink.NEVER, 0

    patch.setattr(hour_sink, "_locked_mark", forget)


GUARDS = (
    Guard("offsets move after the rows are durable", commit_before_rows, faults.crash_before_the_rows, "events"),
    Guard(
        "a write that isn't confirmed is written again",
        take_an_unconfirmed_write_for_done,
        faults.lose_a_batch_on_its_way,
        "events",
    ),
    Guard(
        "the change feed is told after the rows",
        tell_the_feed_before_the_rows,
        faults.run_the_hours_before_their_rows,
        "report rows",
    ),
    Guard(
        "offsets move after the dead letters are acknowledged",
        commit_before_dead_letters,
        faults.refuse_dead_letters_for_a_while,
        "dead letters",
    ),
    Guard(
        "after a rebalance reading goes back to what is committed",
        go_on_after_a_rebalance,
        faults.join_while_records_wait,
        "events",
    ),
    Guard(
        "the feed is read again behind its mark",
        never_read_the_feed_again,
        faults.hold_change_rows_back,
        "pending hours",
    ),
    Guard(
        "an hour's mark is stored with its rows, in one transaction",
        store_the_mark_before_the_rows,
        faults.crash_between_mark_and_rows,
        "report rows",
    ),
    Guard("an hour is replaced, not added to", add_rows_without_deleting, faults.report_an_hour_twice, "pending hours"),
    Guard(
        "an older run doesn't publish over a newer one",
        let_any_run_publish,
        faults.overtake_a_run_before_it_publishes,
        "report rows",
    ),
)

"""The safeguards that keep the report exact, and how to disable each one.

Each is paired with the fault that it protects against. With the safeguard the fault leaves no difference; without it
the audit must report one, under the rule named in `seen`. The order of a run's own steps is tested without engines, in
`unit/hours/test_replacement.py`.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import pytest
from pymysql.cursors import Cursor

from recruit_assets.ingest import worker
from recruit_assets.ingest.batches import Batch, Row, row_batches
from recruit_assets.ingest.worker import PendingCommit, Worker
from recruit_assets.ingest.writer import EventWriter, MicroBatch
from recruit_assets.stores.kafka.dead_letter_topic import DeadLetterTopic
from recruit_assets.stores.kafka.group_member import GroupMember
from recruit_assets.stores.mysql.hour_sink import NEVER, HourRows, MySqlHourSink
from recruit_assets_tests.chaos import faults
from recruit_assets_tests.support.scenario import Scenario


@dataclass(frozen=True, slots=True)
class Safeguard:
    """A promise, how to break it, the fault it protects against, and the audit rule that must notice."""

    promise: str
    disable: Callable[[pytest.MonkeyPatch], None]
    fault: Callable[[Scenario], None]
    seen: str


def commit_before_rows(patch: pytest.MonkeyPatch) -> None:
    submit = Worker._submit

    def commit_first(self: Worker) -> PendingCommit:
        self._commit(worker._offsets_after(self._buffer.records))
        return submit(self)

    patch.setattr(Worker, "_submit", commit_first)


def take_an_unconfirmed_write_for_done(patch: pytest.MonkeyPatch) -> None:
    done = EventWriter._done

    def report_success(self: EventWriter, micro_batch: MicroBatch, batch: Batch, _: Exception | None) -> None:
        done(self, micro_batch, batch, None)

    patch.setattr(EventWriter, "_done", report_success)


def tell_the_feed_before_the_rows(patch: pytest.MonkeyPatch) -> None:
    submit, publish = EventWriter.submit, EventWriter._publish_changes

    def publish_first(self: EventWriter, rows: list[Row]) -> MicroBatch:
        publish(self, MicroBatch(list(row_batches(rows))), set())
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


def store_the_coverage_before_the_rows(patch: pytest.MonkeyPatch) -> None:
    lock_older = MySqlHourSink._lock_older

    def cover_first(
        sink: MySqlHourSink, cursor: Cursor, read: Sequence[HourRows], *, write_timestamp: int
    ) -> Sequence[HourRows]:
        older = lock_older(sink, cursor, read, write_timestamp=write_timestamp)
        for one in older:
            sink.store_coverage(cursor, one, (write_timestamp, "a run"))
        cursor.connection.commit()
        return older

    patch.setattr(MySqlHourSink, "_lock_older", cover_first)


def add_rows_without_deleting(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(MySqlHourSink, "delete_rows", lambda *_: None)


def let_any_run_publish(patch: pytest.MonkeyPatch) -> None:
    lock_coverage = MySqlHourSink.lock_coverage

    def forget(
        sink: MySqlHourSink, cursor: Cursor, hours: Sequence[datetime]
    ) -> Mapping[datetime, tuple[datetime, int]]:
        lock_coverage(sink, cursor, hours)
        return dict.fromkeys(hours, (NEVER, 0))

    patch.setattr(MySqlHourSink, "lock_coverage", forget)


SAFEGUARDS = (
    Safeguard("offsets move after the rows are durable", commit_before_rows, faults.crash_before_the_rows, "events"),
    Safeguard(
        "a write that isn't confirmed is written again",
        take_an_unconfirmed_write_for_done,
        faults.lose_a_batch_on_its_way,
        "events",
    ),
    Safeguard(
        "changes are published after the rows",
        tell_the_feed_before_the_rows,
        faults.run_the_hours_before_their_rows,
        "report rows",
    ),
    Safeguard(
        "offsets move after the dead letters are acknowledged",
        commit_before_dead_letters,
        faults.refuse_dead_letters_for_a_while,
        "dead letters",
    ),
    Safeguard(
        "after a rebalance reading goes back to what is committed",
        go_on_after_a_rebalance,
        faults.join_while_records_wait,
        "events",
    ),
    Safeguard(
        "the feed is read again behind its checkpoint",
        never_read_the_feed_again,
        faults.hold_change_rows_back,
        "pending hours",
    ),
    Safeguard(
        "an hour's coverage is stored with its rows, in one transaction",
        store_the_coverage_before_the_rows,
        faults.crash_between_coverage_and_rows,
        "report rows",
    ),
    Safeguard(
        "an hour is replaced, not added to",
        add_rows_without_deleting,
        faults.report_an_hour_twice,
        "pending hours",
    ),
    Safeguard(
        "an older run doesn't publish over a newer one",
        let_any_run_publish,
        faults.overtake_a_run_before_it_publishes,
        "report rows",
    ),
)

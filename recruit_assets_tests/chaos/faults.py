"""Harm at an exact point of this process: what the cases do to processes and engines, without their start.

Each leaves the platform as after the harm and a recovery without a human; whether that is exact is the caller's to ask.
"""

import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime
from functools import partial

import pytest
from kafka.admin import ConfigResource, ConfigResourceType
from pymysql.cursors import Cursor
from pyspark.sql import DataFrame

from recruit_assets.contract.tables import HOURLY_JOB_METRICS
from recruit_assets.defs.resources import SparkResource
from recruit_assets.hours.planning import HOUR, SKEW
from recruit_assets.hours.ports import ReportRow, StoredHours
from recruit_assets.hours.replacement import publish_hours
from recruit_assets.ingest.service import drain, serve, topic_ends
from recruit_assets.ingest.worker import Worker
from recruit_assets.runtime.errors import RunsFailed, StoreUnavailable
from recruit_assets.runtime.settings import Settings
from recruit_assets.stores.cassandra.batch_encoder import Partition, RawRow
from recruit_assets.stores.cassandra.event_writes import Done, EventWrites
from recruit_assets.stores.cassandra.hour_tables import CassandraHourTables
from recruit_assets.stores.cassandra.session import open_session
from recruit_assets.stores.kafka.clients import open_admin
from recruit_assets.stores.kafka.offsets import group_members
from recruit_assets.stores.mysql import hour_sink
from recruit_assets.stores.mysql.connection import open_report_database
from recruit_assets.stores.mysql.hour_sink import MySqlReport
from recruit_assets.stores.spark.frames import CassandraFrames
from recruit_assets.transforms.hourly import tally_metrics, to_report
from recruit_assets_tests.chaos.held_back import drain_with_changes_held_back, read_feed_past_it
from recruit_assets_tests.chaos.specs import START, a_few_hours
from recruit_assets_tests.support.ingest import AtStep, Step, connect_with
from recruit_assets_tests.support.scenario import Arena
from recruit_assets_tests.support.table_harness import FilteredEvents, HourlyJobMetrics, MySqlReportSink
from recruit_assets_tests.support.waiting import wait_until

EVENTS = 300
HOURS = tuple(START + n * HOUR for n in range(-2, 3))
"""All that an event of `a_few_hours` can have, late ones included."""
NO_ROOM = "200"
"""Bytes: no dead letter is so small."""


class Crash(Exception):
    """The process would end here."""


def crash_before_the_rows(arena: Arena) -> None:
    """Records were read, and ingest ends before it writes."""
    _sent(arena)
    _serve_until_it_crashes(arena.settings, Step.BEFORE_WRITE)
    arena.recover()


def lose_a_batch_on_its_way(arena: Arena) -> None:
    """Cassandra doesn't get the first batch, and the client is told that it timed out."""
    _sent(arena)
    send = EventWrites.send
    lost: list[Partition] = []

    def lose_one(self: EventWrites, partition: Partition, rows: Iterable[RawRow], *, done: Done) -> None:
        if not lost:
            lost.append(partition)
            done(StoreUnavailable("timed out"))
        else:
            send(self, partition, rows, done=done)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(EventWrites, "send", lose_one)
        drain(arena.settings)
    arena.recover()


def run_the_hours_before_their_rows(arena: Arena) -> None:
    """A run of all hours, however long after what the feed tells, between ingest's reading and its writing."""
    _sent(arena)

    def run_hours(step: Step) -> None:
        if step is Step.BEFORE_WRITE:
            time.sleep(SKEW.total_seconds() + 0.1)
            _run_all_hours(arena.settings)

    with pytest.MonkeyPatch.context() as patch:
        _launch_together(patch, records=sum(topic_ends(arena.settings).values()))
        _serve(arena.settings, run_hours)
    arena.recover()


def refuse_dead_letters_for_a_while(arena: Arena) -> None:
    """The dead letter topic takes nothing while ingest works; then it does again."""
    _sent(arena)

    def fill(step: Step) -> None:
        if step is Step.BEFORE_WRITE:
            _alter_dead_letter_topic(arena.settings, max_message_bytes=NO_ROOM)

    with suppress(StoreUnavailable):
        _serve(arena.settings, fill)
    _alter_dead_letter_topic(arena.settings, max_message_bytes="1048588")
    arena.recover()


def join_while_records_wait(arena: Arena) -> None:
    """A second member comes and goes while the first one has records that it hasn't written."""
    with arena.sending(a_few_hours(events=3_000, rate=300, seed=1)), _running_service(arena.settings):
        wait_until(lambda: arena.committed() > EVENTS, 60, what="ingest at work")
        for _ in range(2):
            with _running_service(arena.settings):
                wait_until(lambda: _members(arena.settings) == 2, 30, what="a second member")
                time.sleep(1)
    arena.recover()


def hold_change_rows_back(arena: Arena) -> None:
    """The change rows become visible 90 s late, behind the feed's mark."""
    _sent(arena)
    release = drain_with_changes_held_back(arena.settings)
    read_feed_past_it(arena.settings)
    release(90)
    arena.recover()


def crash_between_mark_and_rows(arena: Arena) -> None:
    """The first hour's run ends when its rows would be inserted."""
    _sent(arena)
    insert = hour_sink._insert
    crashed: list[Sequence[ReportRow]] = []

    def crash_once(cursor: Cursor, rows: Sequence[ReportRow]) -> None:
        if not crashed:
            crashed.append(rows)
            raise Crash
        insert(cursor, rows)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(hour_sink, "_insert", crash_once)
        arena.recover()


def report_an_hour_twice(arena: Arena) -> None:
    """Hours are reported, get more events, and are reported again."""
    arena.prepare(a_few_hours(events=EVENTS, seed=1))
    for parts in (2, 1):
        arena.send(parts=parts)
        with suppress(RunsFailed):
            arena.recover()


def overtake_a_run_before_it_publishes(arena: Arena) -> None:
    """A run has read its rows and stands still; events come, and another run reports all hours. Then it goes on."""
    arena.prepare(a_few_hours(events=EVENTS, seed=1))
    arena.send(parts=2)
    drain(arena.settings)
    _run_all_hours(arena.settings)

    def meanwhile() -> None:
        arena.send()
        drain(arena.settings)
        time.sleep(SKEW.total_seconds() + 0.1)
        _run_all_hours(arena.settings)

    _publish_slowly(arena.settings, meanwhile)


def _sent(arena: Arena) -> None:
    arena.prepare(a_few_hours(events=EVENTS, seed=1))
    arena.send()


def _serve(settings: Settings, at_step: AtStep) -> None:
    serve(settings, should_stop=lambda: False, targets=topic_ends(settings), connect=connect_with(at_step))


def _launch_together(patch: pytest.MonkeyPatch, *, records: int) -> None:
    """Ingest waits until it has read so many: a second micro-batch would publish its change, and that alone heals."""

    def has_all(self: Worker, *, more_may_follow: bool) -> bool:
        return len(self._buffer.records) == records

    patch.setattr(Worker, "_is_due", has_all)


def _serve_until_it_crashes(settings: Settings, at: Step) -> None:
    def crash(step: Step) -> None:
        if step is at:
            raise Crash

    with suppress(Crash):
        _serve(settings, crash)


@contextmanager
def _running_service(settings: Settings) -> Iterator[None]:
    """A member of the group in a thread, which stops in order when the block is left."""
    stop = threading.Event()
    thread = threading.Thread(target=partial(serve, settings, should_stop=stop.is_set))
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def _members(settings: Settings) -> int:
    with open_admin(settings) as admin:
        return group_members(admin, settings)


def _alter_dead_letter_topic(settings: Settings, **options: str) -> None:
    values = {name.replace("_", "."): value for name, value in options.items()}
    with open_admin(settings) as admin:
        admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, settings.dlq_topic, configs=values)])


def _run_all_hours(settings: Settings) -> None:
    """The three stages, as a run of these hours does them."""
    frames = CassandraFrames(SparkResource.of(settings).spark_session, settings)
    with open_session(settings) as session, open_report_database(settings) as database:
        for sink in (FilteredEvents, HourlyJobMetrics, MySqlReportSink):
            sink(session, database, frames).run(HOURS)


def _publish_slowly(settings: Settings, meanwhile: Callable[[], None]) -> None:
    """The last stage, which has its rows and its T before `meanwhile`, and publishes them after it."""

    class SlowTables(CassandraHourTables):
        def by_hour(self, rows: DataFrame) -> Iterator[tuple[datetime, Iterator[ReportRow]]]:
            read = [(hour, list(of_hour)) for hour, of_hour in super().by_hour(rows)]
            meanwhile()
            yield from ((hour, iter(of_hour)) for hour, of_hour in read)

    frames = CassandraFrames(SparkResource.of(settings).spark_session, settings)
    how = StoredHours(HOURLY_JOB_METRICS).derive(to_report, tally=tally_metrics)
    with open_session(settings) as session, open_report_database(settings) as database:
        tables, report = SlowTables(session, frames), MySqlReport(database)
        publish_hours(tables, report, how, hours=HOURS, run_id="a slow run")

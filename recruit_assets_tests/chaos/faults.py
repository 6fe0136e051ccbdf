"""Faults at an exact point inside this process: the same as a killed process or engine, but hit every time.

Each function sends events, causes its fault and lets the platform recover by itself. The caller runs the audit.
"""

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import partial

import pytest
from kafka.admin import ConfigResource, ConfigResourceType
from pymysql.cursors import Cursor

from recruit_assets.contract.tables import HOURLY_JOB_METRICS, MYSQL_REPORT
from recruit_assets.defs.resources import SparkResource
from recruit_assets.hours.planning import HOUR, SKEW
from recruit_assets.hours.ports import SqlRow
from recruit_assets.hours.replacement import begin_step, publish_hours, read_input
from recruit_assets.ingest.service import drain, serve, topic_ends
from recruit_assets.ingest.worker import Worker
from recruit_assets.runtime.errors import RunsFailed, StoreUnavailable
from recruit_assets.runtime.settings import Settings
from recruit_assets.stores.cassandra.batch_encoder import RawRow
from recruit_assets.stores.cassandra.event_writes import Done, EventWrites
from recruit_assets.stores.cassandra.hour_tables import CassandraHourStore
from recruit_assets.stores.cassandra.session import open_session
from recruit_assets.stores.kafka.clients import open_admin
from recruit_assets.stores.kafka.offsets import group_members
from recruit_assets.stores.mysql.connection import open_report_database
from recruit_assets.stores.mysql.hour_sink import MySqlHourSink
from recruit_assets.stores.spark.frames import CassandraFrames, stream_by_hour
from recruit_assets.transforms.hourly import to_report
from recruit_assets_tests.chaos.held_back import drain_with_changes_held_back, read_feed_past_it
from recruit_assets_tests.chaos.specs import START, a_few_hours
from recruit_assets_tests.support.ingest import AtStep, Step, connect_with
from recruit_assets_tests.support.scenario import Scenario
from recruit_assets_tests.support.table_harness import FilteredEvents, HourlyJobMetrics, MySqlReport
from recruit_assets_tests.support.waiting import wait_until

EVENTS = 300
HOURS = tuple(START + n * HOUR for n in range(-2, 3))
"""Every hour that an event of `a_few_hours` can belong to, late ones included."""
NO_ROOM = "200"
"""Bytes; every dead letter is larger."""


class Crash(Exception):
    """The process would end here."""


def crash_before_the_rows(scenario: Scenario) -> None:
    """Records were read, and ingest ends before it writes."""
    _sent(scenario)
    _serve_until_it_crashes(scenario.settings, Step.BEFORE_WRITE)
    scenario.recover()


def lose_a_batch_on_its_way(scenario: Scenario) -> None:
    """The first batch never reaches Cassandra, and the client sees a timeout."""
    _sent(scenario)
    send = EventWrites.send
    lost: list[RawRow] = []

    def lose_one(self: EventWrites, rows: Sequence[RawRow], *, done: Done) -> None:
        if not lost:
            lost.extend(rows)
            done(StoreUnavailable("timed out"))
        else:
            send(self, rows, done=done)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(EventWrites, "send", lose_one)
        drain(scenario.settings)
    assert lost
    scenario.recover()


def run_the_hours_before_their_rows(scenario: Scenario) -> None:
    """A run replaces all hours after ingest has read its records and before it writes them."""
    _sent(scenario)

    def run_hours(step: Step) -> None:
        if step is Step.BEFORE_WRITE:
            # else the hours would stay pending as too new
            time.sleep(SKEW.total_seconds() + 0.1)
            _run_all_hours(scenario.settings)

    with pytest.MonkeyPatch.context() as patch:
        _launch_together(patch, records=sum(topic_ends(scenario.settings).values()))
        _serve(scenario.settings, run_hours)
    scenario.recover()


def refuse_dead_letters_for_a_while(scenario: Scenario) -> None:
    """The dead letter topic rejects every record while ingest works, and accepts them again afterwards."""
    _sent(scenario)

    def fill(step: Step) -> None:
        if step is Step.BEFORE_WRITE:
            _alter_dead_letter_topic(scenario.settings, max_message_bytes=NO_ROOM)

    with suppress(StoreUnavailable):
        _serve(scenario.settings, fill)
    _alter_dead_letter_topic(scenario.settings, max_message_bytes="1048588")
    scenario.recover()


def join_while_records_wait(scenario: Scenario) -> None:
    """A second member joins and leaves while the first one holds records that it hasn't written."""
    with scenario.sending(a_few_hours(events=3_000, rate=300, seed=1)), _running_service(scenario.settings):
        wait_until(lambda: scenario.committed() > EVENTS, 60, what="ingest at work")
        for _ in range(2):
            with _running_service(scenario.settings):
                wait_until(lambda: _members(scenario.settings) == 2, 30, what="a second member")
                time.sleep(1)
    scenario.recover()


def hold_change_rows_back(scenario: Scenario) -> None:
    """The change rows become visible 90 s late, behind the feed's checkpoint."""
    _sent(scenario)
    release = drain_with_changes_held_back(scenario.settings)
    read_feed_past_it(scenario.settings)
    release(90)
    scenario.recover()


def crash_between_coverage_and_rows(scenario: Scenario) -> None:
    """The run of the first hour crashes just before its rows are inserted."""
    _sent(scenario)
    insert_rows = MySqlHourSink.insert_rows
    crashed: list[Sequence[SqlRow]] = []

    def crash_once(sink: MySqlHourSink, cursor: Cursor, rows: Sequence[SqlRow]) -> None:
        if not crashed:
            crashed.append(rows)
            raise Crash
        insert_rows(sink, cursor, rows)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(MySqlHourSink, "insert_rows", crash_once)
        scenario.recover()
    assert crashed


def report_an_hour_twice(scenario: Scenario) -> None:
    """Hours are reported, receive more events, and are reported again."""
    scenario.prepare(a_few_hours(events=EVENTS, seed=1))
    for parts in (2, 1):
        scenario.send(parts=parts)
        with suppress(RunsFailed):
            scenario.recover()


def overtake_a_run_before_it_publishes(scenario: Scenario) -> None:
    """A run pauses after reading its rows, another reports newer ones for all hours, then the first publishes."""
    scenario.prepare(a_few_hours(events=EVENTS, seed=1))
    scenario.send(parts=2)
    drain(scenario.settings)
    _run_all_hours(scenario.settings)

    def meanwhile() -> None:
        scenario.send()
        drain(scenario.settings)
        time.sleep(SKEW.total_seconds() + 0.1)
        _run_all_hours(scenario.settings)

    _publish_slowly(scenario.settings, meanwhile)


def _sent(scenario: Scenario) -> None:
    scenario.prepare(a_few_hours(events=EVENTS, seed=1))
    scenario.send()


def _serve(settings: Settings, at_step: AtStep) -> None:
    serve(settings, should_stop=lambda: False, targets=topic_ends(settings), connect=connect_with(at_step))


def _launch_together(patch: pytest.MonkeyPatch, *, records: int) -> None:
    """Ingest writes all records at once: a second write would notify the feed again, which alone heals the hour."""

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
    """A member of the group in a thread; it stops cleanly when the block ends."""
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
    """The three hourly steps, as a run of these hours does them."""
    frames = CassandraFrames(SparkResource.from_settings(settings).spark_session, settings)
    with open_session(settings) as session, open_report_database(settings) as database:
        for sink in (FilteredEvents, HourlyJobMetrics, MySqlReport):
            sink(session, database, frames).run(HOURS)


def _publish_slowly(settings: Settings, meanwhile: Callable[[], None]) -> None:
    """mysql_report of a run that has its T and its rows before `meanwhile`, and publishes them after it."""
    frames = CassandraFrames(SparkResource.from_settings(settings).spark_session, settings)
    with open_session(settings) as session, open_report_database(settings) as database:
        store, sink = CassandraHourStore(session, frames), MySqlHourSink(database, MYSQL_REPORT)
        step = begin_step(store, "a slow run", HOURS)
        rows = to_report(read_input(store, step, HOURLY_JOB_METRICS, HOURS)).select(*sink.columns)
        read = [(hour, list(of_hour)) for hour, of_hour in stream_by_hour(rows, MYSQL_REPORT.hour_of_row)]
        meanwhile()
        publish_hours(sink, ((hour, iter(of_hour)) for hour, of_hour in read), step, HOURS)

"""Runs killed, doubled and overtaken; backlogs and late events: the report ends as the ledger."""

from threading import Thread

import pytest
from kafka.structs import OffsetAndMetadata, TopicPartition
from pyspark.sql import SparkSession

from recruit_assets.errors import MissingCoverage
from recruit_assets.ingest.result import IngestResult
from recruit_assets.ingest.service import drain
from recruit_assets.pending import HOUR
from recruit_assets.settings import Settings
from recruit_assets.stores.cassandra import open_session
from recruit_assets.stores.kafka import open_admin
from recruit_assets.stores.mysql import open_report_database
from recruit_assets.stores.spark import CassandraFrames
from recruit_assets_tests.chaos.killings import RunStep, materialize_until_killed
from recruit_assets_tests.chaos.specs import START, a_few_hours
from recruit_assets_tests.support.arena import Arena
from recruit_assets_tests.support.sinks import FilteredEvents, HourlyJobMetrics, MySqlReportSink

KILLED = -9


@pytest.mark.timeout(600)
def test_a_run_killed_in_each_stage_is_finished_by_the_next(arena: Arena, seed: int, is_long: bool) -> None:
    arena.prepare(a_few_hours(events=900, seed=seed))

    for step in RunStep if is_long else [RunStep.IN_THE_TRANSACTION]:
        arena.send(parts=2)
        assert materialize_until_killed(arena.settings, step) == KILLED
    arena.send()
    arena.recover()

    arena.require_exact()


@pytest.mark.timeout(900)
def test_late_hostile_and_repeated_records_of_a_backlog_change_their_hours_and_nothing_else(
    arena: Arena, seed: int, is_long: bool
) -> None:
    """Ties, disorder, every typed reason and late events, after days off, before and after their hour was reported."""
    arena.prepare(a_few_hours(events=2_000, hours=170 if is_long else 25, seed=seed))
    for parts in (2, 1):
        arena.send(parts=parts)
        arena.recover()
    before = arena.report()

    again = drain_from_the_first_offset(arena.settings)
    arena.recover()

    assert again.records == 2_000
    assert arena.report() == before
    arena.require_exact()


def drain_from_the_first_offset(settings: Settings) -> IngestResult:
    """Everything is delivered again, as to a group that has lost its offsets."""
    with open_admin(settings) as admin:
        offsets = {TopicPartition(settings.kafka_topic, p): OffsetAndMetadata(0, "", -1) for p in range(4)}
        admin.alter_group_offsets(settings.kafka_group, offsets)
    return drain(settings)


def test_runs_of_the_same_hours_at_the_same_time_leave_the_newest_data(
    arena: Arena, seed: int, spark: SparkSession
) -> None:
    """As a sensor, a backfill and a second daemon would: without order, while events arrive."""
    arena.prepare(a_few_hours(events=900, seed=seed))
    runners = [Thread(target=run_over_and_over, args=(arena.settings, spark, 2)) for _ in range(2)]

    arena.send(parts=3)
    drain(arena.settings)
    for runner in runners:
        runner.start()
    arena.send(parts=2)
    drain(arena.settings)
    for runner in runners:
        runner.join(120)
    arena.send()
    arena.recover()

    arena.require_exact()


def run_over_and_over(settings: Settings, spark: SparkSession, times: int) -> None:
    """The three stages over all hours; a stage whose input another runner is replacing fails, as a run would."""
    hours = [START + n * HOUR for n in range(-2, 3)]
    frames = CassandraFrames(spark, settings)
    with open_session(settings) as session, open_report_database(settings) as database:
        for number in range(times):
            try:
                for sink in (FilteredEvents, HourlyJobMetrics, MySqlReportSink):
                    sink(session, database, frames).run(hours, run_id=f"{id(session)} {number}")
            except MissingCoverage:
                continue

"""Runs are killed, doubled and overtaken; backlogs and late events arrive: the report still equals the ledger."""

from concurrent.futures import ThreadPoolExecutor

import dagster as dg
import pytest
from dagster._core.storage.dagster_run import NOT_FINISHED_STATUSES
from kafka.structs import OffsetAndMetadata, TopicPartition

from recruit_assets.ingest.result import IngestResult
from recruit_assets.ingest.service import drain
from recruit_assets.runtime.settings import Settings
from recruit_assets.stores.kafka.clients import open_admin
from recruit_assets_tests.chaos.killings import RunStep, materialize_until_killed
from recruit_assets_tests.chaos.second_host import tick_and_run_elsewhere
from recruit_assets_tests.chaos.specs import a_few_hours
from recruit_assets_tests.support.scenario import Scenario

KILLED = -9


@pytest.mark.timeout(600)
def test_the_next_run_completes_one_that_was_killed_in_any_stage(scenario: Scenario, seed: int, is_long: bool) -> None:
    scenario.prepare(a_few_hours(events=900, seed=seed))

    for step in RunStep if is_long else [RunStep.RAW_EVENTS_WRITTEN, RunStep.IN_THE_TRANSACTION]:
        scenario.send(parts=2)
        assert materialize_until_killed(scenario.settings, step) == KILLED
    scenario.send()
    scenario.recover()

    scenario.require_exact()
    with dg.DagsterInstance.get() as instance:
        assert instance.get_runs_count(dg.RunsFilter(statuses=NOT_FINISHED_STATUSES)) == 0


@pytest.mark.timeout(600)
def test_two_sensors_with_their_runs_and_clocks_of_their_own_agree(scenario: Scenario, seed: int) -> None:
    """Two daemons on two machines request the same hours at once, while events arrive for them.

    One machine's clock is an hour ahead, the other's an hour behind.
    """
    scenario.prepare(a_few_hours(events=900, seed=seed))
    scenario.send(parts=3)
    drain(scenario.settings)

    with ThreadPoolExecutor(2) as pool:
        ends = pool.map(lambda off_s: tick_and_run_elsewhere(scenario.settings, off_s), (3_600, -3_600))
        scenario.send(parts=2)
        drain(scenario.settings)
        assert list(ends) == [0, 0]
    scenario.send()
    scenario.recover()

    scenario.require_exact()


@pytest.mark.timeout(900)
def test_late_hostile_and_repeated_records_of_a_backlog_change_their_hours_and_nothing_else(
    scenario: Scenario, seed: int, is_long: bool
) -> None:
    """Every kind of record arrives before and after its hour was reported, and then once more."""
    scenario.prepare(a_few_hours(events=2_000, hours=170 if is_long else 25, seed=seed))
    for parts in (2, 1):
        scenario.send(parts=parts)
        scenario.recover()
    before = scenario.report()

    again = drain_from_the_first_offset(scenario.settings)
    scenario.recover()

    assert again.records == 2_000
    assert scenario.report() == before
    scenario.require_exact()


def drain_from_the_first_offset(settings: Settings) -> IngestResult:
    """Drain everything again, like a group that has lost its offsets."""
    with open_admin(settings) as admin:
        offsets = {TopicPartition(settings.kafka_topic, p): OffsetAndMetadata(0, "", -1) for p in range(4)}
        admin.alter_group_offsets(settings.kafka_group, offsets)
    return drain(settings)

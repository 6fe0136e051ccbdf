"""Engines are killed while events flow and hours are computed: the report still ends exact."""

import time

import pytest

from recruit_assets.local.engines.engine import EngineName
from recruit_assets_tests.chaos.specs import a_few_hours
from recruit_assets_tests.support.ingest_process import service
from recruit_assets_tests.support.scenario import Scenario
from recruit_assets_tests.support.waiting import wait_until

RATE = 300
BUSY_S = 4


@pytest.mark.timeout(600)
@pytest.mark.parametrize("engine", [EngineName.KAFKA, EngineName.CASSANDRA])
def test_an_engine_killed_while_events_flow_comes_back_to_all_of_them(
    scenario: Scenario, seed: int, engine: EngineName
) -> None:
    with (
        service(scenario.settings, processes=1),
        scenario.sending(a_few_hours(events=RATE * BUSY_S * 2, rate=RATE, seed=seed)),
    ):
        wait_until(lambda: scenario.committed() > RATE, 60, what="ingest at work")
        scenario.engines.kill_one(engine)
        scenario.engines.start_one(engine)
        time.sleep(1)
    scenario.recover()

    scenario.require_exact()


@pytest.mark.timeout(600)
def test_a_report_database_killed_while_hours_are_published_is_taken_up_again(scenario: Scenario, seed: int) -> None:
    from recruit_assets_tests.chaos.killings import mysql_killed_in_a_transaction

    scenario.prepare(a_few_hours(events=1_000, seed=seed))
    scenario.send()

    with mysql_killed_in_a_transaction(scenario) as killed:
        scenario.recover()

    assert killed() == 1
    scenario.require_exact()


def test_the_answer_to_a_commit_that_never_comes_doubles_nothing(scenario: Scenario, seed: int) -> None:
    from recruit_assets_tests.chaos.commit_proxy import commits_without_an_answer

    scenario.prepare(a_few_hours(events=1_000, seed=seed))
    scenario.send()

    direct = scenario.settings
    with commits_without_an_answer(direct, first=3) as (scenario.settings, cut):
        scenario.recover()

    assert cut() == 3
    scenario.settings = direct
    scenario.require_exact()

"""Engines killed while events flow and hours are computed: what was acknowledged is there, and the rest comes later."""

import time

import pytest

from recruit_assets.local.engines.engine import EngineName
from recruit_assets_tests.chaos.specs import a_few_hours
from recruit_assets_tests.support.ingest_process import service
from recruit_assets_tests.support.scenario import Arena
from recruit_assets_tests.support.waiting import wait_until

RATE = 300
BUSY_S = 4


@pytest.mark.timeout(600)
@pytest.mark.parametrize("engine", [EngineName.KAFKA, EngineName.CASSANDRA])
def test_an_engine_killed_while_events_flow_comes_back_to_all_of_them(
    arena: Arena, seed: int, engine: EngineName
) -> None:
    with (
        service(arena.settings, processes=1),
        arena.sending(a_few_hours(events=RATE * BUSY_S * 2, rate=RATE, seed=seed)),
    ):
        wait_until(lambda: arena.committed() > RATE, 60, what="ingest at work")
        arena.engines.kill_one(engine)
        arena.engines.start_one(engine)
        time.sleep(1)
    arena.recover()

    arena.require_exact()


@pytest.mark.timeout(600)
def test_a_report_database_killed_while_hours_are_published_is_taken_up_again(arena: Arena, seed: int) -> None:
    from recruit_assets_tests.chaos.killings import mysql_killed_in_a_transaction

    arena.prepare(a_few_hours(events=1_000, seed=seed))
    arena.send()

    with mysql_killed_in_a_transaction(arena) as killed:
        arena.recover()

    assert killed() == 1
    arena.require_exact()


def test_the_answer_to_a_commit_that_never_comes_doubles_nothing(arena: Arena, seed: int) -> None:
    from recruit_assets_tests.chaos.commit_proxy import commits_without_an_answer

    arena.prepare(a_few_hours(events=1_000, seed=seed))
    arena.send()

    with commits_without_an_answer(arena.settings, first=3) as (settings, cut):
        arena.settings = settings
        arena.recover()

    assert cut() == 3
    arena.require_exact()

"""Ingest is killed between its steps, and members join and leave: every record is counted once."""

import random
import subprocess
import time
from typing import TypeAlias

import pytest

from recruit_assets_tests.chaos.specs import a_few_hours
from recruit_assets_tests.support.ingest import Step
from recruit_assets_tests.support.ingest_process import consumers, ingest_until_killed, service
from recruit_assets_tests.support.scenario import Scenario
from recruit_assets_tests.support.waiting import wait_until

KILLED = -9
Process: TypeAlias = "subprocess.Popen[bytes]"


def test_ingest_killed_at_every_step_loses_and_invents_nothing(scenario: Scenario, seed: int) -> None:
    scenario.prepare(a_few_hours(events=1_500, seed=seed))

    for left, step in zip(range(len(Step) + 1, 1, -1), Step, strict=True):
        scenario.send(parts=left)
        assert ingest_until_killed(scenario.settings, step) == KILLED
    scenario.send()
    scenario.recover()

    scenario.require_exact()


@pytest.mark.timeout(600)
def test_processes_that_join_leave_and_die_in_mid_batch_share_the_work(
    scenario: Scenario, seed: int, is_long: bool
) -> None:
    """A rebalance with batches in flight is where records are lost or counted twice."""
    chance = random.Random(seed)
    rounds = 5 if is_long else 1
    load = a_few_hours(events=300 * 12 * rounds, rate=300, seed=seed)

    with scenario.sending(load), service(scenario.settings, processes=2) as steady:
        for incident in chance.sample(INCIDENTS, len(INCIDENTS)) * rounds:
            with service(scenario.settings, processes=1) as guest:
                time.sleep(chance.uniform(2, 5))
                incident(steady, guest)
    scenario.recover()

    scenario.require_exact()


def a_guest_stops(_: Process, guest: Process) -> None:
    guest.terminate()
    guest.wait(60)


def a_guest_dies(_: Process, guest: Process) -> None:
    guest.kill()


def a_steady_consumer_dies(steady: Process, _: Process) -> None:
    wait_until(lambda: consumers(steady), 30, what="a consumer to kill")
    consumers(steady)[0].kill()


INCIDENTS = (a_guest_stops, a_guest_dies, a_steady_consumer_dies)


def test_a_change_row_that_comes_90_s_late_is_found(scenario: Scenario, seed: int) -> None:
    """The writer paused between the events and their change row, and the feed was read past that time."""
    from recruit_assets_tests.chaos.held_back import drain_with_changes_held_back, read_feed_past_it

    scenario.prepare(a_few_hours(events=600, seed=seed))
    scenario.send()

    release = drain_with_changes_held_back(scenario.settings)
    assert read_feed_past_it(scenario.settings) == 0
    release(90)
    scenario.recover()

    scenario.require_exact()
    wait_until(lambda: scenario.committed() == 600, 10, what="the commit")

"""Ingest killed between its steps, joined and left: every record is counted once."""

import random
import subprocess
import time
from contextlib import ExitStack

import pytest

from recruit_assets_tests.chaos.specs import a_few_hours
from recruit_assets_tests.support.ingest import Step
from recruit_assets_tests.support.ingest_process import consumers, ingest_until_killed, service
from recruit_assets_tests.support.scenario import Arena
from recruit_assets_tests.support.waiting import wait_until

KILLED = -9


def test_ingest_killed_at_every_step_loses_and_invents_nothing(arena: Arena, seed: int) -> None:
    arena.prepare(a_few_hours(events=1_500, seed=seed))

    for left, step in zip(range(len(Step) + 1, 1, -1), Step, strict=True):
        arena.send(parts=left)
        assert ingest_until_killed(arena.settings, step) == KILLED
    arena.send()
    arena.recover()

    arena.require_exact()


@pytest.mark.timeout(600)
def test_processes_that_join_leave_and_die_in_mid_batch_share_the_work(arena: Arena, seed: int, is_long: bool) -> None:
    """A rebalance with batches in flight is what broke most systems."""
    chance = random.Random(seed)
    seconds = 60 if is_long else 10

    with ExitStack() as stack, arena.sending(a_few_hours(events=300 * seconds, rate=300, seed=seed)):
        steady = stack.enter_context(service(arena.settings, processes=2))
        ends = time.monotonic() + seconds
        while time.monotonic() < ends:
            with service(arena.settings, processes=1) as guest:
                time.sleep(chance.uniform(2, 5))
                harm(chance, steady, guest)
    arena.recover()

    arena.require_exact()


def harm(chance: random.Random, steady: "subprocess.Popen[bytes]", guest: "subprocess.Popen[bytes]") -> None:
    """The guest leaves, in order or not, or one of the others dies."""
    kind = chance.choice(["guest stops", "guest dies", "steady dies"])
    if kind == "guest stops":
        guest.terminate()
        guest.wait(60)
    elif kind == "guest dies":
        guest.kill()
    elif others := consumers(steady):
        chance.choice(others).kill()


def test_a_change_row_that_comes_90_s_late_is_found(arena: Arena, seed: int) -> None:
    """Between the events and their change row the writer stood still, and the feed was read past it."""
    from recruit_assets_tests.chaos.held_back import drain_with_changes_held_back, read_feed_past_it

    arena.prepare(a_few_hours(events=600, seed=seed))
    arena.send()

    release = drain_with_changes_held_back(arena.settings)
    assert read_feed_past_it(arena.settings) == 0
    release(90)
    arena.recover()

    arena.require_exact()
    wait_until(lambda: arena.committed() == 600, 10, what="the commit")

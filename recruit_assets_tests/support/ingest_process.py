"""`recruit-assets ingest` as real processes: started as a user would, and killed."""

import multiprocessing
import os
import signal
import subprocess
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import psutil
from kafka.admin import MemberToRemove

from recruit_assets.defs.launcher.forkserver import PRELOADED
from recruit_assets.ingest.service import serve, topic_ends
from recruit_assets.runtime.settings import Settings, as_environment
from recruit_assets.stores.kafka.clients import open_admin
from recruit_assets_tests.support.command import RECRUIT_ASSETS
from recruit_assets_tests.support.ingest import Step, connect_with


@contextmanager
def service(settings: Settings, *arguments: str, processes: int = 2) -> Iterator["subprocess.Popen[bytes]"]:
    """`recruit-assets ingest` as a user starts it, stopped by SIGTERM when the block ends and killed after an error."""
    environment = dict(as_environment(settings)) | {"RECRUIT_INGEST_PROCESSES": str(processes)}
    parent = subprocess.Popen([*RECRUIT_ASSETS, "ingest", *arguments], env=environment, cwd=Path.cwd())
    try:
        yield parent
        parent.terminate()
        parent.wait(60)
    finally:
        if parent.poll() is None:
            for child in psutil.Process(parent.pid).children(recursive=True):
                child.kill()
            parent.kill()
            parent.wait()


def consumers(parent: "subprocess.Popen[bytes]") -> list[psutil.Process]:
    """The consumer processes, without multiprocessing's resource tracker."""
    children = psutil.Process(parent.pid).children()
    return [child for child in children if "spawn_main" in " ".join(child.cmdline())]


def ingest_until_killed(settings: Settings, step: Step) -> int:
    """Drain the topic in a process that kills itself at the step; returns its exit code."""
    code = exit_code_of(_drain_and_die, settings, step, timeout_s=60)
    remove_dead_members(settings)
    return code


def remove_dead_members(settings: Settings) -> None:
    """Remove all members, all of them dead, from the group. Kafka would do so only after 15 s."""
    with open_admin(settings) as admin:
        group = admin.describe_groups([settings.kafka_group])[settings.kafka_group]
        dead = [MemberToRemove(member["member_id"]) for member in group["members"]]
        if dead:
            admin.remove_group_members(settings.kafka_group, dead)


def exit_code_of(work: Callable[..., object], *arguments: object, timeout_s: float) -> int:
    """Call it in a process of its own and return that process's exit code; AssertionError if it takes too long.

    The process is forked from one that has imported everything: a new interpreter takes 2 s of a processor for that.
    """
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([*PRELOADED])
    process = context.Process(target=_with_environment, args=(dict(os.environ), work, arguments))
    process.start()
    process.join(timeout_s)
    if process.exitcode is None:
        process.kill()
        process.join()
        raise AssertionError(f"{work.__name__} didn't end within {timeout_s} s")
    return process.exitcode


def _with_environment(environment: Mapping[str, str], work: Callable[..., object], arguments: Iterable[object]) -> None:
    """Call it with these variables in place of those that the fork server was started with."""
    os.environ.clear()
    os.environ.update(environment)
    work(*arguments)


def _drain_and_die(settings: Settings, step: Step) -> None:
    def die(reached: Step) -> None:
        if reached is step:
            os.kill(os.getpid(), signal.SIGKILL)

    serve(settings, should_stop=lambda: False, targets=topic_ends(settings), connect=connect_with(die))

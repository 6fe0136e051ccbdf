"""Services are restarted when they die, and leave no process behind."""

import os
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from recruit_assets.local import supervisor
from recruit_assets.local.supervisor import Service, Supervisor
from recruit_assets_tests.support.waiting import wait_until

SLEEPS = "import time; print('working', flush=True); time.sleep(600)"
DIES = "print('no such broker'); raise SystemExit(3)"
WITH_CHILD = (
    "import subprocess, sys, time; child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)']); "
    "print(child.pid, flush=True); time.sleep(600)"
)
DEAF = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('deaf', flush=True); time.sleep(600)"
Start = Callable[[str], Supervisor]


def a_service(name: str, code: str) -> Service:
    return Service(name, [sys.executable, "-c", code], os.environ)


@pytest.fixture
def lines() -> list[str]:
    return []


@pytest.fixture
def start(tmp_path: Path, lines: list[str], monkeypatch: pytest.MonkeyPatch) -> Iterator[Start]:
    """Starts a supervisor with one service that runs this program."""
    monkeypatch.setattr(supervisor, "FIRST_RESTART_S", 0.0)
    monkeypatch.setattr(supervisor, "STOP_TIMEOUT_S", 1.0)
    started: list[Supervisor] = []

    def one(code: str) -> Supervisor:
        running = Supervisor([a_service("one", code)], tmp_path, lines.append).__enter__()
        started.append(running)
        return running

    yield one
    for running in started:
        running.__exit__()


def watch_until(running: Supervisor, condition: Callable[[], object]) -> None:
    def watched() -> object:
        running.watch()
        return condition()

    wait_until(watched, 20)


def printed(tmp_path: Path) -> str:
    return (tmp_path / "one.log").read_text()


def test_a_killed_service_is_restarted(start: Start, lines: list[str]) -> None:
    running = start(SLEEPS)
    first = running.pids()["one"]

    os.kill(first, signal.SIGKILL)
    watch_until(running, lambda: running.pids().get("one", first) != first)

    assert "one was killed by signal 9" in lines[0]


def test_a_death_is_reported_with_the_last_lines_of_the_log(start: Start, lines: list[str], tmp_path: Path) -> None:
    running = start(DIES)

    watch_until(running, lambda: lines)

    assert "one ended with exit code 3" in lines[0]
    assert str(tmp_path / "one.log") in lines[0]
    assert "no such broker" in lines[0]


def test_the_pause_before_a_restart_doubles_each_time(
    start: Start, lines: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supervisor, "FIRST_RESTART_S", 0.1)
    running = start(DIES)

    watch_until(running, lambda: len(lines) == 3)

    assert [line.partition("restarting in ")[2].partition(";")[0] for line in lines] == ["0.1 s", "0.2 s", "0.4 s"]


def test_the_children_of_a_service_end_with_it(start: Start, tmp_path: Path) -> None:
    """Dagster's run processes must not continue after `up` was stopped."""
    running = start(WITH_CHILD)
    wait_until(lambda: printed(tmp_path).strip(), 10)
    parent, child = running.pids()["one"], int(printed(tmp_path))

    running.__exit__()

    assert not psutil.pid_exists(parent)
    wait_until(lambda: not psutil.pid_exists(child), 5, what="the end of the service's child")


def test_a_service_that_ignores_sigterm_is_killed(start: Start, lines: list[str], tmp_path: Path) -> None:
    running = start(DEAF)
    wait_until(lambda: "deaf" in printed(tmp_path), 10)
    pid = running.pids()["one"]

    running.__exit__()

    assert not psutil.pid_exists(pid)
    assert lines[-1] == "one didn't end within 1 s, killing it"

"""One engine's process, through everything that can happen to it; the engine is a small Python program."""

import errno
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import psutil
import pytest

from recruit_assets.local.engines import engine_process as engine_process_module
from recruit_assets.local.engines.engine import EngineState
from recruit_assets.local.engines.engine_process import EngineProcess
from recruit_assets.local.engines.processes import ProcessRecord, identify, read_record
from recruit_assets.runtime.errors import StoreUnavailable, UserError
from recruit_assets_tests.support.fake_engine import DEAF, FakeEngine
from recruit_assets_tests.support.waiting import wait_until

Make = Callable[..., EngineProcess]


@pytest.fixture
def said() -> list[str]:
    return []


@pytest.fixture
def make(tmp_path: Path) -> Iterator[Make]:
    """Supervisors of one engine, whose process doesn't outlive the test."""

    def build(script: str | None = None, ports: dict[str, int] | None = None) -> EngineProcess:
        engine = FakeEngine(tmp_path)
        engine = replace(engine, script=script) if script is not None else engine
        return EngineProcess(replace(engine, ports=ports) if ports else engine)

    yield build
    build().kill()


def started(supervisor: EngineProcess, said: list[str]) -> int:
    """Start it and give its pid."""
    supervisor.spawn(said.append)
    supervisor.wait_ready(said.append)
    pid = supervisor.status().pid
    assert pid is not None
    return pid


def test_a_started_engine_runs_and_has_a_session_of_its_own(make: Make, said: list[str]) -> None:
    """In this terminal's session its Ctrl-C would end the engine."""
    pid = started(make(), said)

    assert make().status().state is EngineState.RUNNING
    assert os.getsid(pid) == pid
    assert said == ["kafka: starting", "kafka: ready"]


def test_a_running_engine_is_left_alone(make: Make, said: list[str]) -> None:
    started(make(), said)
    said.clear()

    assert make().is_running(said.append)
    assert said == []


def test_a_stopped_engine_has_no_process_and_no_record(make: Make, said: list[str]) -> None:
    pid = started(make(), said)

    make().ask_to_end(said.append)
    make().wait_gone(said.append)

    assert not psutil.pid_exists(pid)
    assert make().status().state is EngineState.STOPPED


def test_an_engine_on_a_full_disk_says_so_and_can_be_stopped(
    make: Make, said: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_room(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    pid = started(make(), said)
    monkeypatch.setattr("shutil.disk_usage", lambda _: SimpleNamespace(free=100_000))
    monkeypatch.setattr(ProcessRecord, "write", no_room)

    assert make().status().note == "its disk is full (0.1 MB free): make room"
    make().ask_to_end(said.append)
    make().wait_gone(said.append)
    assert not psutil.pid_exists(pid)


def test_an_engine_that_does_not_hear_is_killed(make: Make, said: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine_process_module, "STOP_TIMEOUT_S", 0.2)
    pid = started(make(DEAF), said)

    make().ask_to_end(said.append)
    make().wait_gone(said.append)

    assert not psutil.pid_exists(pid)
    assert said[-1] == "kafka: didn't end within 0.2 s, so it is killed"


def test_a_killed_engine_is_dead_and_its_end_is_said(make: Make, said: list[str]) -> None:
    pid = started(make(), said)

    make().signal(signal.SIGKILL)

    assert make().status().state is EngineState.DEAD
    assert not make().is_running(said.append)
    assert said[-1] == f"kafka: its process {pid} had died, see {make().log}"


def test_a_dead_engines_cause_is_part_of_its_status(make: Make, said: list[str]) -> None:
    started(make("print('No space left on device', flush=True); READY; import signal; signal.pause()"), said)
    wait_until(lambda: make().log.read_text() != "", 10, what="the log to be written")

    make().signal(signal.SIGKILL)

    assert make().status().note == "the disk is full: make room, then start again"


def test_a_stale_record_is_noticed_and_the_stranger_left_alone(make: Make, said: list[str]) -> None:
    """The engine died and its pid went to another program, here to this one."""
    this = identify(os.getpid())
    replace(this, start_ticks=this.start_ticks - 1).write(make().engine.folder / "process.json")

    assert not make().is_running(said.append)
    make().ask_to_end(said.append)
    make().wait_gone(said.append)

    assert f"pid {os.getpid()} is {psutil.Process().name()} now and is left alone" in said[0]
    assert make().status().state is EngineState.STOPPED


def test_an_engine_whose_record_was_lost_is_found_again(make: Make, said: list[str]) -> None:
    """Two of it would write the same data."""
    pid = started(make(), said)
    record_file = make().engine.folder / "process.json"
    record_file.unlink()

    assert make().is_running(said.append)
    assert read_record(record_file) == identify(pid)
    assert said[-1] == f"kafka: its process {pid} runs, but the record of it was lost; recorded again"


def test_a_program_that_only_reads_the_engines_log_is_not_taken_for_it(make: Make) -> None:
    make().log.touch()
    with subprocess.Popen([sys.executable, "-c", "import signal; signal.pause()", str(make().log)]) as reader:
        found = make().process()
        reader.kill()

    assert found is None


def test_a_paused_engine_is_shown_and_goes_on_when_started(make: Make, said: list[str]) -> None:
    pid = started(make(), said)
    make().signal(signal.SIGSTOP)
    wait_until(lambda: make().status().state is EngineState.PAUSED, 10, what="the pause")

    assert make().is_running(said.append)

    wait_until(lambda: psutil.Process(pid).status() != psutil.STATUS_STOPPED, 10, what="the resumption")
    assert said[-1] == "kafka: was paused, goes on"


def test_a_paused_engine_can_be_stopped(make: Make, said: list[str]) -> None:
    pid = started(make(), said)
    make().signal(signal.SIGSTOP)

    make().ask_to_end(said.append)
    make().wait_gone(said.append)

    assert not psutil.pid_exists(pid)


def test_an_engine_that_ends_while_starting_shows_its_last_lines(make: Make, said: list[str]) -> None:
    with pytest.raises(StoreUnavailable, match=r"(?s)kafka ended while it started.*bad configuration.*whole log is"):
        started(make("import sys; sys.exit('bad configuration')\nREADY"), said)


def test_an_engine_that_never_answers_is_an_error_in_the_end(
    make: Make, said: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine_process_module, "READY_TIMEOUT_S", 0.2)

    with pytest.raises(StoreUnavailable, match=r"kafka runs, but didn't answer for 0\.2 s"):
        started(make("import signal; signal.pause()\nREADY"), said)


def test_only_the_present_runs_log_explains_a_failure(make: Make, said: list[str]) -> None:
    make().log.write_text("No space left on device\n")

    started(make(), said)

    assert "No space" not in make().log.read_text()
    assert (make().engine.folder / "log.previous").read_text() == "No space left on device\n"


def test_a_program_that_cannot_be_run_is_one_clear_error(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/nowhere/python")

    with pytest.raises(UserError, match=r"kafka can't be started: .*/nowhere/python"):
        make().spawn(print)


def test_nothing_can_be_sent_to_an_engine_that_does_not_run(make: Make) -> None:
    with pytest.raises(UserError, match="kafka isn't running"):
        make().signal(signal.SIGSTOP)

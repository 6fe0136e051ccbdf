"""What can happen to an engine's process; the engine is a small Python program."""

import errno
import os
import shutil
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
def lines() -> list[str]:
    return []


@pytest.fixture
def make(tmp_path: Path) -> Iterator[Make]:
    """Creates an EngineProcess of the same engine each time; its process ends with the test."""

    def build(script: str | None = None, ports: dict[str, int] | None = None) -> EngineProcess:
        engine = FakeEngine(tmp_path)
        engine = replace(engine, script=script) if script is not None else engine
        return EngineProcess(replace(engine, ports=ports) if ports else engine)

    yield build
    build().kill()


def started(engine: EngineProcess, lines: list[str]) -> int:
    """Start the engine and return its pid."""
    engine.spawn(lines.append)
    engine.wait_ready(lines.append)
    pid = engine.status().pid
    assert pid is not None
    return pid


def test_a_started_engine_has_its_own_session(make: Make, lines: list[str]) -> None:
    """In the terminal's session, Ctrl-C would end the engine."""
    pid = started(make(), lines)

    assert make().status().state is EngineState.RUNNING
    assert os.getsid(pid) == pid
    assert lines == ["kafka: starting", "kafka: ready"]


def test_a_running_engine_is_left_alone(make: Make, lines: list[str]) -> None:
    started(make(), lines)
    lines.clear()

    assert make().is_running(lines.append)
    assert lines == []


def test_a_stopped_engine_has_no_process_and_no_record(make: Make, lines: list[str]) -> None:
    pid = started(make(), lines)

    make().terminate(lines.append)
    make().wait_gone(lines.append)

    assert not psutil.pid_exists(pid)
    assert make().status().state is EngineState.STOPPED


def test_an_engine_on_a_full_disk_has_a_note_and_can_be_stopped(
    make: Make, lines: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_room(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    pid = started(make(), lines)
    monkeypatch.setattr("shutil.disk_usage", lambda _: SimpleNamespace(free=100_000))
    monkeypatch.setattr(ProcessRecord, "write", no_room)

    assert make().status().note == "the disk is full (0.1 MB free): make room"
    make().terminate(lines.append)
    make().wait_gone(lines.append)
    assert not psutil.pid_exists(pid)


def test_an_engine_that_ignores_sigterm_is_killed(
    make: Make, lines: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine_process_module, "STOP_TIMEOUT_S", 0.2)
    pid = started(make(DEAF), lines)

    make().terminate(lines.append)
    make().wait_gone(lines.append)

    assert not psutil.pid_exists(pid)
    assert lines[-1] == "kafka: didn't end within 0.2 s, killing it"


def test_a_killed_engine_is_dead_and_its_death_is_reported(make: Make, lines: list[str]) -> None:
    pid = started(make(), lines)

    make().signal(signal.SIGKILL)

    assert make().status().state is EngineState.DEAD
    assert not make().is_running(lines.append)
    assert lines[-1] == f"kafka: its process {pid} had died, see {make().log}"


def test_the_status_of_a_dead_engine_names_the_cause(make: Make, lines: list[str]) -> None:
    started(make("print('No space left on device', flush=True); READY; import signal; signal.pause()"), lines)
    wait_until(lambda: make().log.read_text() != "", 10, what="the log to be written")

    make().signal(signal.SIGKILL)

    assert make().status().note == "the disk is full: make room, then start again"


def test_a_stale_record_is_reported_and_stops_no_other_program(make: Make, lines: list[str]) -> None:
    """The engine died, and its pid now belongs to another program: this test."""
    this = identify(os.getpid())
    replace(this, start_ticks=this.start_ticks - 1).write(make().engine.folder / "process.json")

    assert not make().is_running(lines.append)
    make().terminate(lines.append)
    make().wait_gone(lines.append)

    assert f"pid {os.getpid()} now belongs to {psutil.Process().name()}" in lines[0]
    assert make().status().state is EngineState.STOPPED


def test_an_engine_whose_record_was_lost_is_found(make: Make, lines: list[str]) -> None:
    """A second process would write to the same data."""
    pid = started(make(), lines)
    record_file = make().engine.folder / "process.json"
    record_file.unlink()

    assert make().is_running(lines.append)
    assert read_record(record_file) == identify(pid)
    assert lines[-1] == f"kafka: found its process {pid}, whose record was lost"


def test_a_copied_record_names_no_process_of_the_copy(make: Make, lines: list[str], tmp_path: Path) -> None:
    """Somebody has copied the state directory while the engines ran."""
    pid = started(make(), lines)
    copy = EngineProcess(FakeEngine(tmp_path / "copy"))
    copy.engine.folder.mkdir()
    shutil.copy(make().engine.folder / "process.json", copy.engine.folder)

    assert not copy.is_running(lines.append)
    copy.terminate(lines.append)
    copy.wait_gone(lines.append)
    copy.kill()

    assert make().status().pid == pid
    assert copy.status().state is EngineState.STOPPED


def test_a_program_that_reads_the_engines_log_isnt_mistaken_for_the_engine(make: Make) -> None:
    make().log.touch()
    with subprocess.Popen([sys.executable, "-c", "import signal; signal.pause()", str(make().log)]) as reader:
        found = make().process()
        reader.kill()

    assert found is None


def test_starting_a_paused_engine_resumes_it(make: Make, lines: list[str]) -> None:
    pid = started(make(), lines)
    make().signal(signal.SIGSTOP)
    wait_until(lambda: make().status().state is EngineState.PAUSED, 10, what="the pause")

    assert make().is_running(lines.append)

    wait_until(lambda: psutil.Process(pid).status() != psutil.STATUS_STOPPED, 10, what="the resumption")
    assert lines[-1] == "kafka: was paused, resuming it"


def test_a_paused_engine_can_be_stopped(make: Make, lines: list[str]) -> None:
    pid = started(make(), lines)
    make().signal(signal.SIGSTOP)

    make().terminate(lines.append)
    make().wait_gone(lines.append)

    assert not psutil.pid_exists(pid)


def test_an_engine_that_dies_while_starting_is_an_error_with_its_last_lines(make: Make, lines: list[str]) -> None:
    with pytest.raises(StoreUnavailable, match=r"(?s)kafka died while starting.*bad configuration.*full log is"):
        started(make("import sys; sys.exit('bad configuration')\nREADY"), lines)


def test_an_engine_that_dies_of_something_the_user_can_mend_is_a_user_error(make: Make, lines: list[str]) -> None:
    with pytest.raises(UserError, match=r"kafka died while starting: the disk is full: make room.* The full log is"):
        started(make("import sys; sys.exit('No space left on device')\nREADY"), lines)


def test_an_engine_that_never_answers_is_an_error(
    make: Make, lines: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine_process_module, "READY_TIMEOUT_S", 0.2)

    with pytest.raises(StoreUnavailable, match=r"kafka is running but hasn't answered for 0\.2 s"):
        started(make("import signal; signal.pause()\nREADY"), lines)


def test_each_start_begins_a_new_log(make: Make, lines: list[str]) -> None:
    make().log.write_text("No space left on device\n")

    started(make(), lines)

    assert "No space" not in make().log.read_text()
    assert (make().engine.folder / "log.previous").read_text() == "No space left on device\n"


def test_a_missing_program_is_a_user_error(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/nowhere/python")

    with pytest.raises(UserError, match=r"can't start kafka: .*/nowhere/python"):
        make().spawn(print)


def test_signalling_a_stopped_engine_is_an_error(make: Make) -> None:
    with pytest.raises(UserError, match="kafka isn't running"):
        make().signal(signal.SIGSTOP)

"""How the console script ends: by a signal, and with one line where something of the machine is wrong."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from recruit_assets.cli.main import main
from recruit_assets.runtime.signals import ENDING
from recruit_assets_tests.support.command import RECRUIT_ASSETS


@pytest.mark.parametrize("ending", ENDING)
def test_a_signal_unwinds_the_command_and_ends_it_with_130(
    ending: signal.Signals, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """SIGTERM would otherwise end it on the spot: engines stay, files are half written."""
    unwound = []

    def apply_accounts(*_: object) -> None:
        try:
            signal.raise_signal(ending)
        finally:
            unwound.append(True)

    monkeypatch.setattr("recruit_assets.stores.mysql.accounts.apply_accounts", apply_accounts)
    monkeypatch.setattr(sys, "argv", ["recruit-assets", "accounts", "apply"])

    with pytest.raises(SystemExit) as end:
        main()

    assert (end.value.code, unwound) == (130, [True])
    assert "Traceback" not in capsys.readouterr().err


def run(*arguments: str, **variables: str) -> "subprocess.CompletedProcess[str]":
    there = os.environ | variables
    command = [*RECRUIT_ASSETS, *arguments]
    return subprocess.run(command, env=there, capture_output=True, text=True, check=False, timeout=60)


@pytest.mark.parametrize(
    ("command", "prepare", "line"),
    [
        ("engines status", "mkdir engines; printf '{\"kafka\"' > engines/ports.json", "ports.json is damaged"),
        ("audit", "printf '{' > endpoints.json", "endpoints.json is damaged: remove it, then run"),
        ("audit", "head -c 99 /dev/urandom > endpoints.json", "endpoints.json is damaged"),
        ("engines start", "rmdir $PWD; touch $PWD", "can't write to the state directory"),
        ("up", "rmdir $PWD; touch $PWD", "can't lock"),
    ],
)
def test_a_damaged_state_directory_is_one_line(command: str, prepare: str, line: str, tmp_path: Path) -> None:
    (tmp_path / "state").mkdir()
    subprocess.run(["/bin/sh", "-c", prepare], cwd=tmp_path / "state", check=True)

    done = run(*command.split(), RECRUIT_STATE_DIR=str(tmp_path / "state"))

    assert (done.returncode, done.stderr.count("\n")) == (2, 1), done.stderr
    assert line in done.stderr


@pytest.mark.parametrize(
    ("variables", "line"),
    [
        ({"RECRUIT_CACHE_DIR": "~nobody-by-this-name/cache"}, "Invalid setting: RECRUIT_CACHE_DIR"),
        ({"RECRUIT_STATE_DIR": "/tmp/" + "long/" * 900}, "File name too long"),
        ({"TMPDIR": "t" * 90}, "too long for sockets in it"),
        ({"PYTHONOPTIMIZE": "2"}, "PYTHONOPTIMIZE=2 removes docstrings"),
    ],
)
def test_a_variable_that_cant_work_is_one_line(variables: dict[str, str], line: str, tmp_path: Path) -> None:
    if "TMPDIR" in variables:
        (tmp_path / variables["TMPDIR"]).mkdir()
        variables = {"TMPDIR": str(tmp_path / variables["TMPDIR"])}

    done = run("up", **{"RECRUIT_STATE_DIR": str(tmp_path)} | variables)

    assert (done.returncode, done.stderr.count("\n")) == (2, 1), done.stderr
    assert line in done.stderr

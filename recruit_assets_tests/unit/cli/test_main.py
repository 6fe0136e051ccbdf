"""What is wrong with a machine is one line that names it, and exit code 2."""

import os
import subprocess
from pathlib import Path

import pytest

from recruit_assets_tests.support.command import RECRUIT_ASSETS


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

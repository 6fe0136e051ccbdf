"""A Dagster home that can't be used is named in one line."""

import os
from pathlib import Path

import pytest

from recruit_assets.runtime.errors import UserError
from recruit_assets.runtime.settings import load_settings
from recruit_assets.stores.dagster.instance import HOME_VARIABLE, ensure_dagster_home, open_instance


@pytest.mark.parametrize(
    ("file", "content"),
    [("history/runs.db", "no database"), ("dagster.yaml", "run_launcher: ["), ("dagster.yaml", "x: 1")],
)
def test_a_damaged_home_is_named(file: str, content: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(HOME_VARIABLE, str(tmp_path))
    (tmp_path / file).parent.mkdir(exist_ok=True)
    (tmp_path / file).write_text(content)

    with (
        pytest.raises(UserError, match=f"^Dagster's home {tmp_path} can't be used: [^\\n]+$"),
        open_instance(load_settings()),
    ):
        pass


def test_a_home_that_dagster_would_take_for_a_pattern_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """It would ignore the dagster.yaml in it."""
    monkeypatch.setenv(HOME_VARIABLE, "/somewhere/[x]")

    with pytest.raises(UserError, match=r"DAGSTER_HOME: /somewhere/\[x\] can't be used: '\[' makes it a pattern"):
        ensure_dagster_home(load_settings())


def test_a_relative_home_becomes_absolute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Dagster refuses any other."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv(HOME_VARIABLE, "home")

    assert ensure_dagster_home(load_settings()) == tmp_path / "home"
    assert os.environ[HOME_VARIABLE] == str(tmp_path / "home")

"""The private parts of Dagster's web server that our checks are built on."""

from importlib.metadata import version
from pathlib import Path

import pytest

from recruit_assets.defs.webserver.compat import CHECKED_WITH, load_target


def test_it_was_checked_with_the_installed_version() -> None:
    """`test_access.py` shows whether the checks still hold."""
    assert {name: version(name) for name in CHECKED_WITH} == CHECKED_WITH


def test_without_a_workspace_it_serves_our_code_and_not_that_of_the_current_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A workspace.yaml names code to execute, and the folder may be anybody's."""
    (tmp_path / "workspace.yaml").write_text("load_from: [{python_module: {module_name: of_another_project}}]")
    monkeypatch.chdir(tmp_path)

    ours, given = (load_target(workspace).create_origins() for workspace in (None, Path("workspace.yaml")))

    assert [one.location_name for one in ours] == ["recruit_assets"]
    assert [one.loadable_target_origin.module_name for one in ours] == ["recruit_assets.definitions"]
    assert [one.location_name for one in given] == ["of_another_project"]

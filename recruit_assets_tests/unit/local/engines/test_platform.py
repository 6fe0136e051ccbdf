"""Where the local engines start."""

import platform
import sys
from pathlib import Path

import pytest

from recruit_assets.local.engines.engine_set import LocalEngines
from recruit_assets.runtime.errors import UserError
from recruit_assets.runtime.settings import load_settings


@pytest.mark.parametrize(("system", "machine"), [("darwin", "arm64"), ("linux", "aarch64")])
def test_on_another_platform_nothing_is_downloaded(
    system: str, machine: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "platform", system)
    monkeypatch.setattr(platform, "machine", lambda: machine)
    folder = tmp_path / "new"

    with pytest.raises(UserError, match=f"need Linux x86-64, this is {system} {machine}"):
        LocalEngines(load_settings(state_dir=folder, cache_dir=folder)).start()

    assert not folder.exists()

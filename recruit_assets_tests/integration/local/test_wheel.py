"""The demo from an installed wheel, in an empty folder without the repository."""

import re
from pathlib import Path

import pytest

from recruit_assets_tests.release.build import build_wheel
from recruit_assets_tests.support.wheel import REPOSITORY, install, run_installed


@pytest.mark.timeout(600)
def test_the_demo_works_without_the_repository(tmp_path: Path) -> None:
    programs = install(build_wheel(REPOSITORY, tmp_path), tmp_path)
    (empty := tmp_path / "empty").mkdir()

    shown = run_installed(programs, "recruit-assets", "demo", "--events", "2000", folder=empty, timeout_s=540)

    assert re.search(r"^exact", shown, re.MULTILINE)
    assert [file.name for file in empty.iterdir()] == [".recruit"]
    assert (empty / ".recruit" / "demo" / "report.html").stat().st_size > 0

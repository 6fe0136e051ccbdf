"""Private files are whole and private at every moment."""

from pathlib import Path

import pytest

from recruit_assets.runtime.files import write_private


def test_a_file_is_replaced_and_readable_by_its_owner_only(tmp_path: Path) -> None:
    file = tmp_path / "endpoints.json"
    file.write_text("old")
    file.chmod(0o644)

    write_private(file, "new")

    assert file.read_text() == "new"
    assert file.stat().st_mode & 0o777 == 0o600


def test_a_write_that_fails_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    file = tmp_path / "endpoints.json"
    write_private(file, "old")

    with pytest.raises(UnicodeEncodeError):
        write_private(file, "\ud800")

    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [("endpoints.json", "old")]

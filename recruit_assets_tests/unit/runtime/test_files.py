"""Files are replaced atomically, and private ones are private at every moment."""

from pathlib import Path

import pytest

from recruit_assets.runtime.errors import UserError
from recruit_assets.runtime.files import atomic_write


def test_a_private_file_is_replaced_and_readable_by_its_owner_only(tmp_path: Path) -> None:
    file = tmp_path / "endpoints.json"
    file.write_text("old")
    file.chmod(0o644)

    atomic_write(file, "new", private=True)

    assert file.read_text() == "new"
    assert file.stat().st_mode & 0o777 == 0o600


def test_a_missing_folder_is_created(tmp_path: Path) -> None:
    file = tmp_path / "folder" / "report.html"

    atomic_write(file, b"\xff")

    assert file.read_bytes() == b"\xff"


def test_a_failed_write_leaves_the_old_file_and_nothing_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_space(*_: object) -> None:
        raise OSError(28, "No space left on device")

    file = tmp_path / "endpoints.json"
    atomic_write(file, "old")
    monkeypatch.setattr(Path, "replace", no_space)

    with pytest.raises(UserError, match=r"can't write .*/endpoints\.json: No space left on device"):
        atomic_write(file, "new")

    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [("endpoints.json", "old")]

"""Files are replaced atomically, and private ones are private at every moment."""

from pathlib import Path

import pytest

from recruit_assets.runtime.errors import UserError
from recruit_assets.runtime.files import atomic_write, only_one, read_object


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


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"null", b'{"port": 1', b"\xff\x00"])
def test_a_damaged_file_is_named_with_its_remedy(content: bytes, tmp_path: Path) -> None:
    file = tmp_path / "ports.json"
    file.write_bytes(content)

    with pytest.raises(UserError, match=r"/ports\.json is damaged: remove it"):
        read_object(file, remedy="remove it")


def test_a_missing_file_is_empty_and_a_folder_in_its_place_is_named(tmp_path: Path) -> None:
    assert read_object(tmp_path / "absent" / "file", remedy="") == {}
    with pytest.raises(UserError, match=f"can't read {tmp_path} as this user: Is a directory"):
        read_object(tmp_path, remedy="")


def test_of_two_commands_at_once_the_second_is_told(tmp_path: Path) -> None:
    lock, told = tmp_path / "state" / "up.lock", "another `recruit-assets up` is running"

    with only_one("recruit-assets up", lock):  # noqa: SIM117  # the second comes after the first
        with pytest.raises(UserError, match=told), only_one("recruit-assets up", lock):
            pass
    with only_one("recruit-assets up", lock):
        pass


def test_a_lock_that_cant_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "state").touch()
    lock = tmp_path / "state" / "up.lock"

    with pytest.raises(UserError, match=f"can't lock {lock} as this user: "), only_one("recruit-assets up", lock):
        pass

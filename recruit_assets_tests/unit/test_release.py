"""A release: the same bytes each time, the whole package, one version, and notices of everything in it."""

import re
import subprocess
import zipfile
from pathlib import Path

import pyspark
import pytest

from recruit_assets import __version__
from recruit_assets.runtime.artifacts.lock import ROOTS
from recruit_assets.runtime.errors import UserError
from recruit_assets_tests.dependencies.inventory import RUNTIME_LOCK, bundled_jars, locked_jars, wheels
from recruit_assets_tests.dependencies.notices import FILE, images
from recruit_assets_tests.release.build import build_release, build_wheel
from recruit_assets_tests.release.source import require_committed
from recruit_assets_tests.support.wheel import REPOSITORY, install, run_installed

PACKAGE = "recruit_assets/"
IMPORT_EVERYTHING = """
import pkgutil, recruit_assets
print(recruit_assets.__file__)
for module in pkgutil.walk_packages(recruit_assets.__path__, "recruit_assets."):
    if not module.name.endswith("__main__"):
        __import__(module.name)
"""
HOME = """
import pathlib
from recruit_assets.runtime.settings import load_settings
from recruit_assets.stores.dagster.instance import ensure_dagster_home
print((ensure_dagster_home(load_settings()) / "dagster.yaml").read_text() == pathlib.Path({!r}).read_text())
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_wheel(REPOSITORY, tmp_path_factory.mktemp("wheel"))


def test_two_builds_have_the_same_bytes(tmp_path: Path) -> None:
    first, second = (build_release(REPOSITORY, tmp_path / name) for name in ("first", "second"))

    assert [file.name for file in first] == [
        f"recruit_assets-{__version__}-py3-none-any.whl", RUNTIME_LOCK, f"recruit_assets-{__version__}.cdx.json",
        "SHA256SUMS",
    ]  # fmt: skip
    assert [file.read_bytes() for file in first] == [file.read_bytes() for file in second]
    subprocess.run(["sha256sum", "--check", "--strict", "SHA256SUMS"], cwd=tmp_path / "first", check=True)


def test_the_wheel_works_without_the_repository(wheel: Path, tmp_path: Path) -> None:
    programs = install(wheel, tmp_path)
    (empty := tmp_path / "empty").mkdir()

    def python(code: str) -> list[str]:
        return run_installed(programs, "python", "-W", "ignore", "-c", code, folder=empty).splitlines()

    assert python(IMPORT_EVERYTHING) == [str(next(programs.parent.glob("lib/*/*/recruit_assets/__init__.py")))]
    assert python(HOME.format(str(REPOSITORY / "dagster.yaml"))) == ["True"]
    assert run_installed(programs, "recruit-assets", "--version", folder=empty) == f"recruit-assets {__version__}\n"


def test_the_wheel_has_every_file_of_the_package_and_the_licences(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
    tracked = subprocess.run(
        ["git", "ls-files", PACKAGE], cwd=REPOSITORY, check=True, stdout=subprocess.PIPE, text=True
    )

    assert sorted(name for name in names if name.startswith(PACKAGE)) == sorted(tracked.stdout.split())
    licences = {Path(name).name for name in names if "/licenses/" in name}
    assert licences == {"LICENSE", FILE}


def test_a_release_is_made_of_a_commit_only(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="a release is made in a git clone"):
        require_committed(tmp_path)
    subprocess.run(["git", "init", "--quiet", tmp_path], check=True)
    require_committed(tmp_path)
    (tmp_path / "new.py").touch()

    with pytest.raises(UserError, match=r"commit or remove these changes first.*\n\?\? new\.py$"):
        require_committed(tmp_path)


def test_the_version_is_the_same_wherever_it_is_written() -> None:
    mentions = {
        file: re.findall(r"recruit-assets:(\d[\w.]*)", (REPOSITORY / file).read_text(encoding="utf-8"))
        for file in ("docker/compose.yaml", "docker/.env.example", "docker/stand-ins/Dockerfile")
    }

    assert {file: set(found) for file, found in mentions.items()} == {file: {__version__} for file in mentions}
    assert f"\n## [{__version__}]" in (REPOSITORY / "CHANGELOG.md").read_text(encoding="utf-8")


def test_the_notices_name_everything_that_is_installed_or_downloaded() -> None:
    rows = (REPOSITORY / FILE).read_text(encoding="utf-8").splitlines()
    listed = {tuple(row.strip("| ").split(" | ")[:2]) for row in rows if row.startswith("| ")}
    jars = (jar for lock in ROOTS for jar in locked_jars(lock) if ":" in jar.name)
    spark = bundled_jars(Path(pyspark.__file__).parent.joinpath("jars").glob("*.jar"))
    lock = (REPOSITORY / RUNTIME_LOCK).read_text(encoding="utf-8")
    wanted = {(one.name, one.version) for group in (wheels(lock), jars, spark) for one in group}
    pulled = images(REPOSITORY, dict.fromkeys((name for name, _ in listed), "known"))

    assert listed - {("component", "version")} == wanted | {(name, version) for name, version, _ in pulled}

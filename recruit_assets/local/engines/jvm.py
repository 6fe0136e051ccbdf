"""How a Java program is run: its options in an argument file, so that the process list stays readable.

Belongs here: what Kafka and Cassandra have in common. Not here: their own options.
"""

import os
from collections.abc import Iterable, Sequence
from pathlib import Path

from recruit_assets.local.engines.engine import Command
from recruit_assets.runtime.artifacts import java_home

ARGUMENTS_FILE = "java.args"

QUICK_COMPILER = "-XX:TieredStopAtLevel=1"
"""Of the JVM's two compilers the quick one alone: code that runs for a minute never earns what the other costs."""

INHERITED = ("PATH", "HOME", "LD_LIBRARY_PATH")
"""All that engines see of our environment: no RECRUIT_ secret, no option for another Java or MariaDB."""


def arguments_mark(folder: Path) -> str:
    """The argument by which a Java engine's process is recognized."""
    return f"@{folder / ARGUMENTS_FILE}"


def java(
    folder: Path,
    *,
    jars: Iterable[Path],
    options: Sequence[str],
    main: Sequence[str],
    short_lived: bool = False,
    file: str = ARGUMENTS_FILE,
) -> Command:
    """A command that runs a main class with its arguments; writes the file into the folder."""
    (folder / "tmp").mkdir(exist_ok=True)
    # native libraries are unpacked there; /tmp may be shared, full, or forbid to run what it holds
    arguments = [
        f"-Djava.io.tmpdir={folder / 'tmp'}",
        "-XX:+PerfDisableSharedMem",
        *([QUICK_COMPILER] if short_lived else []),
        *options,
        "-cp",
        ":".join(str(jar) for jar in jars),
        *main,
    ]
    arguments_file = folder / file
    arguments_file.write_text("\n".join(_quoted(each) for each in arguments) + "\n", encoding="utf-8")
    return Command(
        arguments=(str(java_home() / "bin" / "java"), f"@{arguments_file}"),
        folder=folder,
        environment=environment(),
    )


def environment() -> dict[str, str]:
    """A small, fixed environment: engines think in UTC and in English."""
    inherited = {name: os.environ[name] for name in INHERITED if name in os.environ}
    return inherited | {"LC_ALL": "C.UTF-8", "TZ": "UTC"}


def _quoted(argument: str) -> str:
    escaped = argument.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'

"""Runs Java programs, with their options in an argument file to keep process lists readable."""

import os
from collections.abc import Iterable, Sequence
from pathlib import Path

from recruit_assets.local.engines.engine import Command
from recruit_assets.runtime.artifacts import java_home

ARGUMENTS_FILE = "java.args"

QUICK_COMPILER = "-XX:TieredStopAtLevel=1"
"""Only the faster of the JVM's two compilers: in a short run, the optimizing one costs more than it saves."""

INHERITED = ("PATH", "HOME", "LD_LIBRARY_PATH")
"""The variables that engines inherit: no RECRUIT_ secrets, and no options for another Java or MariaDB."""


def arguments_mark(folder: Path) -> str:
    """The argument that identifies a Java engine's process."""
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
    """The command that runs a main class; writes the argument file to the folder."""
    (folder / "tmp").mkdir(exist_ok=True)
    # native libraries are unpacked there; /tmp may be shared, full, or mounted noexec
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
    """A minimal environment for engines, with UTC and English messages."""
    inherited = {name: os.environ[name] for name in INHERITED if name in os.environ}
    return inherited | {"LC_ALL": "C.UTF-8", "TZ": "UTC"}


def _quoted(argument: str) -> str:
    escaped = argument.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'

"""Reads and writes the committed locks: lists of artifacts with exact versions, SHA-256 and sizes."""

import tomllib
from dataclasses import dataclass
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import PurePosixPath

from recruit_assets.runtime.errors import UserError

LOCKS = files("recruit_assets.runtime.artifacts") / "locks"


@dataclass(frozen=True, slots=True, order=True)
class LockedArtifact:
    """One file of a Maven repository."""

    group: str
    artifact: str
    version: str
    classifier: str
    sha256: str
    size_bytes: int

    def __str__(self) -> str:
        return ":".join(part for part in (self.group, self.artifact, self.classifier, self.version) if part)

    @property
    def file_name(self) -> str:
        classifier = f"-{self.classifier}" if self.classifier else ""
        return f"{self.artifact}-{self.version}{classifier}.jar"

    @property
    def path(self) -> PurePosixPath:
        """Its path in a Maven repository."""
        return PurePosixPath(*self.group.split("."), self.artifact, self.version, self.file_name)


def read_lock(name: str, folder: Traversable = LOCKS) -> tuple[LockedArtifact, ...]:
    """The artifacts of a lock in class path order; UserError lists the locks if there is no such lock."""
    lock = folder / f"{name}.toml"
    if not lock.is_file():
        known = ", ".join(sorted(entry.name.removesuffix(".toml") for entry in folder.iterdir()))
        raise UserError(f"there is no class path {name!r}; known are {known}")
    entries = tomllib.loads(lock.read_text(encoding="utf-8"))["artifact"]
    return tuple(LockedArtifact(**entry) for entry in entries)


def format_lock(roots: list[str], artifacts: list[LockedArtifact]) -> str:
    """The text of a lock file, with the requested roots on top."""
    lines = ["# Written by `python -m recruit_assets.runtime.artifacts.lock`; don't edit.", "roots = ["]
    lines += [f'  "{root}",' for root in roots]
    lines.append("]")
    for artifact in artifacts:
        lines += [
            "",
            "[[artifact]]",
            f'group = "{artifact.group}"',
            f'artifact = "{artifact.artifact}"',
            f'version = "{artifact.version}"',
            f'classifier = "{artifact.classifier}"',
            f'sha256 = "{artifact.sha256}"',
            f"size_bytes = {artifact.size_bytes}",
        ]
    return "\n".join(lines) + "\n"

"""The source of a release: the files that git knows, and the time of the commit."""

import shutil
import subprocess
from pathlib import Path

from recruit_assets.runtime.errors import UserError


def copy_tracked(repository: Path, target: Path) -> None:
    """Copy the tracked files as they are in the working tree. Modes are git's, whatever the umask of the clone."""
    for entry in _git(repository, "ls-files", "--stage", "-z").split("\0")[:-1]:
        kept, _, name = entry.partition("\t")
        mode, (source, copy) = int(kept[:6], 8), (repository / name, target / name)
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, copy, follow_symlinks=False)
        if not copy.is_symlink():
            copy.chmod(0o755 if mode & 0o100 else 0o644)


def commit_time_s(repository: Path) -> int:
    """The time of the newest commit, seconds since the epoch (SOURCE_DATE_EPOCH of reproducible-builds.org)."""
    return int(_git(repository, "log", "-1", "--format=%ct"))


def require_committed(repository: Path) -> None:
    """UserError if the working tree differs from the commit, whose time and name the release carries."""
    if changes := _git(repository, "status", "--porcelain"):
        raise UserError(f"commit or remove these changes first; a release is made of a commit:\n{changes.rstrip()}")


def _git(repository: Path, *arguments: str) -> str:
    try:
        done = subprocess.run(["git", *arguments], cwd=repository, check=False, capture_output=True, text=True)
    except OSError as error:
        raise UserError(f"a release needs git: {error}") from error
    if done.returncode:
        raise UserError(f"a release is made in a git clone, but git {arguments[0]} failed: {done.stderr.strip()}")
    return done.stdout

"""Files of ours: written so that a reader finds the old content or the new, never a part, also after a power cut; read
so that one which something else has damaged is named; and locked.
"""

import json
import os
import shutil
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from errno import EINVAL
from pathlib import Path
from typing import Any
from uuid import uuid4

from filelock import FileLock, Timeout

from recruit_assets.runtime.errors import UserError


def atomic_write(path: Path, content: str | bytes, *, private: bool = False) -> None:
    """Write or replace a file and create its folder; UserError if that fails.

    A private file has mode 0600 from its first byte on, whatever mode the file had that it replaces.
    """
    data = content.encode() if isinstance(content, str) else content
    partial = path.with_name(f".{path.name}.{uuid4().hex}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600 if private else 0o666)
            with os.fdopen(descriptor, "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(descriptor)
            partial.replace(path)
            sync(path.parent)
        finally:
            partial.unlink(missing_ok=True)
    except OSError as error:
        raise UserError(f"can't write {path}: {error.strerror}. Make room or choose another path") from error


def sync(path: Path) -> None:
    """Return when the file, or the names in the folder, are on the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno != EINVAL:  # some network file systems can't sync a folder
            raise
    finally:
        os.close(descriptor)


def read_object(path: Path, *, remedy: str) -> dict[str, Any]:
    """The JSON object in a file, empty without one; UserError with the remedy if it is damaged or can't be read."""
    try:
        found = json.loads(path.read_bytes())
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except OSError as error:
        raise UserError(f"can't read {path} as this user: {error.strerror}") from error
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise UserError(f"{path} is damaged: {remedy}")
    return found


def private_folder(path: Path) -> None:
    """Create the folder if it doesn't exist, and keep other users out of it; OSError if that fails.

    The folder that it is in is private too if it is new; an existing one may be anybody's, such as /tmp, and stays as
    it is.
    """
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    path.mkdir(mode=0o700, exist_ok=True)
    if path.stat().st_uid == os.geteuid():
        path.chmod(0o700)


def is_writable_by_others(path: Path) -> bool:
    """Whether a user other than this one and root may change the file or folder. A group of this user alone may."""
    found = path.stat()
    others_in_group = found.st_mode & stat.S_IWGRP and found.st_gid not in (0, os.getgid())
    return bool(found.st_uid not in (0, os.geteuid()) or found.st_mode & stat.S_IWOTH or others_in_group)


def shorten(log: Path, *, limit_bytes: int) -> None:
    """If a log is longer, move its content to `<name>.previous`. Its writers must append, and may be running."""
    with suppress(FileNotFoundError):
        if log.stat().st_size > limit_bytes:
            shutil.copyfile(log, log.with_name(f"{log.name}.previous"))
            os.truncate(log, 0)


def tail(log: Path, *, limit_bytes: int) -> str:
    """The end of a log; empty if there is no log."""
    if not log.is_file():
        return ""
    with log.open("rb") as file:
        file.seek(max(0, file.seek(0, os.SEEK_END) - limit_bytes))
        return file.read().decode("utf-8", errors="replace")


@contextmanager
def locked(path: Path, occupied: Callable[[], object]) -> Iterator[None]:
    """Hold a lock file, which the kernel frees if the process dies. Another process that holds it is waited for.

    `occupied` is called before that wait, and may raise. UserError if the file can't be locked.
    """
    lock = FileLock(path)
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        try:
            lock.acquire(timeout=0)
        except Timeout:
            occupied()
            lock.acquire()
    except OSError as error:
        raise UserError(f"can't lock {path} as this user: {error.strerror}") from error
    try:
        yield
    finally:
        lock.release()


@contextmanager
def only_one(command: str, path: Path) -> Iterator[None]:
    """Hold the command's lock file; UserError if another process does."""

    def occupied() -> None:
        raise UserError(f"another `{command}` is running with the state directory {path.parent}: stop it first")

    with locked(path, occupied):
        yield
